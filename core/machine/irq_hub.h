// The board's sixteen ISA interrupts: several drivers on one line, one output to the 8259s and the I/O APIC.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/state.h"
#include "core/base/types.h"
#include "core/platform/irq.h"

namespace penumbra {

class IrqHub {
 public:
  using Output = std::function<void(unsigned irq, bool level)>;

  explicit IrqHub(Output output) : output_(std::move(output)) {}

  // Which drivers assert their lines. What the lines lead to saves its own view of them.
  void visit(State& state) {
    StateSection section(state, "irq-hub");
    active_.fill(0);
    for (const auto& driver : drivers_) {
      state.field("level", driver->level_);
      active_[driver->irq_] += driver->level_;
    }
  }

  // A new driver of an interrupt; the line is the OR of its drivers.
  IrqLine& driver(unsigned irq) {
    drivers_.push_back(std::make_unique<Driver>(*this, irq));
    return *drivers_.back();
  }

 private:
  class Driver final : public IrqLine {
   public:
    Driver(IrqHub& hub, unsigned irq) : hub_(hub), irq_(irq) {}
    void set(bool level) override {
      if (level == level_) return;
      level_ = level;
      hub_.change(irq_, level ? 1 : -1);
    }

   private:
    friend class IrqHub;
    IrqHub& hub_;
    unsigned irq_;
    bool level_ = false;
  };

  void change(unsigned irq, int by) {
    active_[irq] += by;
    if (by > 0 ? active_[irq] == 1 : active_[irq] == 0) output_(irq, by > 0);
  }

  Output output_;
  std::array<int, 16> active_{};
  std::vector<std::unique_ptr<Driver>> drivers_;
};

}  // namespace penumbra
