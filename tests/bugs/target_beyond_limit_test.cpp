// A block remembered for a linear address, met again where the code segment ends within it, kept `run` from returning:
// the loop took it from the table of recent targets and was not let into it, for ever.
#include <doctest/doctest.h>

#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

TEST_CASE("a remembered block that no longer fits its code segment runs up to the limit") {
  BareCpu machine;
  machine.load(13 * 4, {0x00, 0x20, 0x00, 0x00});  // #GP at 0000:2000
  machine.load(0x2000, {0xF4});                    // HLT
  // INC AX eight times and JMP 0101:FFFC, which is the same linear address four bytes below the segment's end.
  machine.load(0x1100C, {0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0xEA, 0xFC, 0xFF, 0x01, 0x01});
  machine.start_real(0xC);
  machine.cpu.segment[CS].selector = 0x1100;
  machine.cpu.segment[CS].base = 0x11000;
  machine.cpu.state_changed();
  CHECK(machine.cpu.run(100) == RunEnd::halted);
  CHECK(machine.cpu.gpr[EAX] == 12);
  CHECK(machine.memory.load<u16>(PhysAddr(0x8000 - 6)) == 0);  // the IP pushed
  CHECK(machine.memory.load<u16>(PhysAddr(0x8000 - 4)) == 0x0101);
}

}  // namespace
}  // namespace penumbra
