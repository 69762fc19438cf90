// Decoded code outlived a change of the memory map: after ROM gave way to the RAM behind it, the ROM's code ran on.
#include <doctest/doctest.h>

#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

TEST_CASE("code is decoded anew where the memory map has changed") {
  BareCpu machine;
  machine.memory.map_rom(PhysAddr(0xC0000), std::vector<u8>{0x40, 0xF4}, "rom");  // INC AX; HLT
  machine.memory.set_shadow_ram(PhysAddr(0xC0000), kPageSize, false, true);
  machine.load(0xC0000, {0x43, 0xF4});  // INC BX; HLT, in the RAM behind
  const auto run_there = [&] {
    machine.cpu.segment[CS].selector = 0xC000;
    machine.cpu.segment[CS].base = 0xC0000;
    machine.cpu.eip = 0;
    machine.cpu.halted = false;
    CHECK(machine.cpu.run(100) == RunEnd::halted);
  };
  machine.start_real(0);
  run_there();
  CHECK(machine.cpu.gpr[EAX] == 1);
  machine.memory.set_shadow_ram(PhysAddr(0xC0000), kPageSize, true, true);
  run_there();
  CHECK(machine.cpu.gpr[EBX] == 1);
  machine.memory.set_shadow_ram(PhysAddr(0xC0000), kPageSize, false, false);
  run_there();
  CHECK(machine.cpu.gpr[EAX] == 2);
  machine.memory.unmap("rom");
  run_there();
  CHECK(machine.cpu.gpr[EBX] == 2);
}

}  // namespace
}  // namespace penumbra
