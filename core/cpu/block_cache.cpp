// Allocation from an arena, lookup by hash, invalidation by page and 64-byte line.
#include "core/cpu/block_cache.h"

#include <algorithm>
#include <new>

#include "core/base/check.h"
#include "core/cpu/code_lines.h"

namespace penumbra {

BlockCache::BlockCache(GuestMemory& memory) : memory_(memory), table_(kSlots, nullptr), arena_(kArenaBytes) {}

Block* BlockCache::allocate(unsigned insns) {
  const std::size_t bytes = sizeof(Block) + (insns + 1) * sizeof(Insn);
  if (used_ + bytes > kArenaBytes) return nullptr;
  u8* at = &arena_[used_];
  Block* block = new (at) Block;
  block->insns = reinterpret_cast<Insn*>(at + sizeof(Block));
  return block;
}

bool BlockCache::insert(Block* block) {
  used_ += sizeof(Block) + (block->count + 1u) * sizeof(Insn);
  const PhysAddr physical(block->physical);
  block->valid = true;
  Block*& head = table_[slot(physical, block->mode)];
  block->next = head;
  head = block;

  const Ppn ppn = page_of(physical);
  Page& page = pages_[ppn.value];
  block->next_in_page = page.blocks;
  page.blocks = block;
  const u32 offset = static_cast<u32>(physical.value & kPageMask);
  page.lines |= code_lines(offset, std::min(block->bytes, kPageSize - offset));
  bool fresh = !memory_.watched(ppn);
  memory_.watch(ppn, true);
  if (block->straddles) {
    const Ppn second = page_of(PhysAddr(block->second_page));
    Page& next_page = pages_[second.value];
    next_page.straddlers.push_back(block);
    next_page.lines |= 1;
    fresh |= !memory_.watched(second);
    memory_.watch(second, true);
  }
  return fresh;
}

void BlockCache::remove(Block* block, Handler leave) {
  if (!block->valid) return;
  block->valid = false;
  for (unsigned i = 0; i <= block->count; ++i) block->insns[i].handler = leave;
  Block** at = &table_[slot(PhysAddr(block->physical), block->mode)];
  while (*at != block) at = &(*at)->next;
  *at = block->next;
}

bool BlockCache::invalidate(PhysAddr address, u32 bytes, Handler leave) {
  const Ppn ppn = page_of(address);
  const auto found = pages_.find(ppn.value);
  if (found == pages_.end()) {
    memory_.watch(ppn, false);
    return false;
  }
  Page& page = found->second;
  const u32 first = static_cast<u32>(address.value & kPageMask);
  if (!(page.lines & code_lines(first, bytes))) return false;

  u64 lines = 0;
  bool any = false;
  for (Block** at = &page.blocks; *at;) {
    Block* block = *at;
    const u32 offset = static_cast<u32>(block->physical & kPageMask);
    if (block->valid && (offset >= first + bytes || offset + block->bytes <= first)) {
      lines |= code_lines(offset, std::min(block->bytes, kPageSize - offset));
      at = &block->next_in_page;
      continue;
    }
    remove(block, leave);
    any = true;
    *at = block->next_in_page;
  }
  std::erase_if(page.straddlers, [&](Block* block) {
    const u32 tail = block->bytes - (kPageSize - static_cast<u32>(block->physical & kPageMask));
    if (block->valid && first >= tail) return false;
    remove(block, leave);
    any = true;
    return true;
  });
  if (!page.straddlers.empty()) lines |= 1;
  page.lines = lines;
  if (!page.blocks && page.straddlers.empty()) {
    pages_.erase(found);
    memory_.watch(ppn, false);
  }
  return any;
}

void BlockCache::clear() {
  for (const auto& [ppn, page] : pages_) memory_.watch(Ppn(ppn), false);
  pages_.clear();
  std::fill(table_.begin(), table_.end(), nullptr);
  used_ = 0;
}

void BlockCache::audit() const {
  for (const auto& [ppn, page] : pages_) {
    CHECK_THAT(memory_.watched(Ppn(ppn)), "page {:x} has blocks but is not watched", ppn);
    for (const Block* block = page.blocks; block; block = block->next_in_page)
      if (block->valid)
        CHECK_THAT(find(PhysAddr(block->physical), block->mode) == block, "block {:x} is lost", block->physical);
  }
}

}  // namespace penumbra
