// What was filled is remembered, so that emptying costs no more than filling did.
#include "mmu/soft_tlb.h"

#include <algorithm>

namespace penumbra {

SoftTlb::SoftTlb() : entries_(kEntries), state_(kEntries) {
  // A slot that was never filled has tags of 0, which only page 0 would match.
  empty(0);
}

void SoftTlb::fill(u32 linear, u8* host_page, bool writable, bool global) {
  const u32 page = linear >> kPageShift;
  const u32 slot = slot_of(page);
  if (!(state_[slot] & kListed)) filled_.push_back(slot);
  entries_[slot] = {0u - page, writable ? 0u - page : kNone,
                    reinterpret_cast<u64>(host_page) - (u64{page} << kPageShift)};
  state_[slot] = kListed | (global ? kGlobal : 0);
}

void SoftTlb::drop_all() {
  for (const u32 slot : filled_) {
    empty(slot);
    state_[slot] = 0;
  }
  filled_.clear();
}

void SoftTlb::drop_local() {
  std::erase_if(filled_, [&](u32 slot) {
    if ((state_[slot] & kGlobal) && entries_[slot].addend) return false;
    empty(slot);
    state_[slot] = 0;
    return true;
  });
}

void SoftTlb::drop(u32 page, u32 count) {
  for (u32 p = page; p < page + count; ++p)
    if (const u32 slot = slot_of(p); entries_[slot].addend && entries_[slot].read_tag + p == 0) empty(slot);
}

void SoftTlb::forbid_writes(const u8* written) {
  for (const u32 slot : filled_) {
    Entry& e = entries_[slot];
    if (e.write_tag != kNone && e.addend && SoftTlb::host_page(e) == written) e.write_tag = kNone;
  }
}

}  // namespace penumbra
