// PCI bus 0: configuration mechanism #1 at CF8h/CFCh, the placing of every function's windows, the INTx# wires, and the
// reset control register CF9h that shares the address register's ports.
// Source: PCI 2.1 sections 3.7.4 and 6; 82371SB (PIIX3) for CF9h.
#pragma once

#include <functional>
#include <vector>

#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/pci.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class GuestMemory;

// What a write to CF9h asks for: INIT# of the CPU alone, or the whole machine.
enum class ResetRequest : u8 { cpu, machine };

class PciBus final : public Device, public PciHost, PortHandler {
 public:
  // Drives PIRQ A..D (0..3) of the interrupt router.
  using PirqSink = std::function<void(unsigned pirq, bool level)>;
  using ResetSink = std::function<void(ResetRequest)>;

  // The reset sink is called inside of a port write: it should note the request, not carry it out.
  PciBus(PortBus& ports, GuestMemory& memory, Trace& trace, PirqSink pirq, ResetSink reset);

  // Puts a function at 00:device.function, before the machine runs; it must outlive the bus's use.
  void attach(unsigned device, unsigned function, PciFunction& what);

  // The function at 00:device.function, or null: for boot code of the board and for monitors.
  PciFunction* at(unsigned device, unsigned function) const;

  // The router's input that a device's INTx# pin (1..4) is wired to.
  static constexpr unsigned pirq_of(unsigned device, unsigned pin) { return (device + pin + 2) & 3; }

  std::string_view name() const override { return "pci-bus"; }
  // Functions are reset by the board, as devices of their own.
  void reset(Reset) override;
  void visit(State& state) override;

 private:
  struct Slot {
    unsigned device;
    unsigned function;
    PciFunction* what;
  };

  void windows_changed() override;
  void interrupt_changed(PciFunction& function) override;
  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;

  PciFunction* selected() const;
  u8 selected_offset(u16 port) const { return static_cast<u8>((address_ & 0xFC) | (port & 3)); }
  void write_reset_control(u8 value);
  void place_windows();
  bool map(const Slot& slot, unsigned index);
  void unmap(const Slot& slot, unsigned index);
  bool free_for_memory(u32 base, u32 bytes) const;

  PortBus& ports_;
  GuestMemory& memory_;
  Trace& trace_;
  PirqSink pirq_;
  ResetSink reset_;
  std::vector<Slot> slots_;  // by device and function

  u32 address_ = 0;  // CONFADD, CF8h
  u8 reset_control_ = 0;
  u8 pirq_levels_ = 0;  // bit 0: PIRQA
  bool placing_ = false;
  bool place_again_ = false;
};

}  // namespace penumbra
