// x87 arithmetic on values under the guest's control word, by one of two implementations: the host's x87, whose
// results, NaN rules, exception flags and condition codes are silicon's own, or integer arithmetic for hosts without
// one. Each function answers the status word that the operation left; of it, exception flags and condition codes count.
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

// The host's own x87, where there is one.
namespace host {
#include "core/cpu/x87_functions.inc"
}
// Integer arithmetic on any host (soft_fpu/).
namespace portable {
#include "core/cpu/x87_functions.inc"
}
#if defined(PENUMBRA_PORTABLE_FPU)
using namespace portable;
#else
using namespace host;
#endif

// IE for a signalling NaN, with the value made quiet; DE for a denormal.
X87Result load(Format format, const void* from);
Float80 load_bcd(const void* from);

}  // namespace x87

}  // namespace penumbra
