// The portable SSE's conversions between integers, singles and doubles (SDM 2, CVT*; SDM 1 table E-15 for the flags).
#include "core/cpu/soft_fpu/sse_lane.h"

namespace penumbra::sse::portable {

using namespace mxcsr_bits;

namespace {

template <class To, class From>
To converted(From bits, u32 mxcsr, u32& flags) {
  const Number x = number(bits, mxcsr);
  if (x.kind == Kind::signalling_nan) flags |= IE;
  if (x.denormal) flags |= DE;
  switch (x.kind) {
    case Kind::zero: return zero<To>(x.negative);
    case Kind::infinity: return infinity<To>(x.negative);
    case Kind::finite: return delivered<To>(exactly(x), mxcsr, flags);
    default: break;
  }
  // The fraction's upper bits are kept, the quiet bit is set.
  const u64 fraction = (x.significand | x87::portable::kQuietBit) << 1;
  return infinity<To>(x.negative) | static_cast<To>(fraction >> (65 - kTarget<To>.precision));
}

// Anything that does not fit is the integer indefinite value. A denormal is no exception of its own here.
template <class T>
u32 to_integer(T bits, Rounding rounding, u32 mxcsr, u32& flags) {
  constexpr u32 kIndefinite = 0x8000'0000;
  const Number x = number(bits, mxcsr);
  if (x.kind == Kind::zero) return 0;
  bool inexact = false, up = false;
  const bool fits = x.kind == Kind::finite && x.exponent < 32;
  const u64 whole = fits ? round_to_integer(x, rounding, inexact, up) : 0;
  if (!fits || whole > 0x7FFF'FFFFu + x.negative) {
    flags |= IE;
    return kIndefinite;
  }
  if (inexact) flags |= PE;
  return static_cast<u32>(x.negative ? u64{0} - whole : whole);
}

template <class T>
T from_integer(u32 value, u32 mxcsr, u32& flags) {
  const bool negative = value >> 31;
  const u32 magnitude = negative ? 0u - value : value;
  return delivered<T>(soft_float::normalized({negative, 127, magnitude}), mxcsr, flags);
}

// Results that fill only the lower half of the register leave zeros in the upper.
template <class To, class From>
u32 packed(Xmm& a, const Xmm& b, unsigned count, u32 mxcsr) {
  Xmm result{};
  u32 flags = 0;
  for (unsigned n = 0; n < count; ++n)
    lanes<To>(result)[n] = converted<To>(static_cast<From>(lanes<From>(b)[n]), mxcsr, flags);
  a = result;
  return flags;
}
template <class From>
u32 packed_to_integers(Xmm& a, const Xmm& b, unsigned count, Rounding rounding, u32 mxcsr) {
  Xmm result{};
  u32 flags = 0;
  for (unsigned n = 0; n < count; ++n)
    result.dword[n] = to_integer(static_cast<From>(lanes<From>(b)[n]), rounding, mxcsr, flags);
  a = result;
  return flags;
}
template <class To>
u32 packed_from_integers(Xmm& a, const Xmm& b, unsigned count, u32 mxcsr) {
  Xmm result{};
  u32 flags = 0;
  for (unsigned n = 0; n < count; ++n) lanes<To>(result)[n] = from_integer<To>(b.dword[n], mxcsr, flags);
  a = result;
  return flags;
}
template <class To, class From>
u32 scalar(Xmm& a, const Xmm& b, u32 mxcsr) {
  u32 flags = 0;
  lanes<To>(a)[0] = converted<To>(static_cast<From>(lanes<From>(b)[0]), mxcsr, flags);
  return flags;
}
template <class To>
u32 scalar_from_integer(Xmm& a, const Xmm& b, u32 mxcsr) {
  u32 flags = 0;
  lanes<To>(a)[0] = from_integer<To>(b.dword[0], mxcsr, flags);
  return flags;
}
template <class From>
u32 scalar_to_integer(Xmm& a, const Xmm& b, Rounding rounding, u32 mxcsr) {
  u32 flags = 0;
  a.dword[0] = to_integer(static_cast<From>(lanes<From>(b)[0]), rounding, mxcsr, flags);
  return flags;
}

}  // namespace

u32 cvtss2sd(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar<u64, u32>(a, b, mxcsr); }
u32 cvtsd2ss(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar<u32, u64>(a, b, mxcsr); }
u32 cvtps2pd(Xmm& a, const Xmm& b, u32 mxcsr) { return packed<u64, u32>(a, b, 2, mxcsr); }
u32 cvtpd2ps(Xmm& a, const Xmm& b, u32 mxcsr) { return packed<u32, u64>(a, b, 2, mxcsr); }
u32 cvtdq2ps(Xmm& a, const Xmm& b, u32 mxcsr) { return packed_from_integers<u32>(a, b, 4, mxcsr); }
u32 cvtdq2pd(Xmm& a, const Xmm& b, u32 mxcsr) { return packed_from_integers<u64>(a, b, 2, mxcsr); }
u32 cvtps2dq(Xmm& a, const Xmm& b, u32 mxcsr) { return packed_to_integers<u32>(a, b, 4, rounding_of(mxcsr), mxcsr); }
u32 cvttps2dq(Xmm& a, const Xmm& b, u32 mxcsr) { return packed_to_integers<u32>(a, b, 4, Rounding::zero, mxcsr); }
u32 cvtpd2dq(Xmm& a, const Xmm& b, u32 mxcsr) { return packed_to_integers<u64>(a, b, 2, rounding_of(mxcsr), mxcsr); }
u32 cvttpd2dq(Xmm& a, const Xmm& b, u32 mxcsr) { return packed_to_integers<u64>(a, b, 2, Rounding::zero, mxcsr); }
u32 cvtsi2ss(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar_from_integer<u32>(a, b, mxcsr); }
u32 cvtsi2sd(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar_from_integer<u64>(a, b, mxcsr); }
u32 cvtss2si(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar_to_integer<u32>(a, b, rounding_of(mxcsr), mxcsr); }
u32 cvttss2si(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar_to_integer<u32>(a, b, Rounding::zero, mxcsr); }
u32 cvtsd2si(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar_to_integer<u64>(a, b, rounding_of(mxcsr), mxcsr); }
u32 cvttsd2si(Xmm& a, const Xmm& b, u32 mxcsr) { return scalar_to_integer<u64>(a, b, Rounding::zero, mxcsr); }

}  // namespace penumbra::sse::portable
