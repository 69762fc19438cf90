// Where execution goes on for an address under the current mapping: what emitted code asks, and the blocks behind it.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "mmu/machine_memory.h"
#include "translator/block.h"
#include "translator/context.h"

namespace penumbra {

// One for each block mode. Holds only blocks whose pages are mapped as they were when they were entered here, but while
// it is in doubt: after a CR3 write that is cheaper to ask page by page than to find every block again.
class LookupTable {
 public:
  enum class Doubt : u8 {
    none,
    local,  // all but global pages
    all,
  };

  LookupTable();

  LookupEntry* entries() { return &entries_[0]; }
  // Null if unknown.
  TranslatedBlock* find(u32 linear, u32 eip) const {
    TranslatedBlock* block = blocks_[lookup_slot(linear)];
    return block && block->linear == linear && block->eip == eip ? block : nullptr;
  }
  // A block that was there before its page was dropped, or another took its place: right if its page is still mapped as
  // it was then. Null if unknown.
  TranslatedBlock* remembered(u32 linear, u32 eip) const {
    TranslatedBlock* block = dropped_[lookup_slot(linear)];
    return block && block->linear == linear && block->eip == eip ? block : nullptr;
  }
  // `code` is the host address of the block's code, or 0 where there is none to jump to. `global`: its page stays
  // mapped through CR3 writes, and so does, if it has one, `second_global`.
  void enter(TranslatedBlock* block, u64 code, bool global, bool second_global = false);
  void remove(const TranslatedBlock* block);
  // A direct branch from another page is linked to a block that was found here.
  void note_link(const TranslatedBlock& target, u32 site);
  // The links of pages that are no longer what they were: to be cut before emitted code runs. Emptied by who cuts them.
  std::vector<u32>& to_cut() { return to_cut_; }
  void drop_pages(u32 first_page, u32 count);

  // The mapping may have changed. Nobody may look anything up until `settle`.
  void doubt(Doubt what) { doubt_ = std::max(doubt_, what); }
  bool doubtful() const { return doubt_ != Doubt::none; }
  // 0 where there is no doubt: for emitted code.
  const u8* doubt_byte() const { return reinterpret_cast<const u8*>(&doubt_); }
  // Drops the pages in doubt that are not what they were: still(page number, physical address, global) -> bool tells,
  // and corrects `global`.
  template <class Still>
  void settle(Still still) {
    for (Bucket& bucket : buckets_) {
      settle(bucket, false, still);
      if (doubt_ == Doubt::all) settle(bucket, true, still);
    }
    doubt_ = Doubt::none;
  }
  // Forgets what was dropped, too: the blocks are no more.
  void forget();

 private:
  // A page that blocks are entered for.
  struct Mapped {
    u32 page;  // linear
    u64 physical;
    std::vector<u32> links;  // sites in other pages
  };
  // Pages whose numbers have the same low bits.
  struct Bucket {
    std::vector<u32> filled;                   // every slot that such a page's block stands in, and perhaps others
    std::array<std::vector<Mapped>, 2> pages;  // global ones are the second
  };
  static constexpr u32 kBuckets = 16;

  template <class Still>
  void settle(Bucket& bucket, bool was_global, Still still) {
    std::vector<Mapped>& pages = bucket.pages[was_global];
    for (std::size_t n = 0; n < pages.size();) {
      bool global = was_global;
      if (!still(pages[n].page, pages[n].physical, global)) {
        drop_pages(pages[n].page, 1);
      } else if (global == was_global) {
        ++n;
      } else {
        bucket.pages[global].push_back(std::move(pages[n]));
        pages.erase(pages.begin() + static_cast<std::ptrdiff_t>(n));
      }
    }
  }
  Mapped* mapped(u32 page);

  Bucket& bucket_of(u32 page) { return buckets_[page % kBuckets]; }
  void list(Bucket& bucket, u32 slot);
  void note_page(u32 page, u64 physical, bool global);
  void empty(u32 slot);
  void set_aside(u32 slot);
  template <class Goes>
  void drop_slots(Bucket& bucket, Goes goes);

  HostPages<LookupEntry> entries_;
  HostPages<TranslatedBlock*> blocks_;
  HostPages<TranslatedBlock*> dropped_;
  HostPages<u8> listed_;  // the number of the bucket that has the slot in `filled` rightly, plus 1
  std::array<Bucket, kBuckets> buckets_;
  std::vector<u32> to_cut_;
  std::vector<u32> aside_;  // every slot where a dropped block stands, some perhaps twice
  Doubt doubt_ = Doubt::none;
};

}  // namespace penumbra
