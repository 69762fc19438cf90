// SSE and SSE2 floating-point operations on values under the guest's rounding, flush-to-zero and denormals-are-zeros
// controls, by one of two implementations: the host's SSE, whose results and NaN rules are silicon's own, or integer
// arithmetic for hosts without one.
#pragma once

#include "core/cpu/cpu_state.h"

namespace penumbra {

// SDM 1 10.2.3.
namespace mxcsr_bits {
inline constexpr u32 IE = 1, DE = 2, ZE = 4, OE = 8, UE = 16, PE = 32, DAZ = 64, RC = 3u << 13, FTZ = 1u << 15;
inline constexpr u32 kExceptions = 0x3F;
inline constexpr unsigned kMaskShift = 7;  // the mask bits stand this far above their flags
}  // namespace mxcsr_bits

namespace sse {

// The instruction of that name on registers: `a` is the destination, and its other operand `b` may come from memory.
// Answers the exception flags raised with all exceptions masked; sticky flags in `mxcsr` do not matter. Flush-to-zero
// is off where `mxcsr` unmasks underflow (SDM 1 10.2.3.3).
// General registers and MMX registers stand in the low lanes of the Xmm.
using Function = u32 (*)(Xmm& a, const Xmm& b, u32 mxcsr);

#define PENUMBRA_SSE_DECLARE(name) u32 name(Xmm& a, const Xmm& b, u32 mxcsr);
#define PENUMBRA_SSE_FOUR(X, name) X(name##ps) X(name##pd) X(name##ss) X(name##sd)
#define PENUMBRA_SSE_FUNCTIONS(X)                                                                                \
  PENUMBRA_SSE_FOUR(X, add)                                                                                      \
  PENUMBRA_SSE_FOUR(X, sub)                                                                                      \
  PENUMBRA_SSE_FOUR(X, mul)                                                                                      \
  PENUMBRA_SSE_FOUR(X, div)                                                                                      \
  PENUMBRA_SSE_FOUR(X, min)                                                                                      \
  PENUMBRA_SSE_FOUR(X, max)                                                                                      \
  PENUMBRA_SSE_FOUR(X, sqrt)                                                                                     \
  X(rcpps)                                                                                                       \
  X(rcpss)                                                                                                       \
  X(rsqrtps)                                                                                                     \
  X(rsqrtss)                                                                                                     \
  X(cvtss2sd) X(cvtsd2ss) X(cvtps2pd) X(cvtpd2ps) X(cvtdq2ps) X(cvtdq2pd) X(cvtps2dq) X(cvttps2dq) X(cvtpd2dq)   \
      X(cvttpd2dq) X(cvtsi2ss) X(cvtsi2sd) X(cvtss2si) X(cvttss2si) X(cvtsd2si) X(cvttsd2si) X(comiss) X(comisd) \
          X(ucomiss) X(ucomisd)

// CMPPS and its kin go by the predicate in the immediate's low three bits.
#define PENUMBRA_SSE_COMPARE(name) u32 name(Xmm& a, const Xmm& b, u32 mxcsr, u32 predicate);
#define PENUMBRA_SSE_ALL PENUMBRA_SSE_FUNCTIONS(PENUMBRA_SSE_DECLARE) PENUMBRA_SSE_FOUR(PENUMBRA_SSE_COMPARE, cmp)

// The comparisons put EFLAGS' ZF, PF and CF in a.dword[0], the conversions to a general register its value.
// `host`: the host's own SSE, where there is one. `portable`: integer arithmetic on any host (soft_fpu/).
namespace host {
PENUMBRA_SSE_ALL
}
namespace portable {
PENUMBRA_SSE_ALL
}
#if defined(PENUMBRA_PORTABLE_FPU)
using namespace portable;
#else
using namespace host;
#endif

}  // namespace sse

}  // namespace penumbra
