// The software TLB: linear page -> host address, for plain memory only; everything else takes the slow path.
#pragma once

#include <array>

#include "core/base/types.h"

namespace penumbra {

// One for each privilege. An entry is an opinion that may be dropped at any time.
class Tlb {
 public:
  static constexpr u32 kEntries = 1024;
  // No page-aligned address equals this.
  static constexpr u32 kInvalid = 1;

  struct Entry {
    u32 read_tag = kInvalid;
    u32 write_tag = kInvalid;
    u64 addend = 0;  // host address = addend + linear
  };

  Entry& at(u32 linear) { return entries_[(linear >> kPageShift) & (kEntries - 1)]; }

  // The host address of `bytes` at `linear`, or null: not cached, not plain memory, or across a page.
  u8* read(u32 linear, u32 bytes) {
    const Entry& entry = at(linear);
    if (entry.read_tag != ((linear + bytes - 1) & ~kPageMask)) [[unlikely]]
      return nullptr;
    return reinterpret_cast<u8*>(entry.addend + linear);
  }
  u8* write(u32 linear, u32 bytes) {
    const Entry& entry = at(linear);
    if (entry.write_tag != ((linear + bytes - 1) & ~kPageMask)) [[unlikely]]
      return nullptr;
    return reinterpret_cast<u8*>(entry.addend + linear);
  }

  void fill(u32 linear, u8* host_page, bool writable) {
    const u32 page = linear & ~kPageMask;
    at(linear) = {page, writable ? page : kInvalid, reinterpret_cast<u64>(host_page) - page};
  }
  void flush() { entries_.fill({}); }
  void flush_page(u32 linear) {
    Entry& entry = at(linear);
    if (entry.read_tag == (linear & ~kPageMask)) entry = {};
  }
  // Everything in the 4 MiB around an address.
  void flush_region(u32 linear) {
    for (Entry& entry : entries_)
      if ((entry.read_tag ^ linear) >> 22 == 0) entry = {};
  }
  // Takes away the right to write a host page without the slow path: it has become watched.
  void forbid_writes(const u8* host_page) {
    for (Entry& entry : entries_)
      if (entry.write_tag != kInvalid && entry.addend + entry.write_tag == reinterpret_cast<u64>(host_page))
        entry.write_tag = kInvalid;
  }

 private:
  std::array<Entry, kEntries> entries_;
};

}  // namespace penumbra
