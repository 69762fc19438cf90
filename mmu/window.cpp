// Windows over the guest's memory file, by mmap.
#include "mmu/window.h"

#include <sys/mman.h>

#include <algorithm>

#include "core/base/check.h"
#include "core/base/error.h"

namespace penumbra {

namespace {

// Windows stand far below what the host maps by itself, in slots that a mapped guard page claims.
constexpr u64 kFirstSlot = u64{1} << 44;
constexpr u64 kSlotBytes = u64{16} << 30;
constexpr unsigned kSlots = 1024;
// The host's default limit is 65,530 mappings a process (vm.max_map_count).
constexpr u64 kMostMappings = 24'000;

void* at(u64 address) { return reinterpret_cast<void*>(address); }

}  // namespace

Window::Window(MachineMemory& memory)
    : memory_(memory),
      rights_(kPages),
      known_(kPages),
      frame_(kPages),
      next_(kPages),
      previous_(kPages),
      first_(memory.size() >> kPageShift) {
  for (unsigned slot = 0; slot < kSlots && !base_; ++slot) {
    // The base is a multiple of 4 GiB, so that the low half of a host address is the linear address.
    const u64 claim = kFirstSlot + slot * kSlotBytes + kBytes - kGuard;
    const u64 bytes = kGuard + kBytes + kGuard;
    void* got =
        mmap(at(claim), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED) continue;
    if (got != at(claim)) {  // a kernel without MAP_FIXED_NOREPLACE takes the address as a hint
      munmap(got, bytes);
      continue;
    }
    base_ = claim + kGuard;
    // Holes are cheaper to map into than a reservation; the guards stay and claim the slot.
    munmap(at(base_), kBytes);
  }
  if (!base_) throw host_error("no room for a 4 GiB window in the host's address space");
}

Window::~Window() { munmap(at(base_ - kGuard), kGuard + kBytes + kGuard); }

void Window::renew() {
  epoch_ = static_cast<u8>(epoch_ + 2);
  if (epoch_ != 0) return;
  std::fill_n(&known_[0], kPages, u8{0});
  epoch_ = 2;
}

void Window::link(u32 page, u32 frame) {
  frame_[page] = frame + 1;
  next_[page] = first_[frame];
  previous_[page] = 0;
  if (first_[frame]) previous_[first_[frame] - 1] = page + 1;
  first_[frame] = page + 1;
}

void Window::unlink(u32 page) {
  const u32 next = next_[page];
  const u32 previous = previous_[page];
  if (next) previous_[next - 1] = previous;
  (previous ? next_[previous - 1] : first_[frame_[page] - 1]) = next;
  frame_[page] = 0;
}

void Window::forget(u32 page, u32 count) {
  for (u32 p = page; p < page + count; ++p) {
    if (frame_[p]) unlink(p);
    rights_[p] = 0;
  }
}

bool Window::map(u32 page, Ppn frame, u32 count, Right right, bool global, bool populate) {
  CHECK_THAT(count && u64{page} + count <= kPages && (u64{frame.value} + count) <= first_.size(), "{:x} {:x}+{}", page,
             frame.value, count);
  forget(page, count);
  const int protection = right == Right::write ? PROT_READ | PROT_WRITE : PROT_READ;
  const bool full = mappings_ >= kMostMappings;
  if (full ||
      mmap(host(page), u64{count} << kPageShift, protection, MAP_SHARED | MAP_FIXED | (populate ? MAP_POPULATE : 0),
           memory_.file(), static_cast<off_t>(u64{frame.value} << kPageShift)) == MAP_FAILED) {
    drop_all();
    return false;
  }
  ++mappings_;
  for (u32 n = 0; n < count; ++n) {
    link(page + n, frame.value + n);
    rights_[page + n] = static_cast<u8>(static_cast<u8>(right) | (global ? kGlobal : 0));
    known_[page + n] = std::max(known_[page + n], static_cast<u8>(epoch_ | (right == Right::write)));
  }
  if (global) {
    global_.push_back({page, count, frame.value});
    return true;
  }
  for (u32 n = 0; n < count;) {
    const u32 region = (page + n) >> kRegionShift;
    const u32 end = std::min(count, ((region + 1) << kRegionShift) - page);
    if (local_[region].empty()) filled_.push_back(region);
    local_[region].push_back({page + n, end - n, frame.value + n});
    n = end;
  }
  return true;
}

void Window::drop_all() {
  if (filled_.empty() && global_.empty()) return;
  CHECK_THAT(munmap(at(base_), kBytes) == 0, "window at {:x}", base_);
  for (const Run& run : global_) forget(run.page, run.count);
  for (const u32 region : filled_) {
    for (const Run& run : local_[region]) forget(run.page, run.count);
    local_[region].clear();
  }
  filled_.clear();
  global_.clear();
  mappings_ = 0;
}

void Window::drop(u32 page, u32 count) {
  bool any = false;
  for (u32 p = page; p < page + count; ++p) any |= mapped(p);
  if (!any) return;
  if (unmap(page, count)) ++mappings_;  // the hole may have split one
}

bool Window::unmap(u32 page, u32 count) {
  if (munmap(host(page), u64{count} << kPageShift) != 0) {
    // A hole needs a mapping more than there was, and the host has none left; dropping the whole needs none.
    drop_all();
    return false;
  }
  forget(page, count);
  return true;
}

void Window::write_protect(Ppn frame) {
  for (u32 page = first_[frame.value]; page; page = next_[page - 1]) {
    const u32 p = page - 1;
    if (right(p) != Right::write) continue;
    if (mprotect(host(p), kPageSize, PROT_READ) != 0) return drop_all();  // too many mappings: none is left to write
    rights_[p] = static_cast<u8>((rights_[p] & ~3) | static_cast<u8>(Right::read));
    mappings_ += 2;
  }
}

void Window::audit() const {
  for (u32 page = 0; page < kPages; ++page) {
    if (!mapped(page)) continue;
    const u32 frame = frame_[page] - 1;
    bool found = false;
    for (u32 other = first_[frame]; other && !found; other = next_[other - 1]) found = other == page + 1;
    CHECK_THAT(found, "page {:x} is not in the list of its frame {:x}", page, frame);
  }
}

}  // namespace penumbra
