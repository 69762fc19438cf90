// Configuration space: masks, base address registers and their sizing.
#include "core/platform/pci.h"

#include <algorithm>
#include <bit>

#include "core/base/bits.h"
#include "core/base/check.h"

namespace penumbra {

namespace {

constexpr u32 kIoBar = 1;         // bit 0 of an I/O BAR (PCI 2.1, 6.2.5.1)
constexpr u32 kPrefetchable = 8;  // bit 3 of a memory BAR
constexpr u32 kIoBaseMask = ~3u;  // bits that hold an address
constexpr u32 kMemoryBaseMask = ~15u;
constexpr u32 kRomEnable = 1;
constexpr u32 kRomBaseMask = ~0x7FFu;

}  // namespace

PciFunction::PciFunction(const PciIdentity& identity) {
  declare(0x00, Width::word, identity.vendor, 0);
  declare(0x02, Width::word, identity.device, 0);
  // I/O, memory, bus master, parity response, SERR#; functions with fewer declare it again.
  declare(kCommand, Width::word, 0, 0x0147);
  declare(kStatus, Width::word, 0x0280, 0, 0xF900);
  declare(0x08, Width::dword, identity.class_code << 8 | identity.revision, 0);
  declare(0x0C, Width::word, 0, 0xFFFF);  // cache line size, latency timer
  declare(0x0E, Width::byte, identity.multifunction ? 0x80 : 0, 0);
  declare(0x2C, Width::word, identity.subsystem_vendor, 0);
  declare(0x2E, Width::word, identity.subsystem, 0);
  declare(kInterruptLine, Width::byte, 0, 0xFF);
  declare(0x3D, Width::byte, identity.interrupt_pin, 0);
}

void PciFunction::declare(u8 offset, Width width, u32 reset_value, u32 writable, u32 cleared_by_one) {
  CHECK_THAT(offset + bytes_of(width) <= 256, "register {:x}", offset);
  for (unsigned i = 0; i < bytes_of(width); ++i) {
    config_[offset + i] = after_reset_[offset + i] = static_cast<u8>(reset_value >> 8 * i);
    writable_[offset + i] = static_cast<u8>(writable >> 8 * i);
    cleared_by_one_[offset + i] = static_cast<u8>(cleared_by_one >> 8 * i);
  }
}

PciWindow& PciFunction::declare_bar(unsigned index, u32 bytes, u32 type_bits) {
  const u32 least = type_bits & kIoBar ? 4 : kPageSize;
  CHECK_THAT(index < kBars && std::has_single_bit(bytes) && bytes >= least, "BAR {} of {} bytes", index, bytes);
  declare(static_cast<u8>(kFirstBar + 4 * index), Width::dword, type_bits, ~(bytes - 1));
  windows_[index].bytes = bytes;
  return windows_[index];
}

void PciFunction::declare_io_bar(unsigned index, u32 bytes, PortHandler& ports, Width widest) {
  CHECK_THAT(bytes <= 256, "I/O BAR of {} bytes", bytes);
  PciWindow& window = declare_bar(index, bytes, kIoBar);
  window.ports = &ports;
  window.widest = widest;
}

void PciFunction::declare_register_bar(unsigned index, u32 bytes, MmioHandler& registers) {
  declare_bar(index, bytes, 0).registers = &registers;
}

void PciFunction::declare_memory_bar(unsigned index, std::span<u8> memory) {
  declare_bar(index, static_cast<u32>(memory.size()), kPrefetchable).memory = memory;
}

void PciFunction::declare_rom(std::span<const u8> image) {
  CHECK_THAT(!image.empty() && image.size() <= 1 << 24, "an expansion ROM of {} bytes", image.size());
  const u32 bytes = std::max(std::bit_ceil(static_cast<u32>(image.size())), kPageSize);
  declare(kRomBar, Width::dword, 0, ~(bytes - 1) | kRomEnable);
  windows_[kRomWindow].bytes = bytes;
  windows_[kRomWindow].rom = image;
}

unsigned PciFunction::declare_io_window(u32 bytes, PortHandler& ports, Width widest) {
  PciWindow window;
  window.bytes = bytes;
  window.ports = &ports;
  window.widest = widest;
  windows_.push_back(window);
  return static_cast<unsigned>(windows_.size() - 1);
}

u32 PciFunction::config_dword(u8 offset) const { return load<u32>(&config_[offset]); }

u32 PciFunction::config_read(u8 offset, Width width) const {
  CHECK_THAT(offset + bytes_of(width) <= 256, "register {:x}", offset);
  u32 value = 0;
  std::memcpy(&value, &config_[offset], bytes_of(width));
  return value;
}

void PciFunction::config_write(u8 offset, Width width, u32 value) {
  CHECK_THAT(offset + bytes_of(width) <= 256, "register {:x}", offset);
  for (unsigned i = 0; i < bytes_of(width); ++i) {
    const u8 written = static_cast<u8>(value >> 8 * i);
    const u8 mask = writable_[offset + i];
    u8& byte = config_[offset + i];
    byte = static_cast<u8>((byte & ~mask) | (written & mask));
    byte = static_cast<u8>(byte & ~(written & cleared_by_one_[offset + i]));
  }
  update_windows();
  config_written(offset, static_cast<u8>(offset + bytes_of(width) - 1));
}

void PciFunction::set_config(u8 offset, Width width, u32 value) {
  CHECK_THAT(offset + bytes_of(width) <= 256, "register {:x}", offset);
  std::memcpy(&config_[offset], &value, bytes_of(width));
  update_windows();
}

void PciFunction::set_writable(u8 offset, Width width, u32 mask) {
  CHECK_THAT(offset + bytes_of(width) <= 256, "register {:x}", offset);
  std::memcpy(&writable_[offset], &mask, bytes_of(width));
}

// Address 0 and the top of the space, where a BAR stands while it is being sized, decode nothing: software that sizes
// with decoding enabled would otherwise put the device on top of others for a moment.
std::optional<u32> PciFunction::decoded_bar(unsigned index) const {
  const PciWindow& window = windows_[index];
  if (!window.bytes) return std::nullopt;
  const bool rom = index == kRomWindow;
  const u32 bar = config_dword(rom ? kRomBar : static_cast<u8>(kFirstBar + 4 * index));
  if (rom && !(bar & kRomEnable)) return std::nullopt;
  if (!(command() & (window.ports ? kIoEnable : kMemoryEnable))) return std::nullopt;
  const u32 base = bar & (window.ports ? kIoBaseMask : rom ? kRomBaseMask : kMemoryBaseMask);
  const u64 end = u64{base} + window.bytes;
  if (base == 0 || end >= (window.ports ? 0x1'0000u : 0x1'0000'0000u)) return std::nullopt;
  return base;
}

void PciFunction::update_windows() {
  bool changed = false;
  for (unsigned i = 0; i <= kRomWindow; ++i) {
    const std::optional<u32> wanted = decoded_bar(i);
    changed |= wanted != windows_[i].wanted;
    windows_[i].wanted = wanted;
  }
  if (changed && host_) host_->windows_changed();
}

void PciFunction::place_window(unsigned index, std::optional<u32> base) {
  PciWindow& window = windows_[index];
  CHECK_THAT(index > kRomWindow, "window {} is placed by its BAR", index);
  if (base && (*base == 0 || u64{*base} + window.bytes > 0x1'0000)) base = std::nullopt;
  if (window.wanted == base) return;
  window.wanted = base;
  if (host_) host_->windows_changed();
}

void PciFunction::window_mapped(unsigned index, std::optional<u32> at) {
  windows_[index].mapped_at = at;
  bar_changed(index);
}

void PciFunction::reset_pci() {
  config_ = after_reset_;
  for (unsigned i = kRomWindow + 1; i < windows_.size(); ++i) place_window(i, std::nullopt);
  update_windows();
  set_interrupt(false);
}

void PciFunction::visit_pci(State& state) {
  StateSection section(state, "pci");
  state.field("config", config_);
  state.field("interrupt", interrupt_);
  for (unsigned i = kRomWindow + 1; i < windows_.size(); ++i) {
    u32 place = windows_[i].wanted.value_or(0);
    state.field("window", place);
    if (state.loading()) place_window(i, place ? std::optional(place) : std::nullopt);
  }
  if (state.loading()) update_windows();
}

void PciFunction::set_interrupt(bool level) {
  if (interrupt_ == level) return;
  interrupt_ = level;
  if (host_) host_->interrupt_changed(*this);
}

}  // namespace penumbra
