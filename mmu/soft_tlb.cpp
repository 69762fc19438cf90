// What was filled is remembered, so that emptying costs no more than filling did.
#include "mmu/soft_tlb.h"

#include <algorithm>

namespace penumbra {

SoftTlb::SoftTlb(std::size_t most) : entries_(kEntries), state_(kEntries), most_(most) {
  // A slot that was never filled has tags of 0, which only page 0 would match.
  empty(0);
}

bool SoftTlb::fill(u32 linear, u8* host_page, bool writable, bool global) {
  const u32 page = linear >> kPageShift;
  const u32 slot = slot_of(page);
  u8& state = state_[slot];
  const u8 list = global ? kListedGlobal : kListedLocal;
  if (!(state & list)) {
    if (local_.size() + global_.size() >= most_) drop_all();
    (global ? global_ : local_).push_back(slot);
  }
  const Entry entry{0u - page, writable ? 0u - page : kNone,
                    reinterpret_cast<u64>(host_page) - (u64{page} << kPageShift)};
  const bool changes = entries_[slot] != entry || !(state & kGlobal) != !global;
  entries_[slot] = entry;
  state = static_cast<u8>((state & ~kGlobal) | list | (global ? kGlobal : 0));
  return changes;
}

void SoftTlb::drop_all() {
  for (std::vector<u32>* list : {&local_, &global_}) {
    for (const u32 slot : *list) {
      empty(slot);
      state_[slot] = 0;
    }
    list->clear();
  }
}

void SoftTlb::drop_local() {
  for (const u32 slot : local_) {
    if (!(state_[slot] & kGlobal)) empty(slot);
    state_[slot] &= static_cast<u8>(~kListedLocal);
  }
  local_.clear();
}

void SoftTlb::drop(u32 page, u32 count) {
  for (u32 p = page; p < page + count; ++p)
    if (const u32 slot = slot_of(p); entries_[slot].addend && entries_[slot].read_tag + p == 0) empty(slot);
}

void SoftTlb::forbid_writes(const u8* written) {
  for (const std::vector<u32>* list : {&local_, &global_})
    for (const u32 slot : *list) {
      Entry& e = entries_[slot];
      if (e.write_tag != kNone && e.addend && SoftTlb::host_page(e) == written) e.write_tag = kNone;
    }
}

}  // namespace penumbra
