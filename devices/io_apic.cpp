// Redirection.
#include "devices/io_apic.h"

#include "core/base/bits.h"
#include "core/base/check.h"

namespace penumbra {

namespace {

constexpr u32 kSelectOffset = 0x00;
constexpr u32 kWindowOffset = 0x10;
// Indirect registers
constexpr u8 kId = 0;
constexpr u8 kVersion = 1;
constexpr u8 kArbitration = 2;
constexpr u8 kFirstEntry = 0x10;
constexpr u32 kVersionValue = (IoApic::kPins - 1) << 16 | 0x11;
constexpr u32 kIdBits = 0x0F00'0000;
// Redirection entry
constexpr u64 kLogical = 1 << 11;
constexpr u64 kRemoteIrr = 1 << 14;
constexpr u64 kLevelTriggered = 1 << 15;
constexpr u64 kMasked = 1 << 16;
constexpr u64 kWritable = 0xFF00'0000'0001'AFFF;  // all but delivery status and remote IRR

}  // namespace

IoApic::IoApic(GuestMemory& memory, ApicReceiver& apics, Trace& trace, u8 id)
    : apics_(apics), trace_(trace), first_id_(id) {
  memory.map_mmio(PhysAddr(kBase), kPageSize, *this, "io-apic");
  reset(Reset::power_on);
}

void IoApic::reset(Reset) {
  select_ = 0;
  id_ = u32{first_id_} << 24 & kIdBits;
  entries_.fill(kMasked);
}

void IoApic::visit(State& state) {
  StateSection section(state, "io_apic");
  state.field("IOREGSEL", select_);
  state.field("IOAPICID", id_);
  state.field("IOREDTBL", entries_);
  state.field("levels", levels_);
}

void IoApic::set_pin(unsigned pin, bool level) {
  CHECK_THAT(pin < kPins, "pin {}", pin);
  const bool rising = level && !bit(levels_, pin);
  levels_ = with_bit(levels_, pin, level);
  // Edges on a masked input are lost; a level stays to be seen (section 3.2.4, bit 16).
  if (entries_[pin] & kLevelTriggered)
    serve_level(pin);
  else if (rising && !(entries_[pin] & kMasked))
    send(pin);
}

bool IoApic::send(unsigned pin) {
  const u64 entry = entries_[pin];
  const ApicMessage message{static_cast<u8>(entry), static_cast<ApicDelivery>(bits(entry, 10, 8)),
                            static_cast<u8>(entry >> 56), (entry & kLogical) != 0, (entry & kLevelTriggered) != 0};
  const bool taken = apics_.deliver(message);
  trace_.line(Channel::apic, "I/O APIC pin {}: vector {:02x} to {:02x}{}", pin, message.vector, message.destination,
              taken ? "" : ", taken by none");
  return taken;
}

void IoApic::serve_level(unsigned pin) {
  u64& entry = entries_[pin];
  if (!(entry & kLevelTriggered) || (entry & (kMasked | kRemoteIrr)) || !bit(levels_, pin)) return;
  const bool taken = send(pin);
  // Only fixed and lowest-priority interrupts are ended by an EOI.
  if (taken && bits(entry, 10, 8) <= number(ApicDelivery::lowest_priority)) entry |= kRemoteIrr;
}

void IoApic::end_of_interrupt(u8 vector) {
  for (unsigned pin = 0; pin < kPins; ++pin) {
    u64& entry = entries_[pin];
    if (static_cast<u8>(entry) != vector || !(entry & kRemoteIrr)) continue;
    entry &= ~kRemoteIrr;
    serve_level(pin);
  }
}

// Registers are dwords at multiples of 16; narrower reads see their part of it.
u32 IoApic::mmio_read(PhysAddr address, Width) {
  const u32 offset = static_cast<u32>(address.value & 0xFF);
  const unsigned shift = 8 * (offset & 3);
  switch (offset & ~3u) {
    case kSelectOffset: return u32{select_} >> shift;
    case kWindowOffset: return read_register() >> shift;
    default: return 0;
  }
}

void IoApic::mmio_write(PhysAddr address, Width, u32 value) {
  switch (address.value & 0xFF) {
    case kSelectOffset: select_ = static_cast<u8>(value); break;
    case kWindowOffset: write_register(value); break;
    default: break;
  }
}

u32 IoApic::read_register() const {
  if (select_ == kId || select_ == kArbitration) return id_;
  if (select_ == kVersion) return kVersionValue;
  const unsigned index = select_ - kFirstEntry;
  if (select_ < kFirstEntry || index / 2 >= kPins) return 0;
  return static_cast<u32>(entries_[index / 2] >> (index & 1 ? 32 : 0));
}

void IoApic::write_register(u32 value) {
  if (select_ == kId) {
    id_ = value & kIdBits;
    return;
  }
  const unsigned index = select_ - kFirstEntry;
  const unsigned pin = index / 2;
  if (select_ < kFirstEntry || pin >= kPins) return;
  u64& entry = entries_[pin];
  const unsigned shift = index & 1 ? 32 : 0;
  const u64 mask = kWritable & u64{0xFFFF'FFFF} << shift;
  entry = (entry & ~mask) | (u64{value} << shift & mask);
  // An entry that becomes edge-triggered forgets that it waits for an EOI; software relies on it to clear remote IRR.
  if (!(entry & kLevelTriggered)) entry &= ~kRemoteIrr;
  trace_.line(Channel::apic, "I/O APIC pin {}: entry {:016x}", pin, entry);
  serve_level(pin);
}

}  // namespace penumbra
