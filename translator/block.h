// A guest block and the host code made of it.
#pragma once

#include <vector>

#include "core/base/types.h"

namespace penumbra {

// What emitted code assumes of the processor besides its EIP and its bytes. Everywhere: protected mode, not V86, CS and
// SS 32 bits wide, CS, DS, ES and SS flat (base 0, limit 4 GiB, readable, the last three writable).
namespace block_mode {
inline constexpr u8 kUser = 1;    // CPL 3
inline constexpr u8 kFsOpen = 2;  // FS: any base, limit 4 GiB, readable and writable
inline constexpr u8 kGsOpen = 4;
inline constexpr u8 kDown = 8;  // EFLAGS.DF: string instructions go down
inline constexpr u8 kModes = 16;
}  // namespace block_mode

// Where the code of one guest instruction begins, from the block's start.
struct InstructionStart {
  u32 host;
  u16 guest;
};

struct TranslatedBlock {
  u64 physical = 0;  // of the first byte
  u32 eip = 0;
  u32 bytes = 0;  // of guest code, all in one page
  u8 mode = 0;
  bool valid = true;
  bool global = false;       // its page is global: stays through CR3 writes
  bool interpreted = false;  // its first instruction is one for the interpreter; there is no code
  u8 soft_faults = 0;        // accesses that only the interpreter could make, so far; saturates
  u64 code = 0;              // offsets in the code buffer
  u64 code_bytes = 0;
  u64 body_bytes = 0;  // of them, those of instructions; exits follow
  u64 dead_entry = 0;  // where the entry jumps once the block is invalid
  std::vector<InstructionStart> starts;
};

// A direct branch that may be linked to its target: the place of its displacement, and where it goes.
struct LinkSite {
  TranslatedBlock* from;
  u64 place;
  u32 target;
};

}  // namespace penumbra
