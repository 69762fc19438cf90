// The 82093AA I/O APIC: 24 interrupt inputs, each with a redirection entry that says which message it becomes.
// Source: Intel 82093AA (290566).
#pragma once

#include <array>

#include "core/base/log.h"
#include "core/platform/apic.h"
#include "core/platform/device.h"
#include "mmu/guest_memory.h"

namespace penumbra {

class IoApic final : public Device, public EndOfInterruptListener, MmioHandler {
 public:
  static constexpr unsigned kPins = 24;
  static constexpr u64 kBase = 0xFEC0'0000;

  // `id` is what the register IOAPICID holds after reset. The receiver is the bus of all local APICs, or the only one.
  IoApic(GuestMemory& memory, ApicReceiver& apics, Trace& trace, u8 id = 0);

  // The level of an input; true is asserted, whatever polarity the guest programmed. On a PC, IRQ n is pin n except
  // that IRQ0 is pin 2.
  void set_pin(unsigned pin, bool level);

  std::string_view name() const override { return "io-apic"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  void end_of_interrupt(u8 vector) override;
  u32 mmio_read(PhysAddr address, Width width) override;
  void mmio_write(PhysAddr address, Width width, u32 value) override;
  u32 read_register() const;
  void write_register(u32 value);
  bool send(unsigned pin);
  void serve_level(unsigned pin);

  ApicReceiver& apics_;
  Trace& trace_;
  const u8 first_id_;
  u8 select_ = 0;                     // IOREGSEL
  u32 id_ = 0;                        // IOAPICID
  std::array<u64, kPins> entries_{};  // IOREDTBL
  u32 levels_ = 0;                    // of the inputs
};

}  // namespace penumbra
