// The portable x87 and SSE against the compiler's own float and double, on any host.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "core/cpu/sse_arithmetic.h"
#include "core/cpu/x87_arithmetic.h"
#include "tests/support/float_operands.h"

namespace penumbra {
namespace {

constexpr int kRounds = 20'000;
constexpr u32 kMxcsr = 0x1F80;
constexpr u16 kDoublePrecision = 0x027F;

double as_double(Float80 value) {
  u64 bits = 0;
  x87::portable::store(x87::Format::f64, value, &bits, kDoublePrecision);
  return std::bit_cast<double>(bits);
}
Float80 extended(double value) {
  const u64 bits = std::bit_cast<u64>(value);
  return x87::load(x87::Format::f64, &bits).value;
}

template <class T, class Bits>
Bits computed(int operation, Bits a, Bits b) {
  const T x = std::bit_cast<T>(a), y = std::bit_cast<T>(b);
  switch (operation) {
    case 0: return std::bit_cast<Bits>(x + y);
    case 1: return std::bit_cast<Bits>(x - y);
    case 2: return std::bit_cast<Bits>(x * y);
    case 3: return std::bit_cast<Bits>(x / y);
    default: return std::bit_cast<Bits>(std::sqrt(y));
  }
}

TEST_CASE("portable SSE rounds as the compiler's float and double do") {
  using namespace sse::portable;
  constexpr sse::Function kSingle[] = {addss, subss, mulss, divss, sqrtss};
  constexpr sse::Function kDouble[] = {addsd, subsd, mulsd, divsd, sqrtsd};
  FloatOperands operands(21);
  int differences = 0;
  for (int n = 0; n < kRounds; ++n)
    for (int operation = 0; operation < 5; ++operation) {
      Xmm a{}, b{};
      a.qword[0] = operands.ieee<u64>();
      b.qword[0] = operands.ieee<u64>();
      const double expected = std::bit_cast<double>(computed<double>(operation, a.qword[0], b.qword[0]));
      Xmm c{}, d{};
      c.dword[0] = operands.ieee<u32>();
      d.dword[0] = operands.ieee<u32>();
      const float narrow = std::bit_cast<float>(computed<float>(operation, c.dword[0], d.dword[0]));
      kDouble[operation](a, b, kMxcsr);
      kSingle[operation](c, d, kMxcsr);
      // Which NaN it is depends on the host.
      if (std::isnan(expected) ? !std::isnan(std::bit_cast<double>(a.qword[0]))
                               : a.qword[0] != std::bit_cast<u64>(expected))
        ++differences;
      if (std::isnan(narrow) ? !std::isnan(std::bit_cast<float>(c.dword[0])) : c.dword[0] != std::bit_cast<u32>(narrow))
        ++differences;
    }
  CHECK(differences == 0);
}

TEST_CASE("portable x87 with 53 bits of precision rounds as double does") {
  constexpr x87::Binary kOperations[] = {x87::Binary::add, x87::Binary::sub, x87::Binary::mul, x87::Binary::div};
  FloatOperands operands(22);
  int differences = 0;
  for (int n = 0; n < kRounds; ++n)
    for (int operation = 0; operation < 4; ++operation) {
      // Far from the ends of double's exponent range, which is not the register's.
      const double a = std::ldexp(1 + std::ldexp(static_cast<double>(operands.bits() >> 12), -52),
                                  static_cast<int>(operands.below(100)));
      const double b = -std::ldexp(1 + std::ldexp(static_cast<double>(operands.bits() >> 12), -52),
                                   static_cast<int>(operands.below(100)));
      const double expected =
          std::bit_cast<double>(computed<double>(operation, std::bit_cast<u64>(a), std::bit_cast<u64>(b)));
      const X87Result r = x87::portable::binary(kOperations[operation], extended(a), extended(b), kDoublePrecision);
      if (as_double(r.value) != expected) ++differences;
    }
  CHECK(differences == 0);
}

TEST_CASE("portable x87: transcendental functions agree with the library's to double's precision") {
  using namespace x87::portable;
  constexpr u16 kControl = 0x037F;
  const auto near = [](Float80 value, double expected) {
    return std::fabs(as_double(value) - expected) <= std::fabs(expected) * 4e-16;
  };
  for (double x = 0.01; x < 1; x += 0.013) {
    CAPTURE(x);
    const Float80 a = extended(x), one = extended(1);
    CHECK(near(unary(x87::Unary::sin, a, kControl).value, std::sin(x)));
    CHECK(near(unary(x87::Unary::cos, a, kControl).value, std::cos(x)));
    CHECK(near(tan(a, kControl).second, std::tan(x)));
    CHECK(near(unary(x87::Unary::f2xm1, a, kControl).value, std::expm1(x * M_LN2)));
    CHECK(near(two(x87::Two::atan2, one, a, kControl).value, std::atan(x)));
    CHECK(near(two(x87::Two::yl2x, a, one, kControl).value, std::log2(x)));
    if (x < 0.29) CHECK(near(two(x87::Two::yl2xp1, a, one, kControl).value, std::log1p(x) / M_LN2));
  }
}

TEST_CASE("portable RCPSS and RSQRTSS stay within the manual's bound") {
  constexpr double kBound = 1.5 / 4096;
  FloatOperands operands(23);
  for (int n = 0; n < kRounds; ++n) {
    Xmm a{}, b{};
    b.dword[0] = (64 + operands.below(128)) << 23 | static_cast<u32>(operands.bits() >> 41);
    const double x = std::bit_cast<float>(b.dword[0]);
    sse::portable::rcpss(a, b, kMxcsr);
    REQUIRE(std::fabs(std::bit_cast<float>(a.dword[0]) * x - 1) <= kBound);
    sse::portable::rsqrtss(a, b, kMxcsr);
    REQUIRE(std::fabs(std::bit_cast<float>(a.dword[0]) * std::sqrt(x) - 1) <= kBound);
  }
}

}  // namespace
}  // namespace penumbra
