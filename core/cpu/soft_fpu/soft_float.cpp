// The arithmetic: each operation keeps at least 66 bits and a sticky bit, so that one rounding gives the right result.
#include "core/cpu/soft_fpu/soft_float.h"

#include <bit>

namespace penumbra::soft_float {

using namespace x87_bits;

namespace {

u128 shifted_right_with_sticky(u128 value, int count) {
  if (count <= 0) return value;
  if (count > 127) return value != 0;
  return value >> count | ((value & ((u128{1} << count) - 1)) != 0);
}

// Whether discarding `lost`, in units where half a place is `half`, makes the magnitude grow.
bool goes_up(bool negative, bool odd, u128 lost, u128 half, Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest: return lost > half || (lost == half && odd);
    case Rounding::down: return negative && lost != 0;
    case Rounding::up: return !negative && lost != 0;
    case Rounding::zero: break;
  }
  return false;
}

struct Cut {
  u64 significand;
  bool carry;  // the significand became a power of two beyond 64 bits
  bool inexact;
  bool up;
};

Cut cut_to(u128 significand, unsigned precision, bool negative, Rounding rounding) {
  const unsigned below = 128 - precision;
  const u128 unit = u128{1} << below;
  const u128 lost = significand & (unit - 1);
  u128 kept = significand - lost;
  const bool up = goes_up(negative, (kept & unit) != 0, lost, unit >> 1, rounding);
  if (up) kept += unit;
  const bool carry = up && kept < significand;
  return {carry ? u64{1} << 63 : static_cast<u64>(kept >> 64), carry, lost != 0, up};
}

Rounded overflowed(Rounded r, const Target& target, Rounding rounding) {
  r.flags = OE | PE;
  r.up = goes_up(r.negative, true, 3, 2, rounding);
  if (r.up) {
    r.kind = Kind::infinity;
    return r;
  }
  r.kind = Kind::finite;
  r.exponent = target.greatest;
  r.significand = ~u64{0} << (64 - target.precision);
  return r;
}

}  // namespace

Exact normalized(Exact x) {
  if (x.significand == 0) return x;
  const u64 high = static_cast<u64>(x.significand >> 64);
  const int shift = high ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<u64>(x.significand));
  x.significand <<= shift;
  x.exponent -= shift;
  return x;
}

Exact exactly(const Number& a) {
  if (a.kind == Kind::zero) return {a.negative, 0, 0};
  return {a.negative, a.exponent, u128{a.significand} << 64};
}

Exact add(const Number& a, const Number& b) {
  if (a.exponent < b.exponent) return add(b, a);
  const u128 x = u128{a.significand} << 63;
  const u128 y = shifted_right_with_sticky(u128{b.significand} << 63, a.exponent - b.exponent);
  if (a.negative == b.negative) return normalized({a.negative, a.exponent + 1, x + y});
  return normalized({x >= y ? a.negative : b.negative, a.exponent + 1, x >= y ? x - y : y - x});
}

Exact multiply(const Number& a, const Number& b) {
  return normalized({a.negative != b.negative, a.exponent + b.exponent + 1, u128{a.significand} * u128{b.significand}});
}

Exact divide(const Number& a, const Number& b) {
  const u128 dividend = u128{a.significand} << 64;
  const u128 first = dividend / b.significand;
  const u128 rest = (dividend % b.significand) << 32;
  const u128 second = rest / b.significand;
  const bool sticky = rest % b.significand != 0;
  // The quotient of the significands * 2^96.
  const u128 quotient = first << 32 | second;
  return normalized({a.negative != b.negative, a.exponent - b.exponent + 30, quotient << 1 | sticky});
}

// Digit by digit: the root of a number in [1, 4), to 2^-67.
Exact square_root(const Number& a) {
  const bool odd = a.exponent & 1;
  // Two integer bits, the rest below; each step brings down two more bits of the radicand.
  u128 radicand = u128{a.significand} << (odd ? 64 : 63);
  u128 root = 0, rest = 0;
  constexpr int kBits = 68;
  for (int n = 0; n < kBits; ++n) {
    rest = rest << 2 | radicand >> 126;
    radicand <<= 2;
    const u128 trial = root << 2 | 1;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1;
    }
  }
  const int exponent = (a.exponent - odd) / 2;
  return normalized({false, exponent, root << (128 - kBits) | (rest != 0)});
}

