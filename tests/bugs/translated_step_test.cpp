// A debugger's step of a machine with the translator executed the whole block.
#include <doctest/doctest.h>

#include "core/cpu/cpu.h"
#include "core/machine/machine.h"

namespace penumbra {
namespace {

TEST_CASE("so many instructions are so many instructions, whatever the engine") {
  for (const EngineKind engine : {EngineKind::interpreter, EngineKind::translator}) {
    MachineConfig config;
    config.memory_bytes = 8 << 20;
    config.engine = engine;
    Trace trace;
    Machine machine(config, trace);
    constexpr u32 kCode = 0x200000;
    const std::vector<u8> increments(64, 0x40);  // INC EAX
    machine.memory().write(PhysAddr(kCode), increments);
    Cpu& cpu = machine.cpu();
    for (Segment& s : cpu.segment) {
      s.access = 0x93;
      s.base = 0;
      s.limit = 0xFFFF'FFFF;
      s.big = s.granular = true;
    }
    cpu.segment[CS].access = 0x9B;
    cpu.cr0 |= cr0::PE;
    cpu.gpr[EAX] = 0;
    cpu.eip = kCode;
    cpu.state_changed();
    for (u32 n = 1; n <= 3; ++n) {
      CHECK_FALSE(machine.run_instructions(1));
      CHECK(cpu.eip == kCode + n);
    }
    CHECK_FALSE(machine.run_instructions(20));
    CHECK(cpu.gpr[EAX] == 23);
  }
}

}  // namespace
}  // namespace penumbra
