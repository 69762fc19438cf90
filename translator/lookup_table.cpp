// Direct-mapped; what was filled is remembered, so that emptying costs no more than filling did.
#include "translator/lookup_table.h"

namespace penumbra {

LookupTable::LookupTable()
    : entries_(kLookupEntries), blocks_(kLookupEntries), dropped_(kLookupEntries), listed_(kLookupEntries) {
  for (u32 slot = 0; slot < kLookupEntries; ++slot) empty(slot);
}

// The tag of another slot's address never matches one of this slot's.
void LookupTable::empty(u32 slot) {
  entries_[slot] = {0u - (slot ^ 1), 0, 0};
  blocks_[slot] = nullptr;
}

void LookupTable::set_aside(u32 slot) {
  if (blocks_[slot]) {
    if (!dropped_[slot]) aside_.push_back(slot);
    dropped_[slot] = blocks_[slot];
  }
  empty(slot);
}

void LookupTable::note_page(u32 page, u64 physical, bool global) {
  if (const Mapped* known = mapped(page)) {
    if (known->physical == physical) return;
    // The guest has changed its tables and told nobody yet.
    drop_pages(page, 1);
  }
  bucket_of(page).pages[global].push_back({page, physical, {}});
}

LookupTable::Mapped* LookupTable::mapped(u32 page) {
  for (std::vector<Mapped>& pages : bucket_of(page).pages)
    for (Mapped& one : pages)
      if (one.page == page) return &one;
  return nullptr;
}

void LookupTable::note_link(const TranslatedBlock& target, u32 site) {
  if (Mapped* page = mapped(target.linear >> kPageShift)) page->links.push_back(site);
}

// Two pages that take a slot from each other over and over list it every time.
void LookupTable::list(Bucket& bucket, u32 slot) {
  bucket.filled.push_back(slot);
  if (bucket.filled.size() <= 2 * kLookupEntries) return;
  std::sort(bucket.filled.begin(), bucket.filled.end());
  bucket.filled.erase(std::unique(bucket.filled.begin(), bucket.filled.end()), bucket.filled.end());
}

void LookupTable::enter(TranslatedBlock* block, u64 code, bool global, bool second_global) {
  const u32 slot = lookup_slot(block->linear);
  const u32 page = block->linear >> kPageShift;
  note_page(page, block->physical & ~u64{kPageMask}, global);
  if (block->straddles()) note_page((page + 1) & 0xF'FFFF, block->second_page, second_global);
  const u8 bucket = static_cast<u8>(page % kBuckets + 1);
  if (listed_[slot] != bucket) list(bucket_of(page), slot);
  listed_[slot] = bucket;
  set_aside(slot);
  blocks_[slot] = block;
  if (code) entries_[slot] = {0u - block->linear, 0u - block->eip, code};
}

void LookupTable::remove(const TranslatedBlock* block) {
  const u32 slot = lookup_slot(block->linear);
  if (blocks_[slot] == block) empty(slot);
  if (dropped_[slot] == block) dropped_[slot] = nullptr;
}

template <class Goes>
void LookupTable::drop_slots(Bucket& bucket, Goes goes) {
  const auto number = &bucket - buckets_.data() + 1;
  std::erase_if(bucket.filled, [&](u32 slot) {
    if (listed_[slot] != number) return true;  // another bucket's page has taken it
    if (blocks_[slot] && !goes(*blocks_[slot])) return false;
    set_aside(slot);
    listed_[slot] = 0;
    return true;
  });
}

void LookupTable::drop_pages(u32 first_page, u32 count) {
  const auto inside = [&](u32 page) { return page - first_page < count; };
  bool first_known = false;
  for (u32 n = 0; n < std::min(count, kBuckets); ++n) {
    Bucket& bucket = bucket_of(first_page + n);
    std::size_t gone = 0;
    for (std::vector<Mapped>& pages : bucket.pages)
      gone += std::erase_if(pages, [&](const Mapped& one) {
        first_known |= one.page == first_page;
        if (!inside(one.page)) return false;
        to_cut_.insert(to_cut_.end(), one.links.begin(), one.links.end());
        return true;
      });
    if (gone) drop_slots(bucket, [&](const TranslatedBlock& block) { return inside(block.linear >> kPageShift); });
  }
  if (!first_known) return;
  const u32 before = (first_page - 1) & 0xF'FFFF;
  drop_slots(bucket_of(before),
             [&](const TranslatedBlock& block) { return block.straddles() && block.linear >> kPageShift == before; });
}

void LookupTable::forget() {
  for (Bucket& bucket : buckets_) {
    for (const u32 slot : bucket.filled) {
      empty(slot);
      listed_[slot] = 0;
    }
    bucket.filled.clear();
    for (std::vector<Mapped>& pages : bucket.pages) pages.clear();
  }
  for (const u32 slot : aside_) dropped_[slot] = nullptr;
  aside_.clear();
  to_cut_.clear();
  doubt_ = Doubt::none;
}

}  // namespace penumbra
