// The software TLB that emitted code asks itself: linear page -> host address, for plain memory only. Large and
// direct-mapped, laid out for a look-up that changes no flag.
#pragma once

#include <vector>

#include "core/base/types.h"
#include "mmu/machine_memory.h"

namespace penumbra {

class SoftTlb {
 public:
  static constexpr u32 kEntries = 1u << 16;
  // A sum of this and a page number (20 bits) is never 0.
  static constexpr u32 kNone = 1;

  // A tag is the negated page number, so that tag + page is 0 where they match.
  struct Entry {
    u32 read_tag;
    u32 write_tag;
    u64 addend;  // host address = addend + linear
    bool operator==(const Entry&) const = default;
  };

  // `most`: with as many filled, the next empties it (a stress setting).
  explicit SoftTlb(std::size_t most = ~std::size_t{0});

  Entry* entries() { return &entries_[0]; }

  // False: it is what was there.
  bool fill(u32 linear, u8* host_page, bool writable, bool global);
  // How many entries there may be that are not global.
  std::size_t local_entries() const { return local_.size(); }
  void drop_all();
  void drop_local();
  // Drops each page but global ones for which still(page, host page, writable) -> bool does not hold.
  template <class Still>
  void settle(Still still) {
    std::erase_if(local_, [&](u32 slot) {
      Entry& e = entries_[slot];
      const u32 page = 0u - e.read_tag;
      const bool global = state_[slot] & kGlobal;
      if (!global && e.addend && still(page, host_page(e), e.write_tag != kNone)) return false;
      if (!global) empty(slot);
      state_[slot] &= static_cast<u8>(~kListedLocal);
      return true;
    });
  }
  void drop(u32 page, u32 count);
  // Takes away the right to write a host page: it has become watched.
  void forbid_writes(const u8* written);

 private:
  static u32 slot_of(u32 page) { return page & (kEntries - 1); }
  static u8* host_page(const Entry& e) {
    return reinterpret_cast<u8*>(e.addend + (u64{0u - e.read_tag} << kPageShift));
  }
  void empty(u32 slot) { entries_[slot] = {kNone, kNone, 0}; }

  static constexpr u8 kGlobal = 1, kListedLocal = 2, kListedGlobal = 4;

  HostPages<Entry> entries_;
  HostPages<u8> state_;  // kGlobal, and in which of the lists it stands
  const std::size_t most_;
  // Every slot that is not empty, by what it was filled with, and perhaps others.
  std::vector<u32> local_, global_;
};

}  // namespace penumbra
