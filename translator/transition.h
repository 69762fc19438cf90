// What an instruction that checks a descriptor, or changes the privilege, came to when the interpreter last executed
// it: emitted code does the same again where everything it depended on is as it was.
#pragma once

#include "core/base/types.h"
#include "core/cpu/cpu_state.h"

namespace penumbra {

struct LookupEntry;

// What emitted code compares and installs. One for each place in emitted code.
struct alignas(64) Transition {
  static constexpr u32 kNone = ~u32{0};  // no selector, and no address of a descriptor

  u32 selector = kNone;  // that was loaded or verified; for SYSENTER and SYSEXIT the MSR's
  u32 linear = kNone;    // of the descriptor; none for a null selector
  u64 descriptor = 0;
  u64 gdt = 0;  // Context::gdt
  u32 number = 0;
  u32 outcome = 0;  // of VERR and VERW: ZF in AH's place
  // Of a data segment.
  u32 segment = 0;
  u32 base = 0;
  i64 end[2] = {};
  u32 outer = 0;  // Context::segment_outer
  // Of a change of privilege, and of IRET, whose `descriptor` is that of CS.
  u32 code_selector = 0;
  u32 stack_selector = 0;
  u32 stack_linear = kNone;  // of SS' descriptor; none where SS is not loaded
  u64 stack_descriptor = 0;
  // What comes behind: its block mode, whether that is another one, and its lookup table, unless that is in doubt.
  u32 mode = 0;
  u32 other_mode = 0;
  u32 user = 0;  // whether it is user code
  LookupEntry* lookup = nullptr;
  const u8* doubt = nullptr;
};

// The rest of it, for C++, by the same number less 1.
struct TransitionSite {
  enum class Kind : u8 { segment, verify, sysenter, sysexit, iret } kind;
  u32 next;           // EIP behind the instruction
  unsigned name = 0;  // of the segment register
  Segment segment{};  // loaded; CS where the privilege changes
  Segment stack{};    // SS where the privilege changes
};

inline constexpr u32 kTransitions = 4096;

// Whether a data segment is what it was after a return to CPL 3 (SDM 2, IRET: RETURN-TO-OUTER-PRIVILEGE-LEVEL).
inline bool survives_outer_return(const Segment& s) {
  return s.code_or_data() ? s.conforming() || s.dpl() == 3 : s.selector == 0;
}

}  // namespace penumbra
