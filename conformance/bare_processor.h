// A processor with memory, no devices and no interrupts.
#pragma once

#include "core/base/error.h"
#include "core/cpu/cpu.h"

namespace penumbra::conformance {

class BareProcessor {
 public:
  static constexpr u64 kMemory = u64{16} << 20;

  explicit BareProcessor(const char* model_name)
      : memory_(kMemory, trace_),
        ports_(trace_),
        cpu_({memory_, ports_, interrupts_, clock_, nullptr, trace_}, model_of(model_name)) {}

  Cpu& cpu() { return cpu_; }
  GuestMemory& memory() { return memory_; }

 private:
  class NoInterrupts final : public InterruptSource {
    bool pending() const override { return false; }
    u8 acknowledge() override { return 0xFF; }
  };

  static const CpuModel& model_of(const char* name) {
    const CpuModel* model = cpu_model_named(name);
    if (!model) throw ConfigError(fmt::format("no processor model {}; there are {}", name, cpu_model_names()));
    return *model;
  }

  Trace trace_;
  GuestMemory memory_;
  PortBus ports_;
  NoInterrupts interrupts_;
  ManualClock clock_;
  Cpu cpu_;
};

}  // namespace penumbra::conformance