Rounded round(const Exact& x, const Target& target, Rounding rounding, const Response& response) {
  Rounded r;
  r.negative = x.negative;
  if (x.significand == 0) return r;
  r.kind = Kind::finite;
  Cut cut = cut_to(x.significand, target.precision, x.negative, rounding);
  int exponent = x.exponent + cut.carry;
  u16 flags = cut.inexact ? PE : 0;
  if (exponent > target.greatest) {
    if (response.masks & OE) return overflowed(r, target, rounding);
    flags |= OE;
    exponent -= response.adjustment;
    // FSCALE only: out of range even so, an infinity whatever the rounding (SDM 1 8.5.4).
    if (exponent > target.greatest) {
      r.kind = Kind::infinity;
      r.up = true;
      r.flags = flags | PE;
      return r;
    }
  } else if (exponent < target.least) {
    r.tiny = true;
    if (response.masks & UE) {
      const u128 denormal = shifted_right_with_sticky(x.significand, target.least - x.exponent);
      cut = cut_to(denormal, target.precision, x.negative, rounding);
      exponent = target.least;
      flags = cut.inexact ? PE | UE : 0;
      if (cut.significand == 0) r.kind = Kind::zero;
    } else {
      flags |= UE;
      exponent += response.adjustment;
      if (exponent < target.least) {
        cut = {0, false, true, false};
        exponent = 0;
        flags |= PE;
        r.kind = Kind::zero;
      }
    }
  }
  r.exponent = exponent;
  r.significand = cut.significand;
  r.up = cut.up;
  r.flags = flags;
  return r;
}

u64 encode(const Rounded& value, const Target& target) {
  const unsigned fraction_bits = target.precision - 1;
  const u64 sign = u64{value.negative} << (target.precision == kSingle.precision ? 31 : 63);
  // The exponent's field; it stays zero for zeros and denormals.
  u64 biased = 0;
  if (value.kind == Kind::infinity)
    biased = static_cast<u64>(2 * target.greatest + 1);
  else if (value.significand >> 63)
    biased = static_cast<u64>(value.exponent + target.greatest);
  const u64 fraction = value.kind == Kind::finite ? value.significand << 1 >> (64 - fraction_bits) : 0;
  return sign | biased << fraction_bits | fraction;
}

u64 round_to_integer(const Number& a, Rounding rounding, bool& inexact, bool& up) {
  inexact = up = false;
  if (a.kind == Kind::zero) return 0;
  // The integer's bits in the upper half, the fraction's in the lower.
  const u128 fixed = shifted_right_with_sticky(u128{a.significand} << 64, 63 - a.exponent);
  const u64 whole = static_cast<u64>(fixed >> 64), fraction = static_cast<u64>(fixed);
  inexact = fraction != 0;
  up = goes_up(a.negative, whole & 1, fraction, u64{1} << 63, rounding);
  return whole + up;
}

int compare(const Number& a, const Number& b) {
  const auto sign = [](const Number& n) { return n.kind == Kind::zero ? 0 : n.negative ? -1 : 1; };
  if (sign(a) != sign(b)) return sign(a) < sign(b) ? -1 : 1;
  if (sign(a) == 0) return 0;
  const auto magnitude = [](const Number& n) {
    return (u128{n.kind == Kind::infinity ? 0xFFFFu : static_cast<u32>(n.exponent + 0x7FFF)} << 64) |
           (n.kind == Kind::infinity ? 0 : n.significand);
  };
  const u128 x = magnitude(a), y = magnitude(b);
  return x == y ? 0 : (x > y) == (sign(a) > 0) ? 1 : -1;
}

}  // namespace penumbra::soft_float
