// Direct-mapped; what was filled is remembered, so that emptying costs no more than filling did.
#include "translator/lookup_table.h"

#include <algorithm>

namespace penumbra {

LookupTable::LookupTable() : entries_(kLookupEntries), blocks_(kLookupEntries), cleared_(kLookupEntries) {
  for (u32 slot = 0; slot < kLookupEntries; ++slot) empty(slot);
}

// The tag of another slot's address never matches one of this slot's.
void LookupTable::empty(u32 slot) {
  entries_[slot] = {0u - (slot ^ 1), 0, 0};
  blocks_[slot] = nullptr;
}

void LookupTable::set_aside(u32 slot) {
  if (blocks_[slot]) {
    if (!cleared_[slot]) aside_.push_back(slot);
    cleared_[slot] = blocks_[slot];
  }
  empty(slot);
}

void LookupTable::enter(TranslatedBlock* block, u64 code) {
  const u32 slot = slot_of(block->linear);
  if (!blocks_[slot]) filled_.push_back(slot);
  set_aside(slot);
  blocks_[slot] = block;
  if (code) entries_[slot] = {0u - block->linear, 0u - block->eip, code};
}

void LookupTable::remove(const TranslatedBlock* block) {
  const u32 slot = slot_of(block->linear);
  if (blocks_[slot] == block) empty(slot);
  if (cleared_[slot] == block) cleared_[slot] = nullptr;
}

void LookupTable::clear() {
  for (const u32 slot : filled_) set_aside(slot);
  filled_.clear();
}

void LookupTable::forget() {
  for (const u32 slot : filled_) empty(slot);
  filled_.clear();
  for (const u32 slot : aside_) cleared_[slot] = nullptr;
  aside_.clear();
}

void LookupTable::clear_local() {
  std::erase_if(filled_, [&](u32 slot) {
    if (blocks_[slot] && blocks_[slot]->global) return false;
    set_aside(slot);
    return true;
  });
}

}  // namespace penumbra
