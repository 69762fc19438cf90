// Between x87 registers and numbers, and the answers that all portable x87 operations share (SDM 1 4.8.3.5 and 8.5).
#pragma once

#include "core/cpu/soft_fpu/soft_float.h"

namespace penumbra::x87::portable {

using soft_float::Exact;
using soft_float::Kind;
using soft_float::Number;
using soft_float::Rounded;
using soft_float::Rounding;
using soft_float::Target;

inline constexpr int kBias = 0x3FFF;
inline constexpr u64 kIntegerBit = u64{1} << 63, kQuietBit = u64{1} << 62;
inline constexpr Float80 kIndefinite{kIntegerBit | kQuietBit, 0xFFFF};

Number unpack(Float80 value);
// A memory operand of x87::load's formats f32, f64, i16 and i32. A single or double that is denormal says so.
Number unpack(Format format, const void* from);
Float80 pack(const Rounded& value);
// Of a number that any register can hold as it is; NaNs become quiet.
Float80 pack(const Number& value);

Float80 zero(bool negative);
Float80 infinity(bool negative);
Number one();

inline Rounding rounding_of(u16 control) { return static_cast<Rounding>(control >> 10 & 3); }
// Under the precision control, which only FADD, FSUB, FMUL, FDIV and FSQRT obey (SDM 1 8.1.5.2).
Target target_of(u16 control);

// The quiet NaN that an operation with at least one NaN delivers.
Float80 propagated_nan(const Number& a, const Number& b);

// Looks at the operands before an operation. If it needs no arithmetic because of a NaN or an unmasked exception,
// `done` says so, and `value` is what ST(0) becomes; `old` is what it was.
struct Screened {
  bool done = false;
  X87Result result;
};
Screened screen(const Number& a, Float80 old, u16 control);
Screened screen(const Number& a, const Number& b, Float80 old, u16 control);

// The answer to an invalid operation: the indefinite value, or nothing changed where IE is not masked.
X87Result invalid(Float80 old, u16 control);
// A division by zero or its like, with an infinite result.
X87Result infinite_by_zero(bool negative, Float80 old, u16 control);
// False if an unmasked denormal operand ends the operation. Notes DE in `status`.
bool denormals_allowed(bool denormal, u16 control, u16& status);

X87Result rounded(const Exact& x, const Target& target, u16 control, u16 status);

}  // namespace penumbra::x87::portable
