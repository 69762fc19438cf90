// Arithmetic on `Exact` with 128-bit significands, for series that must be right beyond an x87 register's 64 bits.
// Every operation errs by less than 2^-120 of its result.
#pragma once

#include "core/cpu/soft_fpu/soft_float.h"

namespace penumbra::soft_float::wide {

inline constexpr Exact kOne{false, 0, u128{1} << 127};
inline constexpr Exact kPi{false, 1, u128{0xC90F'DAA2'2168'C234} << 64 | 0xC4C6'628B'80DC'1CD1};
inline constexpr Exact kLn2{false, -1, u128{0xB172'17F7'D1CF'79AB} << 64 | 0xC9E3'B398'03F2'F6AF};
inline constexpr Exact kLog2OfE{false, 0, u128{0xB8AA'3B29'5C17'F0BB} << 64 | 0xBE87'FED0'691D'3E88};

Exact integer(i64 n);
Exact negated(Exact a);
// Powers of two, exactly.
Exact scaled(Exact a, int exponent);
Exact sum(const Exact& a, const Exact& b);
Exact product(const Exact& a, const Exact& b);
Exact quotient(const Exact& a, const Exact& b);
Exact divided(const Exact& a, u32 divisor);

// The series u * (1/1 + s u^2/3 + s^2 u^4/5 ...), s being 1 or -1: the inverse hyperbolic tangent or the arctangent.
enum class Series : u8 { atanh, atan };
// |u| must be below 1/2.
Exact odd_series(const Exact& u, Series series);

}  // namespace penumbra::soft_float::wide
