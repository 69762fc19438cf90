// The Bochs debug console: bytes written to port E9h go to the host, reads answer E9h so that software can probe for
// it.
#pragma once

#include "core/platform/character_port.h"
#include "core/platform/device.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class DebugConsole final : public Device, public CharacterPort, PortHandler {
 public:
  static constexpr u16 kPort = 0xE9;

  explicit DebugConsole(PortBus& ports) { ports.claim({kPort, kPort}, *this); }

  std::string_view name() const override { return "debug-console"; }
  void reset(Reset) override {}
  void visit(State&) override {}  // nothing to remember

  void send_to(Sink sink) override { sink_ = std::move(sink); }
  // The console has no way in.
  std::size_t room() const override { return 0; }
  void receive(std::span<const u8>) override {}

 private:
  u32 port_in(u16, Width) override { return kPort; }
  void port_out(u16, Width, u32 value) override {
    if (sink_) sink_(static_cast<u8>(value));
  }

  Sink sink_;
};

}  // namespace penumbra
