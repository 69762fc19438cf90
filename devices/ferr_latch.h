// The PC/AT's coprocessor error logic: FERR# of the processor latches IRQ13 until port F0h is written, which also lets
// the processor go on (IGNNE#) until the error is gone. Sources: IBM PC/AT Technical Reference; SDM 1 appendix D.
#pragma once

#include <functional>

#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class FerrLatch final : public Device, public IrqLine, PortHandler {
 public:
  // `ignne` hears the level of IGNNE#.
  FerrLatch(PortBus& ports, IrqLine& irq13, std::function<void(bool)> ignne) : irq13_(irq13), ignne_(std::move(ignne)) {
    ports.claim({0xF0, 0xF1}, *this);
  }

  // FERR#: true while an unmasked x87 error is pending.
  void set(bool level) override {
    if (level && !ferr_) irq13_.set(true);
    ferr_ = level;
    if (!level) ignne_(false);
  }

  std::string_view name() const override { return "ferr-latch"; }
  void reset(Reset) override {
    ferr_ = false;
    irq13_.set(false);
    ignne_(false);
  }
  void visit(State& state) override {
    StateSection section(state, "ferr-latch");
    state.field("ferr", ferr_);
  }

 private:
  u32 port_in(u16, Width) override { return 0xFF; }
  void port_out(u16, Width, u32) override {
    irq13_.set(false);
    if (ferr_) ignne_(true);
  }

  IrqLine& irq13_;
  std::function<void(bool)> ignne_;
  bool ferr_ = false;
};

}  // namespace penumbra
