// SIMD floating-point exceptions: which flags an operation leaves, and #XM (SDM 1 11.5).
#pragma once

#include "core/cpu/exec/simd.h"
#include "core/cpu/sse_arithmetic.h"

namespace penumbra {

// The operations that round to a floating-point format, and so may overflow or underflow.
enum class Rounding : u8 { add, sub, mul, div, narrow };

// Takes over an operation's flags. With an unmasked one among them throws #XM, or #UD if the system does not handle it;
// the destination must not have been written yet.
[[noreturn]] void raise_simd(Cpu& cpu, u32 flags);
inline void take_simd(Cpu& cpu, u32 flags) {
  if (flags & ~(cpu.mxcsr >> mxcsr_bits::kMaskShift)) [[unlikely]]
    raise_simd(cpu, flags);
  cpu.mxcsr |= flags;
}

// Overflow and underflow that are not masked are found before the result is fitted into its format: underflow by a tiny
// result even if it is exact, and inexactness of what would be delivered to the handler (SDM 1 4.9.1.4 to 4.9.1.6).
inline bool precise_flags_wanted(u32 mxcsr) {
  using namespace mxcsr_bits;
  return ~mxcsr & (OE | UE) << kMaskShift;
}
// The flags of an operation on the low `count` lanes, under such an MXCSR. `doubles`: of the operands' format.
u32 precise_flags(sse::Function function, Rounding rounding, bool doubles, unsigned count, const Xmm& a, const Xmm& b,
                  u32 mxcsr);

}  // namespace penumbra
