// The usual entries by a few operations; whatever has a bit that is seldom set is left to `probe`.
#include "mmu/table_reader.h"

#include "core/base/bits.h"

namespace penumbra {

namespace {

// SDM 3A 4.3 and 4.4.
constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40, kLarge = 0x80;
constexpr u64 kNoExecute = u64{1} << 63;
constexpr u64 kPaeAddress = 0x000F'FFFF'FFFF'F000;
// Neither reserved nor beyond 4 GiB.
constexpr u64 kUsual = 0xFFFF'FFFF;

}  // namespace

TableReader::TableReader(GuestMemory& memory, const PagingMode& mode)
    : memory_(memory), mode_(mode), unusual_(~kUsual & ~(mode.no_execute ? kNoExecute : 0)) {}

bool TableReader::maps_by_probe(u32 page, u32 frame, bool write, Privilege who) const {
  const Translation t = probe(memory_, mode_, LinearAddr(page << kPageShift));
  const bool user = who == Privilege::user;
  const bool writable = t.dirty && (t.writable || (!user && !mode_.write_protect));
  return t.ok && (t.user || !user) && t.accessed && (writable || !write) && page_of(t.page).value == frame;
}

void TableReader::enter(u32 number) {
  entered_ = number;
  directory_ = 0;
  table_ = nullptr;
  large_ = false;
  if (mode_.pae) {
    const u64 pdpte = mode_.pdpte[number >> 9];
    if (pdpte & kPresent) directory_ = memory_.load<u64>(PhysAddr((pdpte & kPaeAddress) + (number & 511) * 8));
  } else {
    directory_ = memory_.load<u32>(PhysAddr((mode_.cr3 & ~kPageMask) + number * 4));
  }
  if (!(directory_ & kPresent)) return;
  large_ = directory_ & kLarge && (mode_.pae || mode_.pse);
  if (!large_ && !(directory_ & unusual_) && memory_.a20())
    table_ = memory_.readable(page_of(PhysAddr(directory_ & kUsual)));
}

TableReader::Table TableReader::table(u32 region) {
  if (!mode_.paging) return {};
  const u32 number = mode_.pae ? region : region >> 1;
  if (number != entered_) enter(number);
  if (!(directory_ & kPresent)) return {true, 0, {}};
  if (large_) return {true, directory_, {}};
  if (!table_) return {};
  const u64 rights = directory_ & (kPageMask | kNoExecute);
  if (mode_.pae) return {true, rights, {table_, kPageSize}};
  return {true, rights, {table_ + (region & 1) * kPageSize / 2, kPageSize / 2}};
}

bool TableReader::maps(u32 page, u32 frame, bool write, Privilege who) {
  if (!mode_.paging) return maps_by_probe(page, frame, write, who);
  const unsigned shift = mode_.pae ? 9 : 10;
  if (page >> shift != entered_) enter(page >> shift);
  if (!(directory_ & kPresent)) return false;
  const u32 number = page & ((1u << shift) - 1);
  u64 entry = directory_;
  u64 mapped = 0;
  if (table_) {
    entry = mode_.pae ? load<u64>(table_ + 8 * number) : load<u32>(table_ + 4 * number);
    mapped = (entry & kUsual) >> kPageShift;
  } else {
    const u64 address = kUsual & ~((u64{kPageSize} << shift) - 1);
    if (!large_ || entry & kUsual & ~address & ~u64{kPageMask}) return maps_by_probe(page, frame, write, who);
    mapped = ((entry & address) >> kPageShift) + number;
  }
  if (entry & unusual_) return maps_by_probe(page, frame, write, who);
  const bool user = who == Privilege::user;
  const u64 needed =
      kPresent | kAccessed | (user ? kUser : 0) | (write && (user || mode_.write_protect) ? kWritable : 0);
  return (entry & directory_ & needed) == needed && (!write || entry & kDirty) && mapped == frame;
}

}  // namespace penumbra
