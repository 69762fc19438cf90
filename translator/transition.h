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
  // Of a change of privilege.
  u32 code_selector = 0;
  u32 stack_selector = 0;
  void* soft_tlb = nullptr;
  u64 window = 0;
  // What comes behind: its block mode, whether that is another one, and its lookup table, unless that is in doubt.
  u32 mode = 0;
  u32 other_mode = 0;
  LookupEntry* lookup = nullptr;
  const u8* doubt = nullptr;
};

// The rest of it, for C++, by the same number less 1.
struct TransitionSite {
  enum class Kind : u8 { segment, verify, sysenter, sysexit } kind;
  u32 next;           // EIP behind the instruction
  unsigned name = 0;  // of the segment register
  Segment segment{};  // loaded; CS where the privilege changes
  Segment stack{};    // SS where the privilege changes
};

inline constexpr u32 kTransitions = 4096;

}  // namespace penumbra
