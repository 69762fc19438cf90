// SSE arithmetic by the host's own SSE, between loading the guest's MXCSR with everything masked and restoring ours.
#include "core/cpu/sse_arithmetic.h"

#if !defined(__x86_64__)
#error "this file is for x86-64 only; other hosts build with PENUMBRA_PORTABLE_FPU"
#endif

namespace penumbra::sse::host {

namespace {

using Vector = long long __attribute__((vector_size(16)));

constexpr u32 kHostMxcsr = 0x1F80;

Vector& vector(Xmm& value) { return reinterpret_cast<Vector&>(value); }
const Vector& vector(const Xmm& value) { return reinterpret_cast<const Vector&>(value); }

u32 masked(u32 mxcsr) {
  using namespace mxcsr_bits;
  u32 host = (mxcsr & (RC | FTZ | DAZ)) | kHostMxcsr;
  if (!(mxcsr & UE << kMaskShift)) host &= ~FTZ;
  return host;
}

}  // namespace

#define PENUMBRA_UNDER_GUEST(text) "ldmxcsr %[control]\n\t" text "\n\tstmxcsr %[status]\n\tldmxcsr %[host]"

// Operand 0 is the destination in an XMM register, operand 1 the source.
#define PENUMBRA_SSE(name)                                                              \
  u32 name(Xmm& a, const Xmm& b, u32 mxcsr) {                                           \
    const u32 control = masked(mxcsr);                                                  \
    u32 status;                                                                         \
    asm volatile(PENUMBRA_UNDER_GUEST(#name " %[b], %[a]")                              \
                 : [a] "+x"(vector(a)), [status] "=m"(status)                           \
                 : [b] "x"(vector(b)), [control] "m"(control), [host] "m"(kHostMxcsr)); \
    return status & mxcsr_bits::kExceptions;                                            \
  }

PENUMBRA_SSE_FOUR(PENUMBRA_SSE, add)
PENUMBRA_SSE_FOUR(PENUMBRA_SSE, sub)
PENUMBRA_SSE_FOUR(PENUMBRA_SSE, mul)
PENUMBRA_SSE_FOUR(PENUMBRA_SSE, div)
PENUMBRA_SSE_FOUR(PENUMBRA_SSE, min)
PENUMBRA_SSE_FOUR(PENUMBRA_SSE, max)
PENUMBRA_SSE_FOUR(PENUMBRA_SSE, sqrt)
PENUMBRA_SSE(rcpps)
PENUMBRA_SSE(rcpss)
PENUMBRA_SSE(rsqrtps)
PENUMBRA_SSE(rsqrtss)
PENUMBRA_SSE(cvtss2sd)
PENUMBRA_SSE(cvtsd2ss)
PENUMBRA_SSE(cvtps2pd)
PENUMBRA_SSE(cvtpd2ps)
PENUMBRA_SSE(cvtdq2ps)
PENUMBRA_SSE(cvtdq2pd)
PENUMBRA_SSE(cvtps2dq)
PENUMBRA_SSE(cvttps2dq)
PENUMBRA_SSE(cvtpd2dq)
PENUMBRA_SSE(cvttpd2dq)

#define PENUMBRA_FROM_GENERAL(name)                                                      \
  u32 name(Xmm& a, const Xmm& b, u32 mxcsr) {                                            \
    const u32 control = masked(mxcsr);                                                   \
    u32 status;                                                                          \
    asm volatile(PENUMBRA_UNDER_GUEST(#name "l %[b], %[a]")                              \
                 : [a] "+x"(vector(a)), [status] "=m"(status)                            \
                 : [b] "r"(b.dword[0]), [control] "m"(control), [host] "m"(kHostMxcsr)); \
    return status & mxcsr_bits::kExceptions;                                             \
  }

PENUMBRA_FROM_GENERAL(cvtsi2ss)
PENUMBRA_FROM_GENERAL(cvtsi2sd)

#define PENUMBRA_TO_GENERAL(name)                                                       \
  u32 name(Xmm& a, const Xmm& b, u32 mxcsr) {                                           \
    const u32 control = masked(mxcsr);                                                  \
    u32 status;                                                                         \
    asm volatile(PENUMBRA_UNDER_GUEST(#name " %[b], %[a]")                              \
                 : [a] "=&r"(a.dword[0]), [status] "=m"(status)                         \
                 : [b] "x"(vector(b)), [control] "m"(control), [host] "m"(kHostMxcsr)); \
    return status & mxcsr_bits::kExceptions;                                            \
  }

PENUMBRA_TO_GENERAL(cvtss2si)
PENUMBRA_TO_GENERAL(cvttss2si)
PENUMBRA_TO_GENERAL(cvtsd2si)
PENUMBRA_TO_GENERAL(cvttsd2si)

// LDMXCSR and STMXCSR leave EFLAGS alone.
#define PENUMBRA_TO_FLAGS(name)                                                                             \
  u32 name(Xmm& a, const Xmm& b, u32 mxcsr) {                                                               \
    const u32 control = masked(mxcsr);                                                                      \
    u32 status;                                                                                             \
    bool zero, parity, carry;                                                                               \
    asm volatile(PENUMBRA_UNDER_GUEST(#name " %[b], %[a]")                                                  \
                 : "=@ccz"(zero), "=@ccp"(parity), "=@ccc"(carry), [status] "=m"(status)                    \
                 : [a] "x"(vector(a)), [b] "x"(vector(b)), [control] "m"(control), [host] "m"(kHostMxcsr)); \
    a.dword[0] = (zero ? eflags::ZF : 0) | (parity ? eflags::PF : 0) | (carry ? eflags::CF : 0);            \
    return status & mxcsr_bits::kExceptions;                                                                \
  }

PENUMBRA_TO_FLAGS(comiss)
PENUMBRA_TO_FLAGS(comisd)
PENUMBRA_TO_FLAGS(ucomiss)
PENUMBRA_TO_FLAGS(ucomisd)

#define PENUMBRA_PREDICATE(name, predicate)                               \
  asm volatile(PENUMBRA_UNDER_GUEST(#name " $" #predicate ", %[b], %[a]") \
               : [a] "+x"(vector(a)), [status] "=m"(status)               \
               : [b] "x"(vector(b)), [control] "m"(control), [host] "m"(kHostMxcsr))

#define PENUMBRA_COMPARE(name)                               \
  u32 name(Xmm& a, const Xmm& b, u32 mxcsr, u32 predicate) { \
    const u32 control = masked(mxcsr);                       \
    u32 status;                                              \
    switch (predicate & 7) {                                 \
      case 0: PENUMBRA_PREDICATE(name, 0); break;            \
      case 1: PENUMBRA_PREDICATE(name, 1); break;            \
      case 2: PENUMBRA_PREDICATE(name, 2); break;            \
      case 3: PENUMBRA_PREDICATE(name, 3); break;            \
      case 4: PENUMBRA_PREDICATE(name, 4); break;            \
      case 5: PENUMBRA_PREDICATE(name, 5); break;            \
      case 6: PENUMBRA_PREDICATE(name, 6); break;            \
      default: PENUMBRA_PREDICATE(name, 7); break;           \
    }                                                        \
    return status & mxcsr_bits::kExceptions;                 \
  }

PENUMBRA_COMPARE(cmpps)
PENUMBRA_COMPARE(cmppd)
PENUMBRA_COMPARE(cmpss)
PENUMBRA_COMPARE(cmpsd)

}  // namespace penumbra::sse::host
