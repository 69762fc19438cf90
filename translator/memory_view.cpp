#include "translator/memory_view.h"

#include <algorithm>
#include <span>
#include <utility>

namespace penumbra {

namespace {

// An access that begins here may reach beyond the segments' limit, which the guest is told of before any page is looked
// at.
constexpr u32 kLastOperand = 0xFFFF'FFF0;
// Of a process the host takes 65,530 (vm.max_map_count), and a window takes 24,000.
constexpr u64 kMostMappings = 32'000;
// A page is mapped with those around it, so many pages in all: a hidden fault costs as much as mapping some of them.
constexpr u32 kAround = 16;
// Asking the tables about more entries of a software TLB takes longer than filling those that are used again.
constexpr std::size_t kMostSettled = 512;
static_assert(Window::kRegionShift == TableReader::kRegionShift);

}  // namespace

template <class Do>
void MemoryView::each(Do what) {
  for (Space& space : supervisors_) what(space);
  for (Space& space : users_) what(space);
}

MemoryView::MemoryView(Cpu& cpu, GuestMemory& memory, const TranslatorOptions& options, TranslatorCounters& counters)
    : cpu_(cpu), memory_(memory), most_spaces_(options.address_spaces), counters_(counters) {
  each([&](Space& space) {
    if (options.mmu != MmuKind::soft) space.window = std::make_unique<Window>(memory.ram());
    space.seen.resize(1u << (20 - TableReader::kRegionShift));
    space.soft = std::make_unique<SoftTlb>(options.tlb_entries);
  });
}

bool MemoryView::plain(u64 physical) const {
  const Ppn page = page_of(PhysAddr(physical));
  const u8* host = memory_.ram().data() + physical;
  return physical + kPageSize <= memory_.ram().size() && memory_.readable(page) == host &&
         memory_.writable(page) == host;
}

bool MemoryView::fill(u32 linear, u32 bytes, bool write) {
  return fill(soft(), cpu_.privilege(), linear, bytes, write);
}

bool MemoryView::fill_supervisor(u32 linear, u32 bytes) {
  settle(Privilege::supervisor);
  return fill(*supervisor_->soft, Privilege::supervisor, linear, bytes, false);
}

bool MemoryView::fill(SoftTlb& tlb, Privilege who, u32 linear, u32 bytes, bool write) {
  if ((linear & kPageMask) + bytes > kPageSize) return false;
  const Translation t = cpu_.walk_data(linear, write ? Access::write : Access::read, who);
  if (!t.ok) return false;
  const Ppn frame = page_of(PhysAddr(t.page.value & memory_.a20_mask()));
  const u8* readable = memory_.readable(frame);
  if (!readable) return false;
  const bool writable = t.writable && memory_.writable(frame) == readable && !memory_.watched(frame);
  if (write && !writable) return false;
  if (tlb.fill(linear, const_cast<u8*>(readable), writable, t.global && (cpu_.cr4 & cr4::PGE)))
    learn(space(who), linear >> kPageShift);
  ++counters_.soft_fills;
  return true;
}

MemoryView::Mapped MemoryView::map(u32 linear, bool write) {
  // The host allows so many for the whole process.
  u64 mappings = 0;
  each([&](Space& space) { mappings += space.window->mappings(); });
  if (mappings > kMostMappings)
    each([&](Space& space) {
      if (&space != user_ && &space != supervisor_) space.window->drop_all();
    });
  if (linear >= kLastOperand) return Mapped::no;
  const Translation t = cpu_.walk_data(linear, write ? Access::write : Access::read, cpu_.privilege());
  if (!t.ok) return Mapped::refused;
  if (!memory_.a20() || !plain(t.page.value)) return Mapped::no;
  const Ppn frame = page_of(t.page);
  const bool writable = t.writable && !memory_.watched(frame);
  if (write && !writable) return Mapped::no;
  ++counters_.hidden_faults;
  const Shown asked{frame, writable ? Window::Right::write : Window::Right::read, t.global && (cpu_.cr4 & cr4::PGE)};
  const bool region = t.large || !(cpu_.cr0 & cr0::PG);
  const bool mapped = region ? map_region(linear, t, write) : map_around(linear >> kPageShift, asked);
  return mapped ? Mapped::yes : Mapped::no;
}

// What a walk would map without setting A or D.
MemoryView::Shown MemoryView::shown(const PagingMode& mode, u32 page) const {
  const Translation t = probe(memory_, mode, LinearAddr(page << kPageShift));
  const bool user = cpu_.privilege() == Privilege::user;
  if (!t.ok || t.large || !t.accessed || (user && !t.user) || !plain(t.page.value)) return {};
  const Ppn frame = page_of(t.page);
  const bool writable = t.dirty && (t.writable || (!user && !mode.write_protect)) && !memory_.watched(frame);
  return {frame, writable ? Window::Right::write : Window::Right::read, t.global && (cpu_.cr4 & cr4::PGE)};
}

// Maps a page, and those around it that the guest has used before, in runs of consecutive frames.
bool MemoryView::map_around(u32 page, const Shown& asked) {
  const PagingMode mode = cpu_.paging_mode();
  Window& w = window();
  learn(space(cpu_.privilege()), page);
  const u32 first = page & ~(kAround - 1);
  std::array<Shown, kAround> around;
  for (u32 n = 0; n < kAround; ++n) {
    around[n] = first + n == page ? asked : shown(mode, first + n);
    if (first + n != page && w.right(first + n) >= around[n].right) around[n].right = Window::Right::none;
  }
  for (u32 n = 0; n < kAround;) {
    const Shown& from = around[n];
    u32 end = n + 1;
    while (end < kAround && around[end].right == from.right && around[end].global == from.global &&
           around[end].frame.value == from.frame.value + (end - n))
      ++end;
    if (from.right != Window::Right::none) {
      if (!w.map(first + n, from.frame, end - n, from.right, from.global, true)) return false;
      counters_.mapped_pages += end - n;
    }
    n = end;
  }
  return true;
}

// Maps what a large page covers, in runs of pages that are plain memory with the same right.
bool MemoryView::map_region(u32 linear, const Translation& t, bool write) {
  const u32 pages = cpu_.cr4 & cr4::PAE && cpu_.cr0 & cr0::PG ? 512 : 1024;
  const u32 first = (linear >> kPageShift) & ~(pages - 1);
  const u64 physical = t.page.value - (u64{(linear >> kPageShift) - first} << kPageShift);
  const bool global = t.global && (cpu_.cr4 & cr4::PGE);
  const auto right = [&](u32 n) {
    const u64 at = physical + (u64{n} << kPageShift);
    if (!plain(at)) return Window::Right::none;
    return t.writable && !memory_.watched(page_of(PhysAddr(at))) ? Window::Right::write : Window::Right::read;
  };
  Window& w = window();
  for (u32 n = first; n < first + pages; n += 1u << TableReader::kRegionShift) learn(space(cpu_.privilege()), n);
  for (u32 n = 0; n < pages;) {
    const Window::Right wanted = right(n);
    const bool there = w.right(first + n) >= wanted;
    u32 end = n + 1;
    while (end < pages && right(end) == wanted && (w.right(first + end) >= wanted) == there) ++end;
    if (!there && !w.map(first + n, page_of(PhysAddr(physical + (u64{n} << kPageShift))), end - n, wanted, global))
      return false;
    if (!there) counters_.mapped_pages += end - n;
    n = end;
  }
  return w.right(linear >> kPageShift) >= (write ? Window::Right::write : Window::Right::read);
}

void MemoryView::drop_all() {
  ++counters_.full_drops;
  each([](Space& space) {
    if (space.window) space.window->drop_all();
    space.soft->drop_all();
  });
}

void MemoryView::doubt() {
  ++counters_.local_drops;
  each([](Space& space) { space.doubtful = true; });
  unsettled_[0] = unsettled_[1] = true;
}

MemoryView::Space& MemoryView::choose_user() {
  Space* oldest = &users_[0];
  for (Space& space : users()) {
    if (space.used < oldest->used) oldest = &space;
    if (space.used && space.cr3 == cpu_.cr3) return space;
  }
  if (oldest->window) oldest->window->renew();
  ++counters_.new_spaces;
  return *oldest;
}

// Most of an address space is the supervisor's own, and alike in all of them; where a kernel keeps that from user code
// (PTI), it has one more for each, and changes between them at every system call. All that those show the others show,
// too: what counts is how much is alike.
MemoryView::Space& MemoryView::choose_supervisor(TableReader& tables) {
  if (!has_windows()) return *supervisor_;
  Had& had = had_[cpu_.cr3 * 0x9E37'79B1u >> 24];
  if (had.cr3 == cpu_.cr3) return supervisors_[had.space];
  Space* chosen = nullptr;
  Space* oldest = &supervisors_[0];
  u64 most = 0;
  for (Space& space : supervisors()) {
    if (space.used < oldest->used) oldest = &space;
    const u64 alike = space.window->alike([&](u32 page, u32 frame, Window::Right right) {
      return tables.maps(page, frame, right == Window::Right::write, Privilege::supervisor);
    });
    if (alike <= most) continue;
    most = alike;
    chosen = &space;
  }
  if (!chosen) {
    chosen = oldest;
    chosen->window->drop_all();
    chosen->soft->drop_all();
  }
  had = {cpu_.cr3, static_cast<u8>(chosen - &supervisors_[0])};
  return *chosen;
}

void MemoryView::settle(Privilege who) {
  bool& unsettled = unsettled_[who == Privilege::user];
  if (!unsettled) return;
  unsettled = false;
  const PagingMode mode = cpu_.paging_mode();
  TableReader tables(memory_, mode);
  Space& space = who == Privilege::user ? choose_user() : choose_supervisor(tables);
  (who == Privilege::user ? user_ : supervisor_) = &space;
  space.cr3 = cpu_.cr3;
  space.used = ++switches_;
  if (!std::exchange(space.doubtful, false)) return;
  bool all_unchanged = true;
  for (const u32 region : space.regions) all_unchanged &= unchanged(space, tables, region);
  if (all_unchanged) return;
  if (space.soft->local_entries() > kMostSettled) space.soft->drop_local();
  const u8* ram = memory_.ram().data();
  space.soft->settle([&](u32 page, const u8* host, bool write) {
    // What lies elsewhere (ROM, device memory) is asked for again.
    const u64 offset = static_cast<u64>(host - ram);
    if (offset >= memory_.ram().size() || !memory_.a20()) return false;
    return unchanged(space, tables, page >> TableReader::kRegionShift) ||
           tables.maps(page, static_cast<u32>(offset >> kPageShift), write, who);
  });
  if (space.window)
    space.window->settle([&](u32 region) { return unchanged(space, tables, region); },
                         [&](u32 page, u32 frame, Window::Right right) {
                           return tables.maps(page, frame, right == Window::Right::write, who);
                         });
}

void MemoryView::learn(Space& space, u32 page) {
  const u32 region = page >> TableReader::kRegionShift;
  Space::Seen& seen = space.seen[region];
  seen.valid = false;
  if (!std::exchange(seen.listed, true)) space.regions.push_back(region);
}

bool MemoryView::unchanged(Space& space, TableReader& tables, u32 region) const {
  Space::Seen& seen = space.seen[region];
  if (seen.asked == switches_) return seen.same;
  seen.asked = switches_;
  const TableReader::Table table = tables.table(region);
  seen.same =
      seen.valid && table.known && seen.directory == table.directory && std::ranges::equal(seen.entries, table.entries);
  if (seen.same) return true;
  seen.valid = true;
  seen.directory = table.directory;
  seen.entries.assign(table.entries.begin(), table.entries.end());
  return false;
}

void MemoryView::drop_pages(u32 first_page, u32 count) {
  ++counters_.page_drops;
  each([&](Space& space) {
    if (space.window) space.window->drop(first_page, count);
    space.soft->drop(first_page, count);
  });
}

void MemoryView::write_protect(Ppn page) {
  if (const u8* written = memory_.writable(page)) each([&](Space& space) { space.soft->forbid_writes(written); });
  if (u64{page.value} << kPageShift >= memory_.ram().size()) return;
  each([&](Space& space) {
    if (space.window) space.window->write_protect(page);
  });
}

void MemoryView::audit() const {
  for (const std::span<const Space> spaces : {std::span<const Space>(users_), std::span<const Space>(supervisors_)})
    for (const Space& space : spaces)
      if (space.window) space.window->audit();
}

}  // namespace penumbra
