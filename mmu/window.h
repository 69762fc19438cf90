// A window: 4 GiB of host address space in which a guest linear address is an offset. Its host mappings are the shadow
// page table of one privilege: made when an access misses one, dropped when the guest's own tables may have changed.
#pragma once

#include <utility>
#include <vector>

#include "core/base/types.h"
#include "mmu/machine_memory.h"

namespace penumbra {

class Window {
 public:
  static constexpr u64 kBytes = u64{1} << 32;
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

  // Whether the page has been mapped since the window came to show another address space (`renew`).
  bool known(u32 page) const { return known_[page] == epoch_; }
  void renew();

  // Maps `count` pages of linear addresses from page number `page` on to consecutive pages of the memory file from
  // `frame` on, in place of what was there. `global`: stays when `drop_local` is called. `populate`: all of them have
  // been used and will be, so that the host enters them in its page tables at once; it would allocate what has not
  // been. False: the host refused (its limit of mappings); the window is then empty.
  bool map(u32 page, Ppn frame, u32 count, Right right, bool global, bool populate = false);

  void drop_all();
  void drop_local();
  // Drops each page but global ones for which still(page, frame, Right) -> bool does not hold.
  template <class Still>
  void settle(Still still) {
    std::vector<Run> kept;
    u64 mappings = global_.size();
    u32 behind = 0;  // the frame behind the last one kept
    for (const Run& run : local_) {
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
        if (!unmap_gone()) return;
        if (listed_elsewhere) continue;
        rights_[page] |= kSettled;
        const bool follows = !kept.empty() && kept.back().page + kept.back().count == page;
        mappings += !follows || frame != behind;
        behind = frame + 1;
        if (follows)
          ++kept.back().count;
        else
          kept.push_back({page, 1});
      }
      if (!unmap_gone()) return;
    }
    for (const Run& run : kept)
      for (u32 page = run.page; page < run.page + run.count; ++page) rights_[page] &= static_cast<u8>(~kSettled);
    local_ = std::move(kept);
    mappings_ = mappings;
  }
  void drop(u32 page, u32 count);
  // Takes the right to write from every mapping of a frame: it has become watched.
  void write_protect(Ppn frame);

  // Mappings made since everything was dropped: at most this many live in the host.
  u64 mappings() const { return mappings_; }
  // Compares the books with each other: every mapped page is found from its frame.
  void audit() const;

 private:
  static constexpr u32 kPages = 1u << 20;
  static constexpr u8 kGlobal = 4, kSettled = 8;

  struct Run {
    u32 page;
    u32 count;
  };

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
  HostPages<u8> known_;   // the epoch in which a page was mapped last
  u8 epoch_ = 1;
  // For each page its frame plus 1, and its neighbours among the pages of the same frame plus 1; 0 is none.
  HostPages<u32> frame_, next_, previous_;
  HostPages<u32> first_;  // by frame: a page that shows it, plus 1
  std::vector<Run> local_, global_;
  u64 mappings_ = 0;
};

}  // namespace penumbra
