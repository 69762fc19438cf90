// Exception flags that host code left in the x87 (long double arithmetic in a library) must not reach the guest: with
// that exception unmasked by the guest they killed the process, and otherwise they showed in its status word.
#include <doctest/doctest.h>

#include "core/cpu/x87_arithmetic.h"

namespace penumbra {
namespace {

void leave_inexact_flag() {
  volatile long double one = 1, three = 3;
  volatile long double third = one / three;
  (void)third;
}

TEST_CASE("x87 flags of the host's own arithmetic stay with the host") {
  constexpr Float80 kFour{u64{1} << 63, 0x4001};
  constexpr u16 kAllUnmasked = 0x0340, kAllMasked = 0x037F;
  const u32 four_bits = 0x40800000;
  for (const u16 control : {kAllMasked, kAllUnmasked}) {
    CAPTURE(control);
    leave_inexact_flag();
    CHECK((x87::unary(x87::Unary::sqrt, kFour, control).status & x87_bits::kExceptions) == 0);
    leave_inexact_flag();
    CHECK((x87::binary(x87::Binary::add, kFour, kFour, control).status & x87_bits::kExceptions) == 0);
    leave_inexact_flag();
    const X87Result sum = x87::binary_memory(x87::Binary::add, kFour, x87::Format::f32, &four_bits, control);
    CHECK((sum.status & x87_bits::kExceptions) == 0);
  }
}

}  // namespace
}  // namespace penumbra
