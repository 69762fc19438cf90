// Wide arithmetic by schoolbook methods.
#include "core/cpu/soft_fpu/wide_float.h"

#include <algorithm>

namespace penumbra::soft_float::wide {

namespace {

bool is_zero(const Exact& a) { return a.significand == 0; }

u128 high_product(u128 a, u128 b) {
  const u128 a1 = static_cast<u64>(a >> 64), a0 = static_cast<u64>(a), b1 = static_cast<u64>(b >> 64),
             b0 = static_cast<u64>(b);
  const u128 cross1 = a1 * b0, cross2 = a0 * b1;
  const u128 middle = (a0 * b0 >> 64) + static_cast<u64>(cross1) + static_cast<u64>(cross2);
  return a1 * b1 + (cross1 >> 64) + (cross2 >> 64) + (middle >> 64);
}

}  // namespace

Exact integer(i64 n) { return normalized({n < 0, 127, static_cast<u64>(n < 0 ? -n : n)}); }

Exact negated(Exact a) {
  a.negative = !a.negative;
  return a;
}

Exact scaled(Exact a, int exponent) {
  a.exponent += exponent;
  return a;
}

Exact sum(const Exact& a, const Exact& b) {
  if (is_zero(a)) return b;
  if (is_zero(b)) return a;
  if (a.exponent < b.exponent) return sum(b, a);
  const int distance = a.exponent - b.exponent;
  // What is shifted out leaves a trace, so that a sum with something tiny is seen to be inexact.
  const u128 x = a.significand >> 1 | (a.significand & 1);
  const u128 y =
      distance > 126 ? 1 : (b.significand >> (distance + 1)) | ((b.significand & ((u128{2} << distance) - 1)) != 0);
  if (a.negative == b.negative) return normalized({a.negative, a.exponent + 1, x + y});
  return normalized({x >= y ? a.negative : b.negative, a.exponent + 1, x >= y ? x - y : y - x});
}

Exact product(const Exact& a, const Exact& b) {
  return normalized(
      {a.negative != b.negative, a.exponent + b.exponent + 1, high_product(a.significand, b.significand)});
}

Exact quotient(const Exact& a, const Exact& b) {
  // Both halved, so that a doubled remainder fits; one bit of quotient a step.
  const u128 divisor = b.significand >> 1;
  u128 rest = a.significand >> 1, bits = 0;
  for (int n = 0; n < 128; ++n) {
    const bool one = rest >= divisor;
    if (one) rest -= divisor;
    bits = bits << 1 | one;
    rest <<= 1;
  }
  return normalized({a.negative != b.negative, a.exponent - b.exponent, bits | (rest != 0)});
}

Exact divided(const Exact& a, u32 divisor) { return normalized({a.negative, a.exponent, a.significand / divisor}); }

Exact odd_series(const Exact& u, Series series) {
  if (is_zero(u)) return u;
  Exact square = product(u, u);
  // Each term adds at least so many bits.
  const int bits = std::max(1, -(square.exponent + 1));
  if (series == Series::atan) square.negative = true;
  Exact total{};
  for (int k = 120 / bits + 1; k >= 0; --k)
    total = sum(divided(kOne, static_cast<u32>(2 * k + 1)), product(square, total));
  return product(u, total);
}

}  // namespace penumbra::soft_float::wide
