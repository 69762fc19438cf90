// The plain instructions among emitted code, decoded without a decoder of everything: the verifier's short way.
#pragma once

#include <span>

#include "core/base/types.h"

namespace penumbra {

// What the verifier's rules ask of an instruction.
struct PlainForm {
  // 0: not one that is known here; whoever asks decodes it in full. A known one is not sensitive, and writes neither
  // RSP nor R13 nor R14 nor a segment register.
  u32 length = 0;
  enum class Memory : u8 {
    none,     // LEA included
    window,   // by GS with a 32-bit address
    context,  // inside the Context, by R13
    soft,     // [r8], so many bytes
    poll,     // a load of 32 bits from [r14]
  } memory = Memory::none;
  u8 bytes = 0;            // of Memory::soft
  bool writes = false;     // Memory::soft
  bool makes_r8d = false;  // MOV, MOVZX or LEA to R8D
  bool makes_r9 = false;   // LEA to R9
  bool makes_r11 = false;  // MOV to R11
  bool branch = false;     // direct, to `target` from the instruction's start; RET is none
  bool call = false;
  i64 target = 0;
};

// The one at the start of `code` (SDM 2, 2.1 and appendix A, 64-bit mode).
PlainForm plain_form(std::span<const u8> code);

}  // namespace penumbra
