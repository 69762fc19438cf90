// Linux reads CR4 on every processor that has CPUID; the 486 model answered with #UD.
#include <doctest/doctest.h>

#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

TEST_CASE("a 486 with CPUID has CR4, with VME and PVI only") {
  BareCpu bare("486");
  // mov eax,cr4; hlt
  bare.load(0x1000, {0x0F, 0x20, 0xE0, 0xF4});
  bare.start_real(0x1000);
  bare.cpu.gpr[EAX] = 0xFFFF'FFFF;
  CHECK(bare.cpu.run(10) == RunEnd::halted);
  CHECK(bare.cpu.gpr[EAX] == 0);
  CHECK(bare.cpu.model().cr4_mask() == (cr4::VME | cr4::PVI));
}

}  // namespace
}  // namespace penumbra
