// A fault handler that cannot be fetched, on a stack that never ends, must not keep `run` from returning: deliveries
// did not count against its budget.
#include <doctest/doctest.h>

#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

TEST_CASE("a handler whose fetch faults uses up the budget") {
  BareCpu machine;
  machine.start_real(0x1000);
  // Real mode with a code segment of 100h bytes and #GP (vector 13) leading beyond its end.
  machine.load(13 * 4, {0x00, 0x20, 0x00, 0x00});
  machine.cpu.segment[CS].limit = 0xFF;
  machine.cpu.state_changed();
  CHECK(machine.cpu.run(50) == RunEnd::budget);
  CHECK(machine.cpu.instructions() == 50);
  CHECK(machine.cpu.eip == 0x2000);
}

}  // namespace
}  // namespace penumbra
