// isa-debug-exit: a write to its ports tells the host to end the run, before the guest's next instruction.
#pragma once

#include <functional>

#include "core/platform/device.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class DebugExit final : public Device, PortHandler {
 public:
  // Claims four ports from `port` on (fewer at the end of the port space), so that a byte, word or dword write arrives
  // whole. `exit` gets the value written, in zero-extended form, while the OUT is being executed.
  DebugExit(PortBus& ports, u16 port, std::function<void(u32)> exit) : exit_(std::move(exit)) {
    ports.claim({port, static_cast<u16>(port < 0xFFFC ? port + 3 : 0xFFFF)}, *this, Width::dword);
  }

  std::string_view name() const override { return "debug-exit"; }
  void reset(Reset) override {}
  void visit(State&) override {}  // nothing to remember

 private:
  u32 port_in(u16, Width) override { return 0; }
  void port_out(u16, Width, u32 value) override { exit_(value); }

  std::function<void(u32)> exit_;
};

}  // namespace penumbra
