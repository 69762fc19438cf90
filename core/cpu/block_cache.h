// Decoded blocks by physical address and mode, with the pages they came from watched for writes.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "core/cpu/insn.h"
#include "mmu/guest_memory.h"

namespace penumbra {

// Blocks live until `clear`; an invalidated one stays in memory, so that whoever is executing it can leave it.
class BlockCache {
 public:
  explicit BlockCache(GuestMemory& memory);

  Block* find(PhysAddr physical, u8 mode) const {
    for (Block* block = table_[slot(physical, mode)]; block; block = block->next)
      if (block->physical == physical.value && block->mode == mode) return block;
    return nullptr;
  }
  // Room for a block of up to `insns` instructions and the pseudo-instruction; null when the cache must be cleared
  // first.
  Block* allocate(unsigned insns);
  // Gives back what the last allocated block did not use, enters it, and watches its pages.
  // True if a page was not watched before: its TLB write rights must go.
  bool insert(Block* block);
  // Invalidates every block that has a byte in the range; `handler` becomes all their instructions' handler.
  // Stops watching a page that holds no block any more. True if any block went.
  bool invalidate(PhysAddr address, u32 bytes, Handler leave);
  // Forgets everything. No block may be executing.
  void clear();
  // Recounts and compares: every valid block is found, and its pages are watched.
  void audit() const;

 private:
  static constexpr u32 kSlots = 1 << 16;
  static constexpr std::size_t kArenaBytes = std::size_t{48} << 20;

  struct Page {
    Block* blocks = nullptr;
    u64 lines = 0;                   // which 64-byte lines hold code: most data writes to the page touch none
    std::vector<Block*> straddlers;  // blocks that end here but begin in the page before
  };

  static u32 slot(PhysAddr physical, u8 mode) {
    const u32 h = static_cast<u32>(physical.value) * 0x9E3779B1u + mode * 0x85EBCA6Bu;
    return h >> 16;
  }
  void remove(Block* block, Handler leave);

  GuestMemory& memory_;
  std::vector<Block*> table_;
  std::unordered_map<u32, Page> pages_;
  HostPages<u8> arena_;
  std::size_t used_ = 0;
};

}  // namespace penumbra
