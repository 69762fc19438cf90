// How emitted code sees guest memory: windows and software TLBs, one of each a privilege, filled when an access misses
// and emptied when the guest's tables may have changed.
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

  bool has_windows() const { return windows_[0] != nullptr; }
  Window& window() { return *windows_[user()]; }
  Window& user_window() { return *windows_[1]; }
  SoftTlb& soft() { return *soft_[user()]; }

  // Answers an access of the current privilege that the window has no mapping for; false: it is the interpreter's.
  bool map(u32 linear, bool write);
  // The same for the software TLB: `bytes` at `linear`.
  bool fill(u32 linear, u32 bytes, bool write);
  // The same for a read by the supervisor, whoever runs.
  bool fill_supervisor(u32 linear, u32 bytes);

  void drop_all();
  void drop_local();
  void drop_pages(u32 first_page, u32 count);
  void write_protect(Ppn page);

  // Whether a frame is RAM that reads and writes reach alike.
  bool plain(u64 physical) const;
  void audit() const;

 private:
  bool user() const { return cpu_.privilege() == Privilege::user; }
  bool fill(SoftTlb& tlb, Privilege who, u32 linear, u32 bytes, bool write);
  bool map_region(u32 linear, const Translation& t, bool write);

  Cpu& cpu_;
  GuestMemory& memory_;
  std::array<std::unique_ptr<Window>, 2> windows_;  // supervisor, user
  std::array<std::unique_ptr<SoftTlb>, 2> soft_;
  TranslatorCounters& counters_;
};

}  // namespace penumbra
