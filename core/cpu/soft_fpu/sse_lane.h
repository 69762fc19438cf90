// One lane of an XMM register as a number, and back: what the portable SSE operations share (SDM 1 4.8.3 and 11.5).
#pragma once

#include "core/cpu/soft_fpu/x87_number.h"
#include "core/cpu/sse_arithmetic.h"

namespace penumbra::sse::portable {

using soft_float::Exact;
using soft_float::Kind;
using soft_float::Number;
using soft_float::Rounded;
using soft_float::Rounding;
using soft_float::Target;

template <class T>
inline constexpr bool kIsDouble = sizeof(T) == 8;
template <class T>
inline constexpr Target kTarget = kIsDouble<T> ? soft_float::kDouble : soft_float::kSingle;
template <class T>
inline constexpr T kSign = T{1} << (8 * sizeof(T) - 1);
template <class T>
inline constexpr T kQuiet = T{1} << (kTarget<T>.precision - 2);
template <class T>
inline constexpr T kDefaultNan = static_cast<T>(~T{0} << (kTarget<T>.precision - 2));

// The lanes of a register, by the format's size.
template <class T>
auto& lanes(Xmm& x) {
  if constexpr (kIsDouble<T>)
    return x.qword;
  else
    return x.dword;
}
template <class T>
const auto& lanes(const Xmm& x) {
  return lanes<T>(const_cast<Xmm&>(x));
}

inline Rounding rounding_of(u32 mxcsr) { return static_cast<Rounding>(mxcsr >> 13 & 3); }

// A denormal is zero under DAZ.
template <class T>
Number number(T bits, u32 mxcsr) {
  Number n = x87::portable::unpack(kIsDouble<T> ? x87::Format::f64 : x87::Format::f32, &bits);
  if (n.denormal && (mxcsr & mxcsr_bits::DAZ)) n = {.kind = Kind::zero, .negative = n.negative};
  return n;
}

// Rounded into the format; flags are added to `flags`.
template <class T>
T delivered(const Exact& x, u32 mxcsr, u32& flags) {
  using namespace mxcsr_bits;
  const Rounded r = round(x, kTarget<T>, rounding_of(mxcsr));
  flags |= r.flags;
  // Only where underflow is masked (SDM 1 10.2.3.3).
  if (r.tiny && (mxcsr & FTZ) && (mxcsr & UE << kMaskShift)) {
    flags |= UE | PE;
    return r.negative ? kSign<T> : 0;
  }
  return static_cast<T>(encode(r, kTarget<T>));
}

template <class T>
T zero(bool negative) {
  return negative ? kSign<T> : 0;
}
template <class T>
T infinity(bool negative) {
  return static_cast<T>(encode({.kind = Kind::infinity, .negative = negative}, kTarget<T>));
}

}  // namespace penumbra::sse::portable
