// Exceptions that the host is not allowed to take: it computes with everything masked, and where the guest does not
// mask overflow or underflow, the x87's wider exponent says what an unbounded exponent would have given.
#include "core/cpu/exec/sse_exceptions.h"

namespace penumbra {

using namespace mxcsr_bits;

namespace {

// Found before the operation is carried out; unmasked, they keep all others from being reported (SDM 1 11.5.3).
constexpr u32 kBefore = IE | DE | ZE;

u32 unmasked(u32 flags, u32 mxcsr) { return flags & ~(mxcsr >> kMaskShift); }

// One lane as raw bits of its format.
struct Format {
  bool is_double;
  u64 fraction_mask() const { return is_double ? 0x000F'FFFF'FFFF'FFFF : 0x007F'FFFF; }
  u64 exponent_mask() const { return is_double ? 0x7FF0'0000'0000'0000 : 0x7F80'0000; }
  u64 sign_mask() const { return is_double ? u64{1} << 63 : u64{1} << 31; }
  bool denormal(u64 bits) const { return !(bits & exponent_mask()) && (bits & fraction_mask()); }
  u64 lane(const Xmm& value, unsigned n) const { return is_double ? value.qword[n] : value.dword[n]; }
  Xmm everywhere(u64 bits) const {
    Xmm value;
    for (unsigned n = 0; n < 2; ++n) value.qword[n] = is_double ? bits : bits << 32 | bits;
    return value;
  }
  Float80 extended(u64 bits, u32 mxcsr) const {
    if ((mxcsr & DAZ) && denormal(bits)) bits &= sign_mask();
    return x87::load(is_double ? x87::Format::f64 : x87::Format::f32, &bits).value;
  }
};

// Whether rounding to the result's precision, with any exponent, is inexact.
bool inexact(Rounding rounding, Format operands, u64 a, u64 b, u32 mxcsr) {
  const bool to_double = operands.is_double && rounding != Rounding::narrow;
  const u16 control = static_cast<u16>(0x3F | (to_double ? 0x200 : 0) | (mxcsr & RC) >> 3);
  Float80 x = operands.extended(a, mxcsr), y = operands.extended(b, mxcsr);
  x87::Binary op = x87::Binary::mul;
  switch (rounding) {
    case Rounding::add: op = x87::Binary::add; break;
    case Rounding::sub: op = x87::Binary::sub; break;
    case Rounding::mul: op = x87::Binary::mul; break;
    case Rounding::div: op = x87::Binary::div; break;
    case Rounding::narrow: x = {u64{1} << 63, 0x3FFF}; break;  // 1 * y
  }
  return x87::binary(op, x, y, control).status & x87_bits::PE;
}

}  // namespace

void raise_simd(Cpu& cpu, u32 flags) {
  if (unmasked(flags, cpu.mxcsr) & kBefore) flags &= kBefore;
  cpu.mxcsr |= flags;
  raise(cpu.cr4 & cr4::OSXMMEXCPT ? Vector::XM : Vector::UD);
}

u32 precise_flags(sse::Function function, Rounding rounding, bool doubles, unsigned count, const Xmm& a, const Xmm& b,
                  u32 mxcsr) {
  const Format operands{doubles};
  const Format result{doubles && rounding != Rounding::narrow};
  u32 all = 0;
  for (unsigned n = 0; n < count; ++n) {
    const u64 x = operands.lane(a, n), y = operands.lane(b, n);
    Xmm value = operands.everywhere(x);
    u32 flags = function(value, operands.everywhere(y), mxcsr);
    u32 found = flags & OE;
    if ((flags & UE) || result.denormal(result.lane(value, 0))) found |= UE;
    if (!(unmasked(flags, mxcsr) & kBefore) && unmasked(found, mxcsr))
      flags = (flags & kBefore) | found | (inexact(rounding, operands, x, y, mxcsr) ? PE : 0);
    all |= flags;
  }
  return all;
}

}  // namespace penumbra
