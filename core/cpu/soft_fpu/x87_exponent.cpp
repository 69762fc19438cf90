// The portable x87's FSCALE, FXTRACT and partial remainders: operations on exponents and quotients (SDM 2).
#include <bit>

#include "core/cpu/soft_fpu/x87_number.h"
#include "core/cpu/soft_fpu/x87_operations.h"

namespace penumbra::x87::portable {

using namespace x87_bits;
using soft_float::u128;

X87Result scale(Float80 a, Float80 b, u16 control) {
  const Number x = unpack(a), y = unpack(b);
  if (const Screened s = screen(x, y, a, control); s.done) return s.result;
  if (y.kind == Kind::infinity && x.kind == (y.negative ? Kind::infinity : Kind::zero)) return invalid(a, control);
  u16 status = 0;
  if (!denormals_allowed(x.denormal || y.denormal, control, status)) return {a, status};
  if (x.kind != Kind::finite) return {a, status};
  if (y.kind == Kind::infinity) return {y.negative ? zero(x.negative) : infinity(x.negative), status};
  // Beyond twice the exponent's range a larger scale makes no difference.
  constexpr int kMost = 0x20000;
  bool inexact, up;
  int places = kMost;
  if (y.kind == Kind::zero || y.exponent < 17)
    places = static_cast<int>(round_to_integer(y, Rounding::zero, inexact, up));
  Exact scaled = exactly(x);
  scaled.exponent += y.negative ? -places : places;
  return rounded(scaled, soft_float::kExtended, control, status);
}

X87Result remainder(Two op, Float80 a, Float80 b, u16 control) {
  const Number x = unpack(a), y = unpack(b);
  if (const Screened s = screen(x, y, a, control); s.done) return s.result;
  if (x.kind == Kind::infinity || y.kind == Kind::zero) return invalid(a, control);
  u16 status = 0;
  if (!denormals_allowed(x.denormal || y.denormal, control, status)) return {a, status};
  if (x.kind == Kind::zero) return {a, status};
  const int difference = x.exponent - y.exponent;
  if (y.kind == Kind::infinity || difference < -1) return rounded(exactly(x), soft_float::kExtended, control, status);
  // A step takes at most 63 bits of quotient; where more are needed, between 32 and 63, by the difference.
  const bool partial = difference >= 64;
  const int step = partial ? 32 + (difference & 31) : difference;
  u64 quotient = 0;
  u128 rest;  // in units of 2^(exponent of x - step - 63), or of x's own where there is no step
  Exact left{x.negative, 0, 0};
  if (step < 0) {
    rest = x.significand;
    left.exponent = x.exponent;
  } else {
    const u128 dividend = u128{x.significand} << step;
    quotient = static_cast<u64>(dividend / y.significand);
    rest = dividend % y.significand;
    left.exponent = x.exponent - step;
  }
  if (partial) {
    status |= C2;
  } else {
    if (op == Two::prem1) {
      // To the nearest multiple, the even one if two are as near.
      const u128 divisor = step < 0 ? u128{y.significand} << 1 : u128{y.significand};
      if (rest * 2 > divisor || (rest * 2 == divisor && (quotient & 1))) {
        rest = divisor - rest;
        left.negative = !left.negative;
        ++quotient;
      }
    }
    status |= static_cast<u16>((quotient & 1 ? C1 : 0) | (quotient & 2 ? C3 : 0) | (quotient & 4 ? C0 : 0));
  }
  if (rest == 0) return {zero(x.negative), status};
  left.significand = rest;
  left.exponent += 64;
  return rounded(soft_float::normalized(left), soft_float::kExtended, control, status);
}

X87Pair extract(Float80 a, u16 control) {
  const Number x = unpack(a);
  if (const Screened s = screen(x, a, control); s.done) return {s.result.value, s.result.value, s.result.status};
  if (x.kind == Kind::zero) {
    const X87Result r = infinite_by_zero(true, a, control);
    return {a, r.value, r.status};
  }
  u16 status = 0;
  if (!denormals_allowed(x.denormal, control, status)) return {a, a, status};
  if (x.kind == Kind::infinity) return {a, infinity(false), status};
  const u32 magnitude = static_cast<u32>(x.exponent < 0 ? -x.exponent : x.exponent);
  const Exact exponent = soft_float::normalized({x.exponent < 0, 127, magnitude});
  const Float80 significand{x.significand, static_cast<u16>((x.negative ? 0x8000 : 0) | kBias)};
  return {significand, pack(round(exponent, soft_float::kExtended, Rounding::nearest)), status};
}

}  // namespace penumbra::x87::portable
