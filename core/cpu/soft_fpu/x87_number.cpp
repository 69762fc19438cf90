// Unpacking, packing, NaN rules and default responses.
#include "core/cpu/soft_fpu/x87_number.h"

#include <bit>

namespace penumbra::x87::portable {

using namespace x87_bits;

Number unpack(Float80 value) {
  Number n;
  n.negative = value.sign_exponent & 0x8000;
  n.significand = value.significand;
  const int exponent = value.sign_exponent & 0x7FFF;
  n.exponent = exponent - kBias;
  if (exponent == 0) {
    if (n.significand == 0) return n;
    // With its integer bit set it is a pseudo-denormal, whose exponent is the same (SDM 1 8.2.2).
    const int shift = std::countl_zero(n.significand);
    n.kind = Kind::finite;
    n.denormal = true;
    n.significand <<= shift;
    n.exponent = 1 - kBias - shift;
  } else if (!(n.significand & kIntegerBit)) {
    n.kind = Kind::unsupported;
  } else if (exponent != 0x7FFF) {
    n.kind = Kind::finite;
  } else if (n.significand << 1 == 0) {
    n.kind = Kind::infinity;
  } else {
    n.kind = n.significand & kQuietBit ? Kind::quiet_nan : Kind::signalling_nan;
  }
  return n;
}

Number unpack(Format format, const void* from) {
  const X87Result loaded = load(format, from);
  Number n = unpack(loaded.value);
  n.denormal = loaded.status & DE;
  if (loaded.status & IE) {
    n.kind = Kind::signalling_nan;
    n.significand &= ~kQuietBit;
  }
  return n;
}

Float80 zero(bool negative) { return {0, static_cast<u16>(negative ? 0x8000 : 0)}; }
Float80 infinity(bool negative) { return {kIntegerBit, static_cast<u16>(negative ? 0xFFFF : 0x7FFF)}; }
Number one() { return {Kind::finite, false, false, 0, kIntegerBit}; }

Float80 pack(const Rounded& value) {
  if (value.kind == Kind::zero) return zero(value.negative);
  if (value.kind == Kind::infinity) return infinity(value.negative);
  const int exponent = value.significand & kIntegerBit ? value.exponent + kBias : 0;
  return {value.significand, static_cast<u16>((value.negative ? 0x8000 : 0) | exponent)};
}

Float80 pack(const Number& value) {
  switch (value.kind) {
    case Kind::zero: return zero(value.negative);
    case Kind::infinity: return infinity(value.negative);
    case Kind::finite: return pack(round(exactly(value), soft_float::kExtended, Rounding::nearest));
    case Kind::unsupported: return kIndefinite;
    default: return {value.significand | kQuietBit, static_cast<u16>(value.negative ? 0xFFFF : 0x7FFF)};
  }
}

Target target_of(u16 control) {
  constexpr unsigned kPrecision[] = {24, 64, 53, 64};
  Target target = soft_float::kExtended;
  target.precision = kPrecision[control >> 8 & 3];
  return target;
}

Float80 propagated_nan(const Number& a, const Number& b) {
  if (!b.is_nan()) return pack(a);
  if (!a.is_nan()) return pack(b);
  // A signalling one gives way to a quiet one; else the larger significand, and of equals the positive one.
  if (a.kind != b.kind) return pack(a.kind == Kind::quiet_nan ? a : b);
  if (a.significand != b.significand) return pack(a.significand > b.significand ? a : b);
  return pack(a.negative ? b : a);
}

X87Result invalid(Float80 old, u16 control) { return {control & IE ? kIndefinite : old, IE}; }

X87Result infinite_by_zero(bool negative, Float80 old, u16 control) {
  return {control & ZE ? infinity(negative) : old, ZE};
}

bool denormals_allowed(bool denormal, u16 control, u16& status) {
  if (!denormal) return true;
  status |= DE;
  return control & DE;
}

Screened screen(const Number& a, const Number& b, Float80 old, u16 control) {
  if (a.kind == Kind::unsupported || b.kind == Kind::unsupported) return {true, invalid(old, control)};
  if (!a.is_nan() && !b.is_nan()) return {};
  const bool signalling = a.kind == Kind::signalling_nan || b.kind == Kind::signalling_nan;
  if (signalling && !(control & IE)) return {true, {old, IE}};
  return {true, {propagated_nan(a, b), signalling ? IE : u16{0}}};
}

Screened screen(const Number& a, Float80 old, u16 control) { return screen(a, Number{}, old, control); }

X87Result rounded(const Exact& x, const Target& target, u16 control, u16 status) {
  const Rounded r = round(x, target, rounding_of(control), {control, 0x6000});
  return {pack(r), static_cast<u16>(status | r.flags | (r.up ? C1 : 0))};
}

}  // namespace penumbra::x87::portable
