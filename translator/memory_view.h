// How emitted code sees guest memory: windows and software TLBs, filled when an access misses and emptied when the
// guest's tables may have changed. One of each for the supervisor; for user code one of each an address space met
// lately.
#pragma once

#include <array>
#include <memory>

#include "core/cpu/cpu.h"
#include "mmu/soft_tlb.h"
#include "mmu/window.h"
#include "translator/counters.h"

namespace penumbra {

class MemoryView {
 public:
  // All three outlive the view. Without `windows` there are software TLBs only. Throws HostError.
  MemoryView(Cpu& cpu, GuestMemory& memory, bool windows, TranslatorCounters& counters);

  bool has_windows() const { return supervisor_.window != nullptr; }
  // Of the current privilege, or of the one asked for.
  Window& window() { return window(cpu_.privilege()); }
  Window& window(Privilege who) { return *space(who).window; }
  SoftTlb& soft() { return soft(cpu_.privilege()); }
  SoftTlb& soft(Privilege who) { return *space(who).soft; }

  // Answers an access of the current privilege that the window has no mapping for; false: it is the interpreter's.
  bool map(u32 linear, bool write);
  // The same for the software TLB: `bytes` at `linear`.
  bool fill(u32 linear, u32 bytes, bool write);
  // The same for a read by the supervisor, whoever runs.
  bool fill_supervisor(u32 linear, u32 bytes);

  void drop_all();
  // CR3 was written. User code's view is in doubt from now on, until `settle_user`.
  void drop_local();
  // Before user code runs: what another address space's tables, or this one's since it ran last, do not say is dropped.
  void settle_user();
  void drop_pages(u32 first_page, u32 count);
  void write_protect(Ppn page);

  // Whether a frame is RAM that reads and writes reach alike.
  bool plain(u64 physical) const;
  void audit() const;

 private:
  struct Space {
    u32 cr3 = 0;
    u64 used = 0;  // when it was current last
    bool doubtful = false;
    std::unique_ptr<Window> window;
    std::unique_ptr<SoftTlb> soft;
  };
  static constexpr unsigned kUserSpaces = 4;

  Space& space(Privilege who) { return who == Privilege::user ? *user_ : supervisor_; }
  template <class Do>
  void each(Do what);
  // Whether the tables say that user code may read, or write, the frame at this page, without a change of A or D.
  bool still(const PagingMode& mode, u32 page, u32 frame, bool write) const;
  bool fill(SoftTlb& tlb, Privilege who, u32 linear, u32 bytes, bool write);
  bool map_region(u32 linear, const Translation& t, bool write);
  // What the window has to show at a page.
  struct Shown {
    Ppn frame{};
    Window::Right right = Window::Right::none;
    bool global = false;
  };
  Shown shown(const PagingMode& mode, u32 page) const;
  bool map_around(u32 page, const Shown& asked);

  Cpu& cpu_;
  GuestMemory& memory_;
  Space supervisor_;
  std::array<Space, kUserSpaces> users_;
  Space* user_ = &users_[0];
  u64 switches_ = 0;
  TranslatorCounters& counters_;
};

}  // namespace penumbra
