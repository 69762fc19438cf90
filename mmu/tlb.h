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

    // Whether `bytes` at `linear` may be read or written here: cached, plain memory, not across the page's end.
    bool readable(u32 linear, u32 bytes) const { return read_tag == ((linear + bytes - 1) & ~kPageMask); }
    bool writable(u32 linear, u32 bytes) const { return write_tag == ((linear + bytes - 1) & ~kPageMask); }
    u8* host(u32 linear) const { return reinterpret_cast<u8*>(addend + linear); }
  };

  static u32 slot_of(u32 linear) { return (linear >> kPageShift) & (kEntries - 1); }
  Entry& at(u32 linear) { return entries_[slot_of(linear)]; }

  // The host address of `bytes` at `linear`, or null: not cached, not plain memory, or across a page.
  u8* read(u32 linear, u32 bytes) {
    const Entry& entry = at(linear);
    return entry.readable(linear, bytes) ? entry.host(linear) : nullptr;
  }
  u8* write(u32 linear, u32 bytes) {
    const Entry& entry = at(linear);
    return entry.writable(linear, bytes) ? entry.host(linear) : nullptr;
  }

  void fill(u32 linear, u8* host_page, bool writable, bool global) {
    const u32 page = linear & ~kPageMask;
    at(linear) = {page, writable ? page : kInvalid, reinterpret_cast<u64>(host_page) - page};
    const u32 slot = slot_of(linear);
    global_[slot] = global;
    if (!global && local_count_ < kEntries) local_[local_count_++] = static_cast<u16>(slot);
  }
  void flush() {
    entries_.fill({});
    local_count_ = 0;
  }
  // All but global pages. Costs what was filled since the last time.
  void flush_local() {
    if (local_count_ == kEntries) return flush();
    for (u32 n = 0; n < local_count_; ++n)
      if (!global_[local_[n]]) entries_[local_[n]] = {};
    local_count_ = 0;
  }
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
  std::array<bool, kEntries> global_{};
  std::array<u16, kEntries> local_{};  // slots filled since the last flush, some perhaps twice; full: all of them
  u32 local_count_ = 0;
};

}  // namespace penumbra
