// How the translator is set up.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/types.h"
#include "translator/mmu_kind.h"

namespace penumbra {

struct TranslatorOptions {
  u64 code_bytes = u64{64} << 20;
  MmuKind mmu = MmuKind::windows;
  // How often a block is entered before it is made anew for the window. 0: from the first time on.
  u32 promote_after = 1000;
  // The most instructions of a block. 1 is a stress setting, and so is a small code cache.
  u32 block_instructions = 64;
  // What trapped writes to a page of code may cost in a while until its blocks check themselves (WrittenPages).
  u32 check_after = 4096;
  // Stress: how many entries a software TLB has, and how many address spaces of each privilege are kept.
  u32 tlb_entries = ~u32{0};
  u32 address_spaces = ~u32{0};
  // Stress: everything cached is forgotten whenever emitted code comes back.
  bool forget_always = false;
  // Every block is compared with the interpreter. Blocks are not linked then, and each comes back to C++ when it ends,
  // and before an access to anything but plain memory without code.
  bool lockstep = false;
  // Sees the emitted code of each block before it runs, and may change it: tests of lockstep make it wrong.
  std::function<void(std::span<u8>)> translated = {};
  // Themes of instructions (isa_table.h) that are the interpreter's whatever their rows say, a bit each: a wrong
  // emission is found by bisecting.
  u32 interpreted_themes = 0;
  // Whether perf is told the names of blocks.
  bool perf_map = false;
  // Channel::translation shows the blocks that cover one of these linear addresses; all blocks if there are none.
  std::vector<u32> listed = {};
};

// A setting as a person writes it: block=N, cache=SIZE, promote=N, check=N, tlb=N, spaces=N, forget, or helper=KIND.
// Throws ConfigError.
void apply_setting(std::string_view setting, TranslatorOptions& options);

}  // namespace penumbra
