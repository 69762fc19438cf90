// A device that stops the processor while an event's frame is pushed into its registers must not cost instructions:
// what the stop put aside was lost, so that `run` counted its whole budget as executed.
#include <doctest/doctest.h>

#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

struct StoppingDevice final : MmioHandler {
  u32 mmio_read(PhysAddr, Width) override { return 0; }
  void mmio_write(PhysAddr, Width, u32) override { cpu->stop_soon(); }
  Cpu* cpu = nullptr;
};

TEST_CASE("a stop during event delivery keeps the count of instructions") {
  BareCpu machine;
  StoppingDevice device;
  device.cpu = &machine.cpu;
  machine.memory.map_mmio(PhysAddr(0x7000), kPageSize, device, "stopper");
  machine.load(0x08, {0x00, 0x20, 0x00, 0x00});  // NMI at 0000:2000
  machine.load(0x2000, {0x40, 0x40, 0xF4});      // INC AX twice, HLT
  machine.start_real(0x1000);
  machine.cpu.raise_nmi();
  CHECK(machine.cpu.run(100) == RunEnd::halted);
  CHECK(machine.cpu.gpr[EAX] == 2);
  CHECK(machine.cpu.instructions() == 3);
}

}  // namespace
}  // namespace penumbra
