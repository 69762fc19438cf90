// Configuration accesses and the placing of windows.
#include "devices/pci_bus.h"

#include <algorithm>

#include "core/base/bits.h"
#include "core/base/check.h"
#include "mmu/guest_memory.h"

namespace penumbra {

namespace {

constexpr u16 kConfigAddress = 0xCF8;
constexpr u16 kResetControl = 0xCF9;
constexpr u16 kConfigData = 0xCFC;
constexpr u32 kAddressBits = 0x80FF'FFFC;  // bits 30-24 and 1-0 are reserved and read 0
constexpr u8 kSystemReset = 1 << 1;        // SRST: 1 chooses a hard reset
constexpr u8 kResetCpu = 1 << 2;           // RCPU: its rising edge starts the reset

std::string region_name(unsigned device, unsigned function, unsigned window) {
  return fmt::format("pci 00:{:02x}.{} window {}", device, function, window);
}

bool overlap(u32 a, u32 a_bytes, u32 b, u32 b_bytes) { return u64{a} < u64{b} + b_bytes && u64{b} < u64{a} + a_bytes; }

}  // namespace

PciBus::PciBus(PortBus& ports, GuestMemory& memory, Trace& trace, PirqSink pirq, ResetSink reset)
    : ports_(ports), memory_(memory), trace_(trace), pirq_(std::move(pirq)), reset_(std::move(reset)) {
  ports.claim({kConfigAddress, kConfigData + 3}, *this, Width::dword);
}

void PciBus::attach(unsigned device, unsigned function, PciFunction& what) {
  CHECK_THAT(device < 32 && function < 8 && !at(device, function), "00:{:02x}.{}", device, function);
  const auto place = std::find_if(slots_.begin(), slots_.end(),
                                  [&](const Slot& s) { return s.device * 8 + s.function > device * 8 + function; });
  slots_.insert(place, {device, function, &what});
  what.connect(*this);
  windows_changed();
}

PciFunction* PciBus::at(unsigned device, unsigned function) const {
  for (const Slot& slot : slots_)
    if (slot.device == device && slot.function == function) return slot.what;
  return nullptr;
}

void PciBus::reset(Reset) {
  address_ = 0;
  reset_control_ = 0;
}

void PciBus::visit(State& state) {
  StateSection section(state, "pci_bus");
  state.field("CONFADD", address_);
  state.field("RC", reset_control_);
  state.field("pirq_levels", pirq_levels_);
}

// --- configuration mechanism #1 ---

// Null unless the enable bit is set and the address names a function of bus 0: there is no other bus.
PciFunction* PciBus::selected() const {
  if (!bit(address_, 31) || bits(address_, 23, 16) != 0) return nullptr;
  return at(bits(address_, 15, 11), bits(address_, 10, 8));
}

u32 PciBus::port_in(u16 port, Width width) {
  if (port == kConfigAddress && width == Width::dword) return address_;
  if (port == kResetControl && width == Width::byte) return reset_control_;
  if (port >= kConfigData) {
    const PciFunction* function = selected();
    const u32 value = function ? function->config_read(selected_offset(port), width) : all_ones(width);
    trace_.line(Channel::pci, "config read  {:08x}+{}.{} -> {:x}", address_, port & 3, bytes_of(width), value);
    return value;
  }
  if (width == Width::byte) return 0xFF;
  u32 value = 0;
  for (unsigned i = 0; i < bytes_of(width); ++i) value |= port_in(static_cast<u16>(port + i), Width::byte) << 8 * i;
  return value;
}

void PciBus::port_out(u16 port, Width width, u32 value) {
  if (port == kConfigAddress && width == Width::dword) {
    address_ = value & kAddressBits;
  } else if (port == kResetControl && width == Width::byte) {
    write_reset_control(static_cast<u8>(value));
  } else if (port >= kConfigData) {
    trace_.line(Channel::pci, "config write {:08x}+{}.{} <- {:x}", address_, port & 3, bytes_of(width), value);
    if (PciFunction* function = selected()) function->config_write(selected_offset(port), width, value);
  } else if (width != Width::byte) {
    // Only a whole dword reaches CONFADD (PCI 2.1, 3.7.4.1); what is narrower is ordinary I/O to each port.
    for (unsigned i = 0; i < bytes_of(width); ++i)
      port_out(static_cast<u16>(port + i), Width::byte, value >> 8 * i & 0xFF);
  }
}

void PciBus::write_reset_control(u8 value) {
  const bool edge = !(reset_control_ & kResetCpu) && (value & kResetCpu);
  reset_control_ = value & (kSystemReset | kResetCpu);
  if (!edge) return;
  trace_.line(Channel::pci, "reset control {:02x}", value);
  reset_(value & kSystemReset ? ResetRequest::machine : ResetRequest::cpu);
}

// --- interrupts ---

void PciBus::interrupt_changed(PciFunction&) {
  u8 levels = 0;
  for (const Slot& slot : slots_)
    if (slot.what->interrupt() && slot.what->interrupt_pin())
      levels |= static_cast<u8>(1 << pirq_of(slot.device, slot.what->interrupt_pin()));
  const u8 changed = levels ^ pirq_levels_;
  pirq_levels_ = levels;
  for (unsigned pirq = 0; pirq < 4; ++pirq)
    if (bit(changed, pirq)) pirq_(pirq, bit(levels, pirq));
}

// --- windows ---

// A window's move can make room for another one and a hook may move a third, so all are looked at until nothing moves.
// Guests only move windows one at a time; the count is bounded against hooks that disagree with each other.
void PciBus::windows_changed() {
  place_again_ = true;
  if (placing_) return;
  placing_ = true;
  for (int round = 0; place_again_ && round < 8; ++round) {
    place_again_ = false;
    place_windows();
  }
  placing_ = false;
}

// What is mapped depends only on where guests put the windows, never on the order: of two that overlap, the one of the
// lower function stands.
void PciBus::place_windows() {
  struct Placed {
    u32 base;
    u32 bytes;
    bool io;
  };
  struct Decision {
    const Slot* slot;
    unsigned index;
    std::optional<u32> place;
  };
  std::vector<Placed> placed;
  std::vector<Decision> decisions;
  for (const Slot& slot : slots_) {
    const std::vector<PciWindow>& windows = slot.what->windows();
    for (unsigned i = 0; i < windows.size(); ++i) {
      const PciWindow& window = windows[i];
      std::optional<u32> place = window.wanted;
      const bool io = window.ports;
      for (const Placed& other : placed)
        if (place && other.io == io && overlap(*place, window.bytes, other.base, other.bytes)) place = std::nullopt;
      if (place) placed.push_back({*place, window.bytes, io});
      decisions.push_back({&slot, i, place});
    }
  }
  for (const Decision& d : decisions) {
    const PciWindow& window = d.slot->what->windows()[d.index];
    if (window.mapped_at && window.mapped_at != d.place) unmap(*d.slot, d.index);
  }
  for (const Decision& d : decisions) {
    const PciWindow& window = d.slot->what->windows()[d.index];
    if (!d.place || window.mapped_at) continue;
    const bool mapped = map(*d.slot, d.index);
    trace_.line(Channel::pci, "00:{:02x}.{} window {} at {:x}{}", d.slot->device, d.slot->function, d.index, *d.place,
                mapped ? "" : ": something stands there, not mapped");
  }
}

bool PciBus::free_for_memory(u32 base, u32 bytes) const {
  for (u64 at = base; at < u64{base} + bytes; at += kPageSize)
    if (memory_.kind(page_of(PhysAddr(at))) != PageKind::absent) return false;
  return true;
}

bool PciBus::map(const Slot& slot, unsigned index) {
  const PciWindow& window = slot.what->windows()[index];
  const u32 base = *window.wanted;
  if (window.ports) {
    const PortRange range{static_cast<u16>(base), static_cast<u16>(base + window.bytes - 1)};
    if (!ports_.try_claim(range, *window.ports, window.widest)) return false;
  } else {
    if (!free_for_memory(base, window.bytes)) return false;
    const std::string name = region_name(slot.device, slot.function, index);
    if (window.registers) memory_.map_mmio(PhysAddr(base), window.bytes, *window.registers, name);
    if (!window.memory.empty()) memory_.map_device_memory(PhysAddr(base), window.memory, name);
    if (!window.rom.empty()) memory_.map_rom(PhysAddr(base), window.rom, name);
  }
  slot.what->window_mapped(index, base);
  return true;
}

void PciBus::unmap(const Slot& slot, unsigned index) {
  const PciWindow& window = slot.what->windows()[index];
  const u32 base = *window.mapped_at;
  if (window.ports)
    ports_.release({static_cast<u16>(base), static_cast<u16>(base + window.bytes - 1)}, *window.ports);
  else
    memory_.unmap(region_name(slot.device, slot.function, index));
  slot.what->window_mapped(index, std::nullopt);
}

}  // namespace penumbra
