// Binary floating-point arithmetic on 64-bit significands, exact until one rounding (IEEE 754, SDM 1 chapter 4): what
// the portable x87 and SSE share. No host floating point takes part.
#pragma once

#include "core/cpu/x87_arithmetic.h"

namespace penumbra::soft_float {

using u128 = unsigned __int128;

enum class Kind : u8 { zero, finite, infinity, quiet_nan, signalling_nan, unsupported };

// An operand. Finite: (-1)^negative * significand * 2^(exponent - 63), the significand's top bit set. NaN: the
// significand as an x87 register holds it.
struct Number {
  Kind kind = Kind::zero;
  bool negative = false;
  bool denormal = false;  // in the format it came from
  int exponent = 0;
  u64 significand = 0;

  bool is_nan() const { return kind == Kind::quiet_nan || kind == Kind::signalling_nan; }
};

// A result before rounding: significand * 2^(exponent - 127), the top bit set unless it is zero. Bit 0 stands for
// everything below it that is not zero.
struct Exact {
  bool negative = false;
  int exponent = 0;
  u128 significand = 0;
};

// RC, as in the control word and MXCSR (SDM 1 table 4-8).
enum class Rounding : u8 { nearest, down, up, zero };

// Where a result has to fit: bits of significand, exponents of the smallest and largest normal number.
struct Target {
  unsigned precision;
  int least;
  int greatest;
};
inline constexpr Target kSingle{24, -126, 127}, kDouble{53, -1022, 1023};
inline constexpr Target kExtended{64, -16382, 16383};

// What a response to overflow and underflow depends on: the masks, as OE and UE, and the bias adjustment of an
// unmasked one (SDM 1 8.5.4 and 8.5.5).
struct Response {
  u16 masks = x87_bits::OE | x87_bits::UE;
  int adjustment = 0x6000;
};

struct Rounded {
  Kind kind = Kind::zero;  // zero, finite or infinity
  bool negative = false;
  bool tiny = false;
  bool up = false;  // the magnitude grew
  int exponent = 0;
  u64 significand = 0;  // top bit clear in a denormal, whose exponent is the target's least
  u16 flags = 0;        // OE, UE, PE
};

// The operands must be finite.
Exact add(const Number& a, const Number& b);
Exact multiply(const Number& a, const Number& b);
Exact divide(const Number& a, const Number& b);
Exact square_root(const Number& a);
Exact exactly(const Number& a);
// The same value with the top bit set.
Exact normalized(Exact x);

// An exact zero stays one with its sign.
Rounded round(const Exact& x, const Target& target, Rounding rounding, const Response& response = {});
// As the target's single or double format has it.
u64 encode(const Rounded& value, const Target& target);
// The magnitude rounded to an integer, which must be below 2^64. Sets `inexact` and `up`.
u64 round_to_integer(const Number& a, Rounding rounding, bool& inexact, bool& up);

// -1, 0 or 1; neither may be a NaN.
int compare(const Number& a, const Number& b);

}  // namespace penumbra::soft_float
