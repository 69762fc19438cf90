// How emitted code sees guest memory: windows and software TLBs, filled when an access misses and emptied when the
// guest's tables may have changed. One of each for each user's address space met lately, and some for the supervisor,
// whose pages are the same in most of them.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "core/cpu/cpu.h"
#include "mmu/soft_tlb.h"
#include "mmu/table_reader.h"
#include "mmu/window.h"
#include "translator/counters.h"
#include "translator/options.h"

namespace penumbra {

class MemoryView {
 public:
  // CPU, memory and counters outlive the view. Throws HostError.
  MemoryView(Cpu& cpu, GuestMemory& memory, const TranslatorOptions& options, TranslatorCounters& counters);

  bool has_windows() const { return supervisor_->window != nullptr; }
  // Of the current privilege, or of the one asked for.
  Window& window() { return window(cpu_.privilege()); }
  Window& window(Privilege who) { return *space(who).window; }
  SoftTlb& soft() { return soft(cpu_.privilege()); }
  SoftTlb& soft(Privilege who) { return *space(who).soft; }

  // Answers an access of the current privilege that the window has no mapping for. If it is the interpreter's: whether
  // because the guest's tables refuse it.
  enum class Mapped : u8 { yes, no, refused };
  Mapped map(u32 linear, bool write);
  // The same for the software TLB: `bytes` at `linear`.
  bool fill(u32 linear, u32 bytes, bool write);
  // The same for a read by the supervisor, whoever runs.
  bool fill_supervisor(u32 linear, u32 bytes);

  void drop_all();
  // CR3 was written. Every view is in doubt from now on.
  void doubt();
  // Before code of this privilege runs, or its view is asked: chooses the one that shows most of what the tables say,
  // and drops what they do not say.
  void settle(Privilege who);
  void drop_pages(u32 first_page, u32 count);
  void write_protect(Ppn page);

  // Whether a frame is RAM that reads and writes reach alike.
  bool plain(u64 physical) const;
  void audit() const;

 private:
  struct Space {
    u32 cr3 = 0;   // that it was settled for last
    u64 used = 0;  // when it was current last
    bool doubtful = false;
    std::unique_ptr<Window> window;
    // By the window's regions: the tables as they were when everything known of the region was what they say.
    struct Seen {
      bool listed = false;  // in `regions`
      bool valid = false;   // nothing has been learnt of it since
      bool same = false;    // what `unchanged` said
      u64 asked = 0;        // when it was asked last
      u64 directory = 0;
      std::vector<u8> entries;
    };
    std::vector<Seen> seen;
    std::vector<u32> regions;  // of which something may be known
    std::unique_ptr<SoftTlb> soft;
  };
  static constexpr unsigned kUserSpaces = 4, kSupervisorSpaces = 3;

  Space& space(Privilege who) { return who == Privilege::user ? *user_ : *supervisor_; }
  // Something of the page is about to be known.
  static void learn(Space& space, u32 page);
  // Who hears that it is not so makes what the space knows of the region what the tables say.
  bool unchanged(Space& space, TableReader& tables, u32 region) const;
  // Those that the options allow.
  std::span<Space> users() { return std::span(users_).first(std::min<std::size_t>(kUserSpaces, most_spaces_)); }
  std::span<Space> supervisors() {
    return std::span(supervisors_).first(std::min<std::size_t>(kSupervisorSpaces, most_spaces_));
  }
  Space& choose_user();
  Space& choose_supervisor(TableReader& tables);
  template <class Do>
  void each(Do what);
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
  std::array<Space, kUserSpaces> users_;
  std::array<Space, kSupervisorSpaces> supervisors_;
  Space* user_ = &users_[0];
  Space* supervisor_ = &supervisors_[0];
  // Which supervisor space an address space had last, by some bits of CR3.
  struct Had {
    u32 cr3 = 0;
    u8 space = 0;
  };
  std::array<Had, 256> had_{};
  bool unsettled_[2] = {};
  u64 switches_ = 0;
  const u32 most_spaces_;
  TranslatorCounters& counters_;
};

}  // namespace penumbra
