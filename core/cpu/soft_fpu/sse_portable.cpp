// The portable SSE's arithmetic, comparisons and approximations, lane by lane (SDM 1 11.5, SDM 2).
#include "core/cpu/soft_fpu/sse_lane.h"

namespace penumbra::sse::portable {

using namespace mxcsr_bits;

namespace {

// IE of a signalling NaN; true if either is a NaN.
bool any_nan(const Number& x, const Number& y, u32& flags) {
  if (x.kind == Kind::signalling_nan || y.kind == Kind::signalling_nan) flags |= IE;
  return x.is_nan() || y.is_nan();
}

void note_denormals(const Number& x, const Number& y, u32& flags) {
  if (x.denormal || y.denormal) flags |= DE;
}

template <class T>
T invalid(u32& flags) {
  flags |= IE;
  return kDefaultNan<T>;
}

template <class T>
T sum(const Number& x, const Number& y, u32 mxcsr, u32& flags) {
  if (x.kind == Kind::infinity && y.kind == Kind::infinity && x.negative != y.negative) return invalid<T>(flags);
  note_denormals(x, y, flags);
  if (x.kind == Kind::infinity || y.kind == Kind::infinity)
    return infinity<T>(x.kind == Kind::infinity ? x.negative : y.negative);
  const bool zero_negative = x.negative == y.negative ? x.negative : rounding_of(mxcsr) == Rounding::down;
  if (x.kind == Kind::zero && y.kind == Kind::zero) return zero<T>(zero_negative);
  Exact result = x.kind == Kind::zero ? exactly(y) : y.kind == Kind::zero ? exactly(x) : add(x, y);
  if (result.significand == 0) result.negative = zero_negative;
  return delivered<T>(result, mxcsr, flags);
}

template <class T>
T product(const Number& x, const Number& y, u32 mxcsr, u32& flags) {
  const bool infinite = x.kind == Kind::infinity || y.kind == Kind::infinity;
  const bool none = x.kind == Kind::zero || y.kind == Kind::zero;
  if (infinite && none) return invalid<T>(flags);
  note_denormals(x, y, flags);
  if (infinite) return infinity<T>(x.negative != y.negative);
  if (none) return zero<T>(x.negative != y.negative);
  return delivered<T>(multiply(x, y), mxcsr, flags);
}

template <class T>
T quotient(const Number& x, const Number& y, u32 mxcsr, u32& flags) {
  const bool negative = x.negative != y.negative;
  if (x.kind == y.kind && (x.kind == Kind::zero || x.kind == Kind::infinity)) return invalid<T>(flags);
  if (y.kind == Kind::zero && x.kind == Kind::finite) {
    flags |= ZE;
    return infinity<T>(negative);
  }
  note_denormals(x, y, flags);
  if (x.kind == Kind::infinity || y.kind == Kind::zero) return infinity<T>(negative);
  if (x.kind == Kind::zero || y.kind == Kind::infinity) return zero<T>(negative);
  return delivered<T>(divide(x, y), mxcsr, flags);
}

enum class Op : u8 { add, sub, mul, div, min, max, sqrt };

template <class T>
T root(T bits, u32 mxcsr, u32& flags) {
  const Number x = number(bits, mxcsr);
  if (any_nan(x, x, flags)) return bits | kQuiet<T>;
  if (x.kind == Kind::zero) return zero<T>(x.negative);
  if (x.negative) return invalid<T>(flags);
  note_denormals(x, x, flags);
  return x.kind == Kind::infinity ? bits : delivered<T>(square_root(x), mxcsr, flags);
}

// The second operand where they are not ordered, or equal: zeros of either sign. Under DAZ it comes back as zero too.
template <class T>
T chosen(Op op, T a, T b, u32 mxcsr, u32& flags) {
  const Number x = number(a, mxcsr), y = number(b, mxcsr);
  bool first = false;
  if (x.is_nan() || y.is_nan()) {
    flags |= IE;
  } else {
    note_denormals(x, y, flags);
    const int order = soft_float::compare(x, y);
    first = op == Op::min ? order < 0 : order > 0;
  }
  const Number& n = first ? x : y;
  return n.kind == Kind::zero ? zero<T>(n.negative) : first ? a : b;
}

template <class T>
T computed(Op op, T a, T b, u32 mxcsr, u32& flags) {
  if (op == Op::sqrt) return root(b, mxcsr, flags);
  if (op == Op::min || op == Op::max) return chosen(op, a, b, mxcsr, flags);
  const Number x = number(a, mxcsr);
  Number y = number(b, mxcsr);
  // The first NaN, made quiet (SDM 1 table 4-7).
  if (any_nan(x, y, flags)) return (x.is_nan() ? a : b) | kQuiet<T>;
  switch (op) {
    case Op::mul: return product<T>(x, y, mxcsr, flags);
    case Op::div: return quotient<T>(x, y, mxcsr, flags);
    case Op::sub: y.negative = !y.negative; break;
    default: break;
  }
  return sum<T>(x, y, mxcsr, flags);
}

template <class T>
u32 arithmetic(Op op, unsigned count, Xmm& a, const Xmm& b, u32 mxcsr) {
  u32 flags = 0;
  for (unsigned n = 0; n < count; ++n) lanes<T>(a)[n] = computed<T>(op, lanes<T>(a)[n], lanes<T>(b)[n], mxcsr, flags);
  return flags;
}

// The single nearest to `x`, always rounded to nearest, tiny ones flushed: far within RCPPS's and RSQRTPS's bound of
// 1.5 * 2^-12 (SDM 2), without the tables of any particular processor.
u32 approximation(const Exact& x) {
  const Rounded r = round(x, soft_float::kSingle, Rounding::nearest);
  return r.tiny ? zero<u32>(r.negative) : static_cast<u32>(encode(r, soft_float::kSingle));
}

u32 reciprocal(u32 bits) {
  const Number x = number(bits, DAZ);
  if (x.is_nan()) return bits | kQuiet<u32>;
  if (x.kind == Kind::zero) return infinity<u32>(x.negative);
  if (x.kind == Kind::infinity) return zero<u32>(x.negative);
  return approximation(divide(x87::portable::one(), x));
}

u32 reciprocal_root(u32 bits) {
  const Number x = number(bits, DAZ);
  if (x.is_nan()) return bits | kQuiet<u32>;
  if (x.kind == Kind::zero) return infinity<u32>(x.negative);
  if (x.negative) return kDefaultNan<u32>;
  if (x.kind == Kind::infinity) return 0;
  // The root to 64 bits, then its reciprocal.
  const Exact root = square_root(x);
  const Number rounded{Kind::finite, false, false, root.exponent, static_cast<u64>(root.significand >> 64)};
  return approximation(divide(x87::portable::one(), rounded));
}

u32 approximate(u32 (*function)(u32), unsigned count, Xmm& a, const Xmm& b) {
  for (unsigned n = 0; n < count; ++n) a.dword[n] = function(b.dword[n]);
  return 0;
}

enum class Relation : u8 { less, equal, greater, unordered };

// `signals`: a quiet NaN is invalid too.
template <class T>
Relation relation(T a, T b, bool signals, u32 mxcsr, u32& flags) {
  const Number x = number(a, mxcsr), y = number(b, mxcsr);
  if (any_nan(x, y, flags)) {
    if (signals) flags |= IE;
    return Relation::unordered;
  }
  note_denormals(x, y, flags);
  const int order = soft_float::compare(x, y);
  return order < 0 ? Relation::less : order == 0 ? Relation::equal : Relation::greater;
}

// EQ, LT, LE, UNORD and their opposites (SDM 2, CMPPS): LT, LE and theirs signal.
template <class T>
u32 compared(unsigned count, Xmm& a, const Xmm& b, u32 mxcsr, u32 predicate) {
  u32 flags = 0;
  for (unsigned n = 0; n < count; ++n) {
    const unsigned kind = predicate & 3;
    const Relation r = relation<T>(lanes<T>(a)[n], lanes<T>(b)[n], kind == 1 || kind == 2, mxcsr, flags);
    bool holds = false;
    switch (kind) {
      case 0: holds = r == Relation::equal; break;
      case 1: holds = r == Relation::less; break;
      case 2: holds = r == Relation::less || r == Relation::equal; break;
      default: holds = r == Relation::unordered; break;
    }
    if (predicate & 4) holds = !holds;
    lanes<T>(a)[n] = holds ? static_cast<T>(~T{0}) : 0;
  }
  return flags;
}

template <class T>
u32 compared_to_flags(bool signals, Xmm& a, const Xmm& b, u32 mxcsr) {
  u32 flags = 0;
  switch (relation<T>(lanes<T>(a)[0], lanes<T>(b)[0], signals, mxcsr, flags)) {
    case Relation::less: a.dword[0] = eflags::CF; break;
    case Relation::equal: a.dword[0] = eflags::ZF; break;
    case Relation::greater: a.dword[0] = 0; break;
    case Relation::unordered: a.dword[0] = eflags::ZF | eflags::PF | eflags::CF; break;
  }
  return flags;
}

}  // namespace

#define PENUMBRA_SSE_ARITHMETIC(op)                                                               \
  u32 op##ps(Xmm& a, const Xmm& b, u32 mxcsr) { return arithmetic<u32>(Op::op, 4, a, b, mxcsr); } \
  u32 op##pd(Xmm& a, const Xmm& b, u32 mxcsr) { return arithmetic<u64>(Op::op, 2, a, b, mxcsr); } \
  u32 op##ss(Xmm& a, const Xmm& b, u32 mxcsr) { return arithmetic<u32>(Op::op, 1, a, b, mxcsr); } \
  u32 op##sd(Xmm& a, const Xmm& b, u32 mxcsr) { return arithmetic<u64>(Op::op, 1, a, b, mxcsr); }

PENUMBRA_SSE_ARITHMETIC(add)
PENUMBRA_SSE_ARITHMETIC(sub)
PENUMBRA_SSE_ARITHMETIC(mul)
PENUMBRA_SSE_ARITHMETIC(div)
PENUMBRA_SSE_ARITHMETIC(min)
PENUMBRA_SSE_ARITHMETIC(max)
PENUMBRA_SSE_ARITHMETIC(sqrt)

u32 rcpps(Xmm& a, const Xmm& b, u32) { return approximate(reciprocal, 4, a, b); }
u32 rcpss(Xmm& a, const Xmm& b, u32) { return approximate(reciprocal, 1, a, b); }
u32 rsqrtps(Xmm& a, const Xmm& b, u32) { return approximate(reciprocal_root, 4, a, b); }
u32 rsqrtss(Xmm& a, const Xmm& b, u32) { return approximate(reciprocal_root, 1, a, b); }

u32 cmpps(Xmm& a, const Xmm& b, u32 mxcsr, u32 predicate) { return compared<u32>(4, a, b, mxcsr, predicate); }
u32 cmppd(Xmm& a, const Xmm& b, u32 mxcsr, u32 predicate) { return compared<u64>(2, a, b, mxcsr, predicate); }
u32 cmpss(Xmm& a, const Xmm& b, u32 mxcsr, u32 predicate) { return compared<u32>(1, a, b, mxcsr, predicate); }
u32 cmpsd(Xmm& a, const Xmm& b, u32 mxcsr, u32 predicate) { return compared<u64>(1, a, b, mxcsr, predicate); }

u32 comiss(Xmm& a, const Xmm& b, u32 mxcsr) { return compared_to_flags<u32>(true, a, b, mxcsr); }
u32 comisd(Xmm& a, const Xmm& b, u32 mxcsr) { return compared_to_flags<u64>(true, a, b, mxcsr); }
u32 ucomiss(Xmm& a, const Xmm& b, u32 mxcsr) { return compared_to_flags<u32>(false, a, b, mxcsr); }
u32 ucomisd(Xmm& a, const Xmm& b, u32 mxcsr) { return compared_to_flags<u64>(false, a, b, mxcsr); }

}  // namespace penumbra::sse::portable
