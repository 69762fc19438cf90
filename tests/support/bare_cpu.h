// A processor with memory and nothing else, for tests.
#pragma once

#include <initializer_list>

#include "core/cpu/cpu.h"

namespace penumbra {

struct NoInterrupts final : InterruptSource {
  bool pending() const override { return false; }
  unsigned char acknowledge() override { return 0; }
};

struct BareCpu {
  explicit BareCpu(std::string_view model = "p4", u64 ram = u64{1} << 20)
      : memory(ram, trace),
        ports(trace),
        cpu({memory, ports, interrupts, clock, nullptr, trace}, *cpu_model_named(model)) {}

  void load(u32 physical, std::span<const u8> bytes) { memory.write(PhysAddr(physical), bytes); }
  void load(u32 physical, std::initializer_list<u8> bytes) { load(physical, std::span(bytes.begin(), bytes.size())); }

  // Real mode with all segments at 0, a stack at 8000h and general registers cleared.
  void start_real(u32 ip) {
    cpu.reset();
    for (Segment& s : cpu.segment) {
      s.selector = 0;
      s.base = 0;
    }
    for (u32& r : cpu.gpr) r = 0;
    cpu.gpr[ESP] = 0x8000;
    cpu.eip = ip;
    cpu.state_changed();
  }

  Trace trace;
  ManualClock clock;
  NoInterrupts interrupts;
  GuestMemory memory;
  PortBus ports;
  Cpu cpu;
};

}  // namespace penumbra
