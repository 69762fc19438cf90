// The physical memory map, and the accesses that are not the CPU's fast path.
#include "mmu/guest_memory.h"

#include <algorithm>

#include "core/base/check.h"

namespace penumbra {

namespace {

constexpr u64 round_up(u64 value) { return (value + kPageMask) & ~u64{kPageMask}; }

}  // namespace

GuestMemory::GuestMemory(u64 ram_bytes, Trace& trace)
    : trace_(trace),
      ram_bytes_(ram_bytes),
      low_ram_bytes_(std::min(ram_bytes, kLowRamLimit)),
      page_count_((kHighRamBase + (ram_bytes - low_ram_bytes_)) >> kPageShift),
      ram_(ram_bytes > kLowRamLimit ? kHighRamBase + (ram_bytes - low_ram_bytes_) : ram_bytes),
      read_pointers_(page_count_),
      write_pointers_(page_count_),
      watched_(page_count_) {
  rebuild(0, low_ram_bytes_);
  if (high_ram_bytes()) rebuild(kHighRamBase, high_ram_bytes());
}

GuestMemory::~GuestMemory() = default;

bool GuestMemory::is_ram(u64 address) const {
  return address < low_ram_bytes_ || (address >= kHighRamBase && address - kHighRamBase < high_ram_bytes());
}

const GuestMemory::Region* GuestMemory::region_at(u64 address) const {
  for (auto it = regions_.rbegin(); it != regions_.rend(); ++it)
    if (address - (*it)->first < (*it)->bytes) return it->get();
  return nullptr;
}

GuestMemory::Shadow GuestMemory::shadow_at(u64 address) const {
  if (address < kShadowFirst || address > kShadowLast) return {};
  return shadow_[(address - kShadowFirst) >> kPageShift];
}

void GuestMemory::rebuild(u64 first, u64 bytes) {
  for (u64 at = first; at < first + bytes; at += kPageSize) {
    const u64 page = at >> kPageShift;
    if (page >= page_count_) break;
    const Region* region = region_at(at);
    u8* ram = is_ram(at) ? ram_.data() + at : nullptr;
    u8* read = ram;
    u8* write = ram;
    if (region) {
      u8* host = region->host ? region->host + (at - region->first) : nullptr;
      const Shadow shadow = shadow_at(at);
      read = shadow.read_ram ? ram : host;
      write = shadow.write_ram ? ram : region->kind == PageKind::rom ? nullptr : host;
    }
    // Whatever was kept of the bytes that stood here is wrong now.
    if (read != read_pointers_[page] && watched_[page] && observer_)
      observer_->watched_page_written(PhysAddr(at), kPageSize);
    read_pointers_[page] = read;
    write_pointers_[page] = write;
  }
}

void GuestMemory::add(Region region) {
  CHECK_THAT((region.first & kPageMask) == 0 && (region.bytes & kPageMask) == 0, "{} at {:x}", region.name,
             region.first);
  const u64 first = region.first;
  const u64 bytes = region.bytes;
  regions_.push_back(std::make_unique<Region>(std::move(region)));
  rebuild(first, bytes);
  if (observer_) observer_->memory_map_changed();
}

void GuestMemory::map_rom(PhysAddr first, std::span<const u8> content, std::string name) {
  std::vector<u8> rom(content.begin(), content.end());
  rom.resize(round_up(rom.size()), 0xFF);
  Region region{first.value, rom.size(), std::move(name), PageKind::rom, nullptr, nullptr, std::move(rom)};
  region.host = region.rom.data();  // moving a vector keeps its bytes where they are
  add(std::move(region));
}

void GuestMemory::map_device_memory(PhysAddr first, std::span<u8> bytes, std::string name) {
  add({first.value, bytes.size(), std::move(name), PageKind::device_memory, nullptr, bytes.data(), {}});
}

void GuestMemory::map_mmio(PhysAddr first, u64 bytes, MmioHandler& handler, std::string name) {
  add({first.value, bytes, std::move(name), PageKind::mmio, &handler, nullptr, {}});
}

void GuestMemory::unmap(std::string_view name) {
  for (auto it = regions_.end(); it != regions_.begin();) {
    --it;
    if ((*it)->name != name) continue;
    const u64 first = (*it)->first;
    const u64 bytes = (*it)->bytes;
    regions_.erase(it);
    rebuild(first, bytes);
    if (observer_) observer_->memory_map_changed();
    return;
  }
}

void GuestMemory::set_shadow_ram(PhysAddr first, u64 bytes, bool read_ram, bool write_ram) {
  CHECK_THAT(first.value >= kShadowFirst && first.value + bytes <= kShadowLast + 1, "{:x}+{:x}", first.value, bytes);
  for (u64 at = first.value; at < first.value + bytes; at += kPageSize)
    shadow_[(at - kShadowFirst) >> kPageShift] = {read_ram, write_ram};
  rebuild(first.value, bytes);
  if (observer_) observer_->memory_map_changed();
}

void GuestMemory::set_a20(bool on) {
  const u64 mask = on ? ~u64{0} : ~(u64{1} << 20);
  if (mask == a20_mask_) return;
  a20_mask_ = mask;
  if (observer_) observer_->memory_map_changed();
}

PageKind GuestMemory::kind(Ppn ppn) const {
  const u64 address = base_of(ppn).value;
  if (const Region* region = region_at(address); region && !shadow_at(address).read_ram) return region->kind;
  return is_ram(address) ? PageKind::private_frame : PageKind::absent;
}

u32 GuestMemory::access_read(PhysAddr address, Width width) {
  if (const u8* page = readable(page_of(address))) {
    u32 value = 0;
    std::memcpy(&value, page + (address.value & kPageMask), bytes_of(width));
    return value;
  }
  const Region* region = region_at(address.value);
  const bool hidden = shadow_at(address.value).read_ram;
  const u32 value = region && region->handler && !hidden ? region->handler->mmio_read(address, width) & all_ones(width)
                                                         : all_ones(width);
  trace_.line(Channel::mmio, "read  {:08x}.{} -> {:x}", address.value, bytes_of(width), value);
  return value;
}

void GuestMemory::access_write(PhysAddr address, Width width, u32 value) {
  const Ppn ppn = page_of(address);
  if (u8* page = writable(ppn)) {
    if (watched(ppn) && observer_) observer_->watched_page_written(address, bytes_of(width));
    std::memcpy(page + (address.value & kPageMask), &value, bytes_of(width));
    return;
  }
  trace_.line(Channel::mmio, "write {:08x}.{} <- {:x}", address.value, bytes_of(width), value);
  const Region* region = region_at(address.value);
  if (region && region->handler && !shadow_at(address.value).write_ram)
    region->handler->mmio_write(address, width, value & all_ones(width));
}

void GuestMemory::read(PhysAddr from, std::span<u8> to) const {
  for (std::size_t done = 0; done < to.size();) {
    const PhysAddr at = from + done;
    const std::size_t offset = at.value & kPageMask;
    const std::size_t count = std::min<std::size_t>(to.size() - done, kPageSize - offset);
    if (const u8* page = readable(page_of(at)))
      std::memcpy(to.data() + done, page + offset, count);
    else
      std::memset(to.data() + done, 0xFF, count);
    done += count;
  }
}

void GuestMemory::write(PhysAddr to, std::span<const u8> from) {
  for (std::size_t done = 0; done < from.size();) {
    const PhysAddr at = to + done;
    const std::size_t offset = at.value & kPageMask;
    const std::size_t count = std::min<std::size_t>(from.size() - done, kPageSize - offset);
    const Ppn ppn = page_of(at);
    if (u8* page = writable(ppn)) {
      if (watched(ppn) && observer_) observer_->watched_page_written(at, static_cast<u32>(count));
      std::memcpy(page + offset, from.data() + done, count);
    }
    done += count;
  }
}

void GuestMemory::watch(Ppn ppn, bool on) {
  if (ppn.value < page_count_) watched_[ppn.value] = on;
}

}  // namespace penumbra
