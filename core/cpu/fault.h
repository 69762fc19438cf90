// Guest exceptions: their vectors, and the value that carries one to delivery (SDM 3A 6.3.1, table 6-1).
#pragma once

#include "core/base/types.h"

namespace penumbra {

enum class Vector : u8 {
  DE = 0,  // divide error
  DB = 1,  // debug
  NMI = 2,
  BP = 3,   // breakpoint
  OF = 4,   // overflow
  BR = 5,   // BOUND range exceeded
  UD = 6,   // invalid opcode
  NM = 7,   // device not available
  DF = 8,   // double fault
  CSO = 9,  // coprocessor segment overrun
  TS = 10,  // invalid TSS
  NP = 11,  // segment not present
  SS = 12,  // stack-segment fault
  GP = 13,  // general protection
  PF = 14,  // page fault
  MF = 16,  // x87 floating-point error
  AC = 17,  // alignment check
  MC = 18,  // machine check
  XM = 19,  // SIMD floating-point exception
};

struct GuestFault {
  Vector vector = Vector::GP;
  u32 error_code = 0;
};

// SDM 3A table 6-1: vectors that push an error code in protected mode.
constexpr bool pushes_error_code(Vector v) {
  switch (v) {
    case Vector::DF:
    case Vector::TS:
    case Vector::NP:
    case Vector::SS:
    case Vector::GP:
    case Vector::PF:
    case Vector::AC: return true;
    default: return false;
  }
}

// Thrown by an instruction that must wait for an interrupt and then be executed anew.
struct RetryInstruction {};

// Ends the current instruction with a fault; for helpers, never on the fast path.
[[noreturn]] inline void raise(Vector vector, u32 error_code = 0) { throw GuestFault{vector, error_code}; }
[[noreturn]] inline void raise_gp(u32 error_code = 0) { raise(Vector::GP, error_code); }
[[noreturn]] inline void raise_ud() { raise(Vector::UD); }

}  // namespace penumbra
