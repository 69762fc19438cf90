// A standard parallel port with a printer that is always ready: each byte strobed goes to the host.
// Source: IBM PC/AT Technical Reference, "Printer Adapter"; IEEE 1284 compatibility mode.
#pragma once

#include <string>

#include "core/base/log.h"
#include "core/platform/character_port.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class ParallelPort final : public Device, public CharacterPort, PortHandler {
 public:
  // LPT1 is 378h with IRQ7. `name` is for saved states.
  ParallelPort(PortBus& ports, IrqLine& irq, Trace& trace, u16 base, std::string name);

  std::string_view name() const override { return name_; }
  void reset(Reset kind) override;
  void visit(State& state) override;

  void send_to(Sink sink) override { sink_ = std::move(sink); }
  // Printers do not talk back.
  std::size_t room() const override { return 0; }
  void receive(std::span<const u8>) override {}

 private:
  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  void write_control(u8 value);

  const u16 base_;
  const std::string name_;
  IrqLine& irq_;
  Trace& trace_;
  Sink sink_;
  u8 data_ = 0;
  u8 control_ = 0;
};

}  // namespace penumbra
