// The guest's tables asked about many pages one after another: what a directory entry says is read once for all that
// follow under it.
#pragma once

#include <span>

#include "mmu/guest_walk.h"

namespace penumbra {

class TableReader {
 public:
  // Both outlive the reader; the tables do not change while it lives.
  TableReader(GuestMemory& memory, const PagingMode& mode);

  // Whether `who` may read, or write, the frame at this page, as `probe` has it, without a change of A or D.
  bool maps(u32 page, u32 frame, bool write, Privilege who);

  // All that `maps` depends on for the 512 pages of a region. Alike where both are.
  struct Table {
    bool known = false;           // false: nothing can be said
    u64 directory = 0;            // its entry, without the table's address
    std::span<const u8> entries;  // none where there is no table: a large page, or nothing at all
  };
  static constexpr unsigned kRegionShift = 9;
  Table table(u32 region);

 private:
  static constexpr u32 kNone = ~u32{0};

  void enter(u32 number);
  bool maps_by_probe(u32 page, u32 frame, bool write, Privilege who) const;

  GuestMemory& memory_;
  const PagingMode& mode_;
  const u64 unusual_;    // bits of entries that are seldom set, some reserved
  u32 entered_ = kNone;  // the number of the directory entry
  u64 directory_ = 0;    // the entry; 0 where there is none
  bool large_ = false;
  const u8* table_ = nullptr;
};

}  // namespace penumbra
