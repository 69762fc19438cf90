#include "translator/memory_view.h"

namespace penumbra {

namespace {

// An access that begins here may reach beyond the segments' limit, which the guest is told of before any page is looked
// at.
constexpr u32 kLastOperand = 0xFFFF'FFF0;

}  // namespace

MemoryView::MemoryView(Cpu& cpu, GuestMemory& memory, bool windows, TranslatorCounters& counters)
    : cpu_(cpu), memory_(memory), counters_(counters) {
  for (const unsigned who : {0, 1}) {
    if (windows) windows_[who] = std::make_unique<Window>(memory.ram());
    soft_[who] = std::make_unique<SoftTlb>();
  }
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
  return fill(*soft_[0], Privilege::supervisor, linear, bytes, false);
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
  tlb.fill(linear, const_cast<u8*>(readable), writable, t.global && (cpu_.cr4 & cr4::PGE));
  ++counters_.soft_fills;
  return true;
}

bool MemoryView::map(u32 linear, bool write) {
  if (linear >= kLastOperand) return false;
  const Translation t = cpu_.walk_data(linear, write ? Access::write : Access::read, cpu_.privilege());
  if (!t.ok || !memory_.a20() || !plain(t.page.value)) return false;
  const Ppn frame = page_of(t.page);
  const bool writable = t.writable && !memory_.watched(frame);
  if (write && !writable) return false;
  ++counters_.hidden_faults;
  if (t.large || !(cpu_.cr0 & cr0::PG)) return map_region(linear, t, write);
  ++counters_.mapped_pages;
  const bool global = t.global && (cpu_.cr4 & cr4::PGE);
  return window().map(linear >> kPageShift, frame, 1, writable ? Window::Right::write : Window::Right::read, global);
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
  for (auto& window : windows_)
    if (window) window->drop_all();
  for (auto& tlb : soft_) tlb->drop_all();
}

void MemoryView::drop_local() {
  ++counters_.local_drops;
  for (auto& window : windows_)
    if (window) window->drop_local();
  for (auto& tlb : soft_) tlb->drop_local();
}

void MemoryView::drop_pages(u32 first_page, u32 count) {
  ++counters_.page_drops;
  for (auto& window : windows_)
    if (window) window->drop(first_page, count);
  for (auto& tlb : soft_) tlb->drop(first_page, count);
}

void MemoryView::write_protect(Ppn page) {
  if (const u8* written = memory_.writable(page))
    for (auto& tlb : soft_) tlb->forbid_writes(written);
  if (u64{page.value} << kPageShift >= memory_.ram().size()) return;
  for (auto& window : windows_)
    if (window) window->write_protect(page);
}

void MemoryView::audit() const {
  for (const auto& window : windows_)
    if (window) window->audit();
}

}  // namespace penumbra
