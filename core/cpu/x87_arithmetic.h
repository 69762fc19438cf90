// x87 arithmetic on values, done by the host's x87 under the guest's control word: results, NaN rules, exception flags
// and condition codes are silicon's own. Each function answers the status word that the operation left.
#pragma once

#include "core/cpu/cpu_state.h"

namespace penumbra {

// x87 status and control bits (SDM 1 8.1.3, 8.1.5).
namespace x87_bits {
inline constexpr u16 IE = 1, DE = 2, ZE = 4, OE = 8, UE = 16, PE = 32, SF = 64, SUMMARY = 128, C0 = 1 << 8, C1 = 1 << 9,
                     C2 = 1 << 10, C3 = 1 << 14, B = 1 << 15;
inline constexpr u16 kConditions = C0 | C1 | C2 | C3;
inline constexpr u16 kExceptions = IE | DE | ZE | OE | UE | PE;
}  // namespace x87_bits

struct X87Result {
  Float80 value;
  u16 status = 0;
};
struct X87Pair {
  Float80 first;   // ST(0) after the operation
  Float80 second;  // ST(1)
  u16 status = 0;
};

namespace x87 {

enum class Binary : u8 { add, mul, sub, subr, div, divr };
enum class Unary : u8 { sqrt, round, sin, cos, f2xm1, abs, chs };
enum class Two : u8 { scale, prem, prem1, atan2, yl2x, yl2xp1 };  // of ST(0) and ST(1)
enum class Format : u8 { f32, f64, f80, i16, i32, i64, bcd };

X87Result binary(Binary op, Float80 a, Float80 b, u16 control);
// With a memory operand in one of the formats f32, f64, i16 and i32.
X87Result binary_memory(Binary op, Float80 a, Format format, const void* b, u16 control);
X87Result unary(Unary op, Float80 a, u16 control);
// ST(0) = a, ST(1) = b. FSCALE, FPREM and FPREM1 answer ST(0); the others what is left after the pop.
X87Result two(Two op, Float80 a, Float80 b, u16 control);
// FSINCOS, FPTAN and FXTRACT: two values, unless C2 says that the operand was out of range.
X87Pair sincos(Float80 a, u16 control);
X87Pair tan(Float80 a, u16 control);
X87Pair extract(Float80 a, u16 control);

// Condition codes of a comparison; ordered ones raise IE for quiet NaNs too.
u16 compare(Float80 a, Float80 b, bool unordered, u16 control);
u16 compare_memory(Float80 a, Format format, const void* b, u16 control);
u16 examine(Float80 a);  // FXAM, for a register that is not empty

// IE for a signalling NaN, with the value made quiet; DE for a denormal.
X87Result load(Format format, const void* from);
Float80 load_bcd(const void* from);
// Writes the converted bytes to `to` (up to 10). Nothing is written where an unmasked exception forbids it.
u16 store(Format format, Float80 a, void* to, u16 control);
// FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ in this order, under the rounding control.
Float80 constant(unsigned number, u16 control);

}  // namespace x87

}  // namespace penumbra
