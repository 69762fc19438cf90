// POST codes: port 190h here, port 80h through the DMA page registers; the last code is kept and each one is traced.
#pragma once

#include <functional>

#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class PostPorts final : public Device, PortHandler {
 public:
  using Sink = std::function<void(u16 port, u8 code)>;

  // `sink` may be empty.
  PostPorts(PortBus& ports, Trace& trace, Sink sink = {}) : trace_(trace), sink_(std::move(sink)) {
    ports.claim({0x190, 0x190}, *this);
  }

  // A code written to a port; the board routes port 80h here.
  void post(u16 port, u8 code) {
    last_ = code;
    trace_.line(Channel::bios, "POST {:02x} at port {:x}", code, port);
    if (sink_) sink_(port, code);
  }
  u8 last() const { return last_; }

  std::string_view name() const override { return "post-ports"; }
  void reset(Reset) override { last_ = 0; }
  void visit(State& state) override {
    StateSection section(state, "post-ports");
    state.field("last", last_);
  }

 private:
  u32 port_in(u16, Width) override { return last_; }
  void port_out(u16 port, Width, u32 value) override { post(port, static_cast<u8>(value)); }

  Trace& trace_;
  Sink sink_;
  u8 last_ = 0;
};

}  // namespace penumbra
