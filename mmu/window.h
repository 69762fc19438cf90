// A window: 4 GiB of host address space in which a guest linear address is an offset. Its host mappings are the shadow
// page table of one privilege: made when an access misses one, dropped when the guest's own tables may have changed.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "core/base/types.h"
#include "mmu/machine_memory.h"

namespace penumbra {

class Window {
 public:
  static constexpr u64 kBytes = u64{1} << 32;
  // Pages are listed, and may be kept by `settle`, in regions of so many (a power of 2).
  static constexpr unsigned kRegionShift = 9;
  // On both sides nothing is mapped: an operand that begins inside of the window and ends outside of it faults.
  static constexpr u64 kGuard = 64 << 10;

  // `memory` outlives the window. Throws HostError where the host has no such room.
  explicit Window(MachineMemory& memory);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  // A multiple of 4 GiB.
  u64 base() const { return base_; }
  bool contains(u64 host) const { return host - base_ < kBytes; }

  enum class Right : u8 { none = 0, read = 1, write = 2 };
  Right right(u32 page) const { return static_cast<Right>(rights_[page] & 3); }

  // Whether the page has been mapped since the window came to show another address space (`renew`), for `write` with
  // the right to.
  bool known(u32 page, bool write) const { return known_[page] >= (write ? epoch_ | 1 : epoch_); }
  void renew();

  // Maps `count` pages of linear addresses from page number `page` on to consecutive pages of the memory file from
  // `frame` on, in place of what was there. `global`: stays through `settle`. `populate`: all of them have been used
  // and will be, so that the host enters them in its page tables at once; it would allocate what has not been. False:
  // the host refused (its limit of mappings); the window is then empty.
  bool map(u32 page, Ppn frame, u32 count, Right right, bool global, bool populate = false);

  void drop_all();
  // Drops each page but global ones for which still(page, frame, Right) -> bool does not hold. It is not asked where
  // unchanged(region) -> bool says that it would hold.
  template <class Unchanged, class Still>
  void settle(Unchanged unchanged, Still still) {
    u64 mappings = global_.size();
    for (std::size_t n = 0; n < filled_.size();) {
      const u32 region = filled_[n];
      if (!unchanged(region) && !settle_region(local_[region], still)) return;
      mappings += local_[region].size();
      if (local_[region].empty()) {
        filled_[n] = filled_.back();
        filled_.pop_back();
      } else {
        ++n;
      }
    }
    mappings_ = mappings;
  }
  // How many of its pages are what still(...) says, as for `settle`, by one of each run of frames; 0 where that is less
  // than half of them.
  template <class Still>
  u64 alike(Still still) const {
    u64 pages = 0, held = 0;
    const auto ask = [&](const Run& run) {
      if (!mapped(run.page)) return;
      pages += run.count;
      if (still(run.page, frame_[run.page] - 1, right(run.page))) held += run.count;
    };
    for (const Run& run : global_) ask(run);
    for (const u32 region : filled_)
      for (const Run& run : local_[region]) ask(run);
    return 2 * held >= pages ? held : 0;
  }
  void drop(u32 page, u32 count);
  // Takes the right to write from every mapping of a frame: it has become watched.
  void write_protect(Ppn frame);

  // Mappings made since everything was dropped: at most this many live in the host.
  u64 mappings() const { return mappings_; }
  // Compares the books with each other: every mapped page is found from its frame.
  void audit() const;

 private:
  static constexpr u32 kPages = 1u << 20, kRegions = kPages >> kRegionShift;
  static constexpr u8 kGlobal = 4, kSettled = 8;

  // Of consecutive frames.
  struct Run {
    u32 page;
    u32 count;
    u32 frame;
  };

  // False: everything was dropped.
  template <class Still>
  bool settle_region(std::vector<Run>& runs, Still still) {
    std::vector<Run> kept;
    for (const Run& run : runs) {
      Run gone{};
      // False: everything was dropped, the runs, too.
      const auto unmap_gone = [&] { return !gone.count || unmap(std::exchange(gone, {})); };
      for (u32 page = run.page; page < run.page + run.count; ++page) {
        const u8 right = rights_[page];
        const bool listed_elsewhere = !mapped(page) || right & (kGlobal | kSettled);
        const u32 frame = frame_[page] - 1;
        if (!listed_elsewhere && !still(page, frame, static_cast<Right>(right & 3))) {
          if (!gone.count++) gone.page = page;
          continue;
        }
        if (!unmap_gone()) return false;
        if (listed_elsewhere) continue;
        rights_[page] |= kSettled;
        if (!kept.empty() && kept.back().page + kept.back().count == page &&
            kept.back().frame + kept.back().count == frame)
          ++kept.back().count;
        else
          kept.push_back({page, 1, frame});
      }
      if (!unmap_gone()) return false;
    }
    for (const Run& run : kept)
      for (u32 page = run.page; page < run.page + run.count; ++page) rights_[page] &= static_cast<u8>(~kSettled);
    runs = std::move(kept);
    return true;
  }

  bool mapped(u32 page) const { return right(page) != Right::none; }
  void link(u32 page, u32 frame);
  void unlink(u32 page);
  void forget(u32 page, u32 count);
  // False: everything was dropped.
  bool unmap(u32 page, u32 count);
  bool unmap(const Run& run) { return unmap(run.page, run.count); }
  u8* host(u32 page) const { return reinterpret_cast<u8*>(base_ + (u64{page} << kPageShift)); }

  MachineMemory& memory_;
  u64 base_ = 0;
  HostPages<u8> rights_;  // Right, and the bits above
  HostPages<u8> known_;   // the epoch in which a page was mapped last, even, and whether it could be written
  u8 epoch_ = 2;
  // For each page its frame plus 1, and its neighbours among the pages of the same frame plus 1; 0 is none.
  HostPages<u32> frame_, next_, previous_;
  HostPages<u32> first_;  // by frame: a page that shows it, plus 1
  std::vector<Run> global_;
  std::array<std::vector<Run>, kRegions> local_;
  std::vector<u32> filled_;  // the regions of `local_` that have runs
  u64 mappings_ = 0;
};

}  // namespace penumbra
