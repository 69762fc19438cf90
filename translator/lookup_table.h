// Where execution goes on for an address under the current mapping: what emitted code asks, and the blocks behind it.
#pragma once

#include <vector>

#include "mmu/machine_memory.h"
#include "translator/block.h"
#include "translator/context.h"

namespace penumbra {

// One for each block mode. Holds only blocks whose page is mapped as it was when they were entered here.
class LookupTable {
 public:
  LookupTable();

  LookupEntry* entries() { return &entries_[0]; }
  // Null if unknown.
  TranslatedBlock* find(u32 linear, u32 eip) const {
    TranslatedBlock* block = blocks_[slot_of(linear)];
    return block && block->linear == linear && block->eip == eip ? block : nullptr;
  }
  // A block that was there before it was cleared, or another took its place: right if its page is still mapped as it
  // was then. Null if unknown.
  TranslatedBlock* remembered(u32 linear, u32 eip) const {
    TranslatedBlock* block = cleared_[slot_of(linear)];
    return block && block->linear == linear && block->eip == eip ? block : nullptr;
  }
  // `code` is the host address of the block's code, or 0 where there is none to jump to.
  void enter(TranslatedBlock* block, u64 code);
  void remove(const TranslatedBlock* block);
  void clear();
  // Keeps blocks in global pages.
  void clear_local();
  // Forgets what was cleared, too: the blocks are no more.
  void forget();

 private:
  static u32 slot_of(u32 linear) { return linear & (kLookupEntries - 1); }
  void empty(u32 slot);
  void set_aside(u32 slot);

  HostPages<LookupEntry> entries_;
  HostPages<TranslatedBlock*> blocks_;
  HostPages<TranslatedBlock*> cleared_;
  std::vector<u32> filled_;  // every slot that is not empty, some perhaps twice
  std::vector<u32> aside_;   // every slot where a cleared block stands, some perhaps twice
};

}  // namespace penumbra
