// The portable x87's FSIN, FCOS, FSINCOS, FPTAN and FPATAN: reduced by the processors' 66-bit pi (SDM 1 8.3.8), then
// series on 128-bit significands, rounded once.
#include "core/cpu/soft_fpu/wide_float.h"
#include "core/cpu/soft_fpu/x87_number.h"
#include "core/cpu/soft_fpu/x87_operations.h"

namespace penumbra::x87::portable {

using namespace x87_bits;
using namespace soft_float::wide;
using soft_float::exactly;
using soft_float::u128;

namespace {

struct Angle {
  Exact rest;             // at most pi/4 in magnitude, with the operand's sign folded in
  unsigned quadrant = 0;  // quarter turns to add
};

Angle reduced(const Number& x) {
  // Below 1/2 it is itself.
  if (x.exponent < -1) return {exactly(x), 0};
  // pi/2 in units of 2^-65.
  constexpr u128 kHalfPi = u128{3} << 64 | 0x243F'6A88'85A3'08D3;
  u128 rest = x.significand;
  unsigned quadrant = 0;
  for (int n = x.exponent + 2; n > 0; --n) {
    rest <<= 1;
    quadrant <<= 1;
    if (rest >= kHalfPi) {
      rest -= kHalfPi;
      ++quadrant;
    }
  }
  bool negative = false;
  if (rest > kHalfPi / 2) {
    rest = kHalfPi - rest;
    negative = true;
    ++quadrant;
  }
  if (x.negative) {
    negative = !negative;
    quadrant = 0 - quadrant;
  }
  return {soft_float::normalized({negative, 127 - 65, rest}), quadrant & 3};
}

// 1 - r^2/(n (n+1)) (1 - r^2/((n+2)(n+3)) ( ... )), n being 2 for the sine divided by r, 1 for the cosine.
Exact circular_series(const Exact& r, u32 first) {
  const Exact minus_square = negated(product(r, r));
  Exact total = kOne;
  for (u32 term = 15; term-- > 0;) {
    const u32 n = first + 2 * term;
    total = sum(kOne, divided(product(minus_square, total), n * (n + 1)));
  }
  return total;
}

Exact sine_of(const Exact& r) { return r.significand == 0 ? r : product(r, circular_series(r, 2)); }
Exact cosine_of(const Exact& r) { return circular_series(r, 1); }

struct Waves {
  Exact sine, cosine;
};
Waves waves(const Number& x) {
  const Angle angle = reduced(x);
  const Exact s = sine_of(angle.rest), c = cosine_of(angle.rest);
  switch (angle.quadrant) {
    case 0: return {s, c};
    case 1: return {c, negated(s)};
    case 2: return {negated(s), negated(c)};
    default: return {negated(c), s};
  }
}

// What needs no series: NaNs, infinities, what is out of range, unmasked denormals. Zero needs none either.
Screened screen_angle(const Number& x, Float80 a, u16 control, u16& status) {
  if (const Screened s = screen(x, a, control); s.done) return s;
  if (x.kind == Kind::infinity) return {true, invalid(a, control)};
  if (!denormals_allowed(x.denormal, control, status)) return {true, {a, status}};
  if (x.kind == Kind::finite && x.exponent >= 63) return {true, {a, static_cast<u16>(status | C2)}};
  return {};
}

// No value of these functions but the trivial ones is exact.
X87Result inexactly(Exact x, u16 control, u16 status) {
  x.significand |= 1;
  return rounded(x, soft_float::kExtended, control, status);
}

}  // namespace

X87Result sine(Float80 a, u16 control) {
  const Number x = unpack(a);
  u16 status = 0;
  if (const Screened s = screen_angle(x, a, control, status); s.done) return s.result;
  if (x.kind == Kind::zero) return {a, status};
  return inexactly(waves(x).sine, control, status);
}

X87Result cosine(Float80 a, u16 control) {
  const Number x = unpack(a);
  u16 status = 0;
  if (const Screened s = screen_angle(x, a, control, status); s.done) return s.result;
  if (x.kind == Kind::zero) return {pack(one()), status};
  return inexactly(waves(x).cosine, control, status);
}

X87Pair sincos(Float80 a, u16 control) {
  const X87Result s = sine(a, control), c = cosine(a, control);
  const u16 both = s.status | (c.status & kExceptions);
  return {c.value, s.value, both};
}

X87Pair tan(Float80 a, u16 control) {
  const Number x = unpack(a);
  u16 status = 0;
  if (const Screened s = screen_angle(x, a, control, status); s.done)
    return {s.result.value, s.result.value, s.result.status};
  if (x.kind == Kind::zero) return {pack(one()), a, status};
  const Waves w = waves(x);
  const X87Result r = inexactly(quotient(w.sine, w.cosine), control, status);
  return {pack(one()), r.value, r.status};
}

namespace {

// The arctangent of y/x, both positive and y not the larger.
Exact arctangent_of_ratio(const Exact& y, const Exact& x) {
  constexpr u64 kRootOfTwoLessOne = 0xD413'CCCF'E779'9211;  // the tangent of pi/8, with exponent -2
  const Exact ratio = quotient(y, x);
  const bool small =
      ratio.exponent < -2 || (ratio.exponent == -2 && static_cast<u64>(ratio.significand >> 64) <= kRootOfTwoLessOne);
  if (small) return odd_series(ratio, Series::atan);
  const Exact rest = quotient(sum(x, negated(y)), sum(x, y));
  return sum(scaled(kPi, -2), negated(odd_series(rest, Series::atan)));
}

}  // namespace

X87Result arctangent(Float80 a, Float80 b, u16 control) {
  const Number x = unpack(a), y = unpack(b);
  if (const Screened s = screen(x, y, a, control); s.done) return s.result;
  u16 status = 0;
  if (!denormals_allowed(x.denormal || y.denormal, control, status)) return {a, status};
  Exact angle;
  if (y.kind == Kind::zero || (x.kind == Kind::infinity && y.kind != Kind::infinity)) {
    if (!x.negative) return {zero(y.negative), status};
    angle = kPi;
  } else if (y.kind == Kind::infinity && x.kind == Kind::infinity) {
    angle = x.negative ? product(scaled(kPi, -2), integer(3)) : scaled(kPi, -2);
  } else if (y.kind == Kind::infinity || x.kind == Kind::zero) {
    angle = scaled(kPi, -1);
  } else {
    Exact height = exactly(y), width = exactly(x);
    height.negative = width.negative = false;
    Number above = y, across = x;
    above.negative = across.negative = false;
    angle = soft_float::compare(above, across) <= 0 ? arctangent_of_ratio(height, width)
                                                    : sum(scaled(kPi, -1), negated(arctangent_of_ratio(width, height)));
    if (x.negative) angle = sum(kPi, negated(angle));
  }
  angle.negative = y.negative;
  return inexactly(angle, control, status);
}

}  // namespace penumbra::x87::portable
