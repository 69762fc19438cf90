// A block decoded where there is no memory is not kept; the table of recent targets led to it all the same, and so to
// whatever had been decoded in its place.
#include <doctest/doctest.h>

#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

TEST_CASE("code where there is no memory is an invalid opcode every time") {
  BareCpu machine("p4", 0x80000);
  machine.load(6 * 4, {0x00, 0x20, 0x00, 0x00});               // #UD at 0000:2000
  machine.load(0x2000, {0x40, 0xEA, 0x00, 0x00, 0x00, 0x90});  // INC AX; JMP 9000:0000
  machine.start_real(0x2001);
  CHECK(machine.cpu.run(1 + 3 * 100) == RunEnd::budget);
  CHECK(machine.cpu.gpr[EAX] == 100);
  CHECK(machine.cpu.gpr[ESP] == 0x8000 - 6 * 100);
}

}  // namespace
}  // namespace penumbra
