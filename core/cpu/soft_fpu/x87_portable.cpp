// The portable x87's basic arithmetic, comparisons and FXAM (SDM 2, each instruction's table of results).
#include "core/cpu/soft_fpu/x87_number.h"
#include "core/cpu/soft_fpu/x87_operations.h"

namespace penumbra::x87::portable {

using namespace x87_bits;

namespace {

X87Result sum(const Number& a, const Number& b, Float80 old, u16 control) {
  if (a.kind == Kind::infinity && b.kind == Kind::infinity && a.negative != b.negative) return invalid(old, control);
  u16 status = 0;
  if (!denormals_allowed(a.denormal || b.denormal, control, status)) return {old, status};
  if (a.kind == Kind::infinity || b.kind == Kind::infinity)
    return {infinity(a.kind == Kind::infinity ? a.negative : b.negative), status};
  const bool zero_negative = a.negative == b.negative ? a.negative : rounding_of(control) == Rounding::down;
  if (a.kind == Kind::zero && b.kind == Kind::zero) return {zero(zero_negative), status};
  Exact x = a.kind == Kind::zero ? exactly(b) : b.kind == Kind::zero ? exactly(a) : add(a, b);
  if (x.significand == 0) x.negative = zero_negative;
  return rounded(x, target_of(control), control, status);
}

X87Result product(const Number& a, const Number& b, Float80 old, u16 control) {
  const bool infinite = a.kind == Kind::infinity || b.kind == Kind::infinity;
  const bool none = a.kind == Kind::zero || b.kind == Kind::zero;
  const bool negative = a.negative != b.negative;
  if (infinite && none) return invalid(old, control);
  u16 status = 0;
  if (!denormals_allowed(a.denormal || b.denormal, control, status)) return {old, status};
  if (infinite) return {infinity(negative), status};
  if (none) return {zero(negative), status};
  return rounded(multiply(a, b), target_of(control), control, status);
}

X87Result quotient(const Number& a, const Number& b, Float80 old, u16 control) {
  const bool negative = a.negative != b.negative;
  if (a.kind == b.kind && (a.kind == Kind::zero || a.kind == Kind::infinity)) return invalid(old, control);
  if (b.kind == Kind::zero && a.kind == Kind::finite) return infinite_by_zero(negative, old, control);
  u16 status = 0;
  if (!denormals_allowed(a.denormal || b.denormal, control, status)) return {old, status};
  if (a.kind == Kind::infinity) return {infinity(negative), status};
  if (a.kind == Kind::zero || b.kind == Kind::infinity) return {zero(negative), status};
  return rounded(divide(a, b), target_of(control), control, status);
}

X87Result compute(Binary op, const Number& a, Number b, Float80 old, u16 control) {
  if (const Screened s = screen(a, b, old, control); s.done) return s.result;
  switch (op) {
    case Binary::add: return sum(a, b, old, control);
    case Binary::mul: return product(a, b, old, control);
    case Binary::div: return quotient(a, b, old, control);
    case Binary::divr: return quotient(b, a, old, control);
    case Binary::sub: b.negative = !b.negative; return sum(a, b, old, control);
    case Binary::subr: break;
  }
  Number minus_a = a;
  minus_a.negative = !a.negative;
  return sum(b, minus_a, old, control);
}

X87Result root(Float80 a, u16 control) {
  const Number n = unpack(a);
  if (const Screened s = screen(n, a, control); s.done) return s.result;
  if (n.kind == Kind::zero) return {a, 0};
  if (n.negative) return invalid(a, control);
  u16 status = 0;
  if (!denormals_allowed(n.denormal, control, status)) return {a, status};
  if (n.kind == Kind::infinity) return {a, status};
  return rounded(square_root(n), target_of(control), control, status);
}

X87Result round_to_integral(Float80 a, u16 control) {
  const Number n = unpack(a);
  if (const Screened s = screen(n, a, control); s.done) return s.result;
  u16 status = 0;
  if (!denormals_allowed(n.denormal, control, status)) return {a, status};
  if (n.kind != Kind::finite || n.exponent >= 63) return {a, status};
  bool inexact, up;
  const u64 whole = round_to_integer(n, rounding_of(control), inexact, up);
  const Exact x = soft_float::normalized({n.negative, 127, whole});
  return {pack(round(x, soft_float::kExtended, Rounding::nearest)),
          static_cast<u16>(status | (inexact ? PE : 0) | (up ? C1 : 0))};
}

u16 compare_numbers(const Number& a, const Number& b, bool unordered, u16 control) {
  constexpr u16 kUnordered = C0 | C2 | C3;
  const auto raises = [&](const Number& n) {
    return n.kind == Kind::unsupported || n.kind == Kind::signalling_nan || (n.is_nan() && !unordered);
  };
  if (raises(a) || raises(b)) return kUnordered | IE;
  if (a.is_nan() || b.is_nan()) return kUnordered;
  u16 status = 0;
  denormals_allowed(a.denormal || b.denormal, control, status);
  const int order = soft_float::compare(a, b);
  return static_cast<u16>(status | (order < 0 ? C0 : order == 0 ? C3 : 0));
}

}  // namespace

X87Result binary(Binary op, Float80 a, Float80 b, u16 control) { return compute(op, unpack(a), unpack(b), a, control); }

X87Result binary_memory(Binary op, Float80 a, Format format, const void* b, u16 control) {
  return compute(op, unpack(a), unpack(format, b), a, control);
}

u16 compare(Float80 a, Float80 b, bool unordered, u16 control) {
  return compare_numbers(unpack(a), unpack(b), unordered, control);
}

u16 compare_memory(Float80 a, Format format, const void* b, u16 control) {
  return compare_numbers(unpack(a), unpack(format, b), false, control);
}

X87Result unary(Unary op, Float80 a, u16 control) {
  switch (op) {
    case Unary::sqrt: return root(a, control);
    case Unary::round: return round_to_integral(a, control);
    case Unary::sin: return sine(a, control);
    case Unary::cos: return cosine(a, control);
    case Unary::f2xm1: return power_minus_one(a, control);
    case Unary::abs: return {{a.significand, static_cast<u16>(a.sign_exponent & 0x7FFF)}, 0};
    case Unary::chs: break;
  }
  return {{a.significand, static_cast<u16>(a.sign_exponent ^ 0x8000)}, 0};
}

X87Result two(Two op, Float80 a, Float80 b, u16 control) {
  switch (op) {
    case Two::scale: return scale(a, b, control);
    case Two::prem:
    case Two::prem1: return remainder(op, a, b, control);
    case Two::atan2: return arctangent(a, b, control);
    case Two::yl2x: return logarithm(a, b, control);
    case Two::yl2xp1: break;
  }
  return logarithm_plus_one(a, b, control);
}

u16 examine(Float80 a) {
  const Number n = unpack(a);
  const u16 sign = n.negative ? C1 : 0;
  switch (n.kind) {
    case Kind::unsupported: return sign;
    case Kind::quiet_nan:
    case Kind::signalling_nan: return sign | C0;
    case Kind::infinity: return sign | C2 | C0;
    case Kind::zero: return sign | C3;
    case Kind::finite: break;
  }
  return static_cast<u16>(sign | C2 | (n.denormal ? C3 : 0));
}

}  // namespace penumbra::x87::portable
