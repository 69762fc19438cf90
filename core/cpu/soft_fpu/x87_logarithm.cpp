// The portable x87's F2XM1, FYL2X and FYL2XP1: series on 128-bit significands, rounded once (SDM 2).
#include "core/cpu/soft_fpu/wide_float.h"
#include "core/cpu/soft_fpu/x87_number.h"
#include "core/cpu/soft_fpu/x87_operations.h"

namespace penumbra::x87::portable {

using namespace x87_bits;
using namespace soft_float::wide;
using soft_float::exactly;

namespace {

constexpr u64 kRootOfTwo = 0xB504'F333'F9DE'6484;

// e^t - 1 = t (1 + t/2 (1 + t/3 ( ... ))), |t| at most ln 2.
Exact exponential_minus_one(const Exact& t) {
  Exact total = kOne;
  for (u32 k = 32; k >= 2; --k) total = sum(kOne, divided(product(t, total), k));
  return product(t, total);
}

// log2((1 + u) / (1 - u)).
Exact logarithm_of_ratio(const Exact& u) { return scaled(product(kLog2OfE, odd_series(u, Series::atanh)), 1); }

// Of a positive number.
Exact binary_logarithm(Exact x) {
  int whole = x.exponent;
  x.exponent = 0;
  if (static_cast<u64>(x.significand >> 64) > kRootOfTwo) {
    x.exponent = -1;
    ++whole;
  }
  const Exact u = quotient(sum(x, negated(kOne)), sum(x, kOne));
  return sum(integer(whole), logarithm_of_ratio(u));
}

// Processors call every product inexact that is not zero, of powers of two as well.
X87Result times(const Exact& logarithm, const Number& y, u16 control, u16 status) {
  if (logarithm.significand == 0) return {zero(y.negative), status};
  X87Result r = rounded(product(logarithm, exactly(y)), soft_float::kExtended, control, status | PE);
  if ((r.value.sign_exponent & 0x7FFF) == 0) r.status |= UE;
  return r;
}

}  // namespace

X87Result power_minus_one(Float80 a, u16 control) {
  const Number x = unpack(a);
  if (const Screened s = screen(x, a, control); s.done) return s.result;
  u16 status = 0;
  if (!denormals_allowed(x.denormal, control, status)) return {a, status};
  if (x.kind == Kind::zero) return {a, status};
  if (x.kind == Kind::infinity) return {x.negative ? Float80{kIntegerBit, 0x8000 | kBias} : a, status};
  if (x.exponent >= 0) {
    // Beyond 1 the result is undefined: like processors, leave the operand.
    if (x.exponent > 0 || x.significand != kIntegerBit || !x.negative) return {a, status};
    return {{kIntegerBit, 0x8000 | (kBias - 1)}, status};
  }
  Exact result = exponential_minus_one(product(exactly(x), kLn2));
  result.significand |= 1;
  return rounded(result, soft_float::kExtended, control, status);
}

X87Result logarithm(Float80 a, Float80 b, u16 control) {
  const Number x = unpack(a), y = unpack(b);
  if (const Screened s = screen(x, y, a, control); s.done) return s.result;
  if (x.negative && x.kind != Kind::zero) return invalid(a, control);
  const bool is_one = x.kind == Kind::finite && x.exponent == 0 && x.significand == kIntegerBit;
  const bool no_product = (y.kind == Kind::zero && (x.kind == Kind::zero || x.kind == Kind::infinity)) ||
                          (y.kind == Kind::infinity && is_one);
  if (no_product) return invalid(a, control);
  if (x.kind == Kind::zero && y.kind == Kind::finite) return infinite_by_zero(!y.negative, a, control);
  u16 status = 0;
  if (!denormals_allowed(x.denormal || y.denormal, control, status)) return {a, status};
  const bool below_one = x.kind == Kind::zero || (x.kind == Kind::finite && x.exponent < 0);
  if (x.kind == Kind::infinity || y.kind == Kind::infinity) return {infinity(y.negative != below_one), status};
  if (y.kind == Kind::zero) return {zero(y.negative != below_one), status};
  return times(binary_logarithm(exactly(x)), y, control, status);
}

X87Result logarithm_plus_one(Float80 a, Float80 b, u16 control) {
  const Number x = unpack(a), y = unpack(b);
  if (const Screened s = screen(x, y, a, control); s.done) return s.result;
  const bool no_product =
      (y.kind == Kind::infinity && x.kind == Kind::zero) || (y.kind == Kind::zero && x.kind == Kind::infinity);
  if (no_product || (x.kind == Kind::infinity && x.negative)) return invalid(a, control);
  u16 status = 0;
  if (!denormals_allowed(x.denormal || y.denormal, control, status)) return {a, status};
  const bool negative = x.negative != y.negative;
  if (x.kind == Kind::infinity || y.kind == Kind::infinity) return {infinity(negative), status};
  if (x.kind == Kind::zero || y.kind == Kind::zero) return {zero(negative), status};
  // log2(1 + x) = log2((1 + u) / (1 - u)) with u = x / (2 + x), good while |x| is below 1/2.
  const Exact wide = exactly(x);
  if (x.exponent < -1) return times(logarithm_of_ratio(quotient(wide, sum(integer(2), wide))), y, control, status);
  // Beyond 1 - sqrt(1/2) the result is undefined; it is the logarithm where there is one, else the operand is left.
  const Exact more = sum(wide, kOne);
  if (more.negative || more.significand == 0) return {a, status};
  return times(binary_logarithm(more), y, control, status);
}

}  // namespace penumbra::x87::portable
