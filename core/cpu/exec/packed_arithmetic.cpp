// Packed integer arithmetic, comparison and logic on MMX and XMM registers (SDM 2, the P... instructions).
#include "core/cpu/exec/simd.h"

namespace penumbra {

namespace {

template <class T>
T add(T a, T b) {
  return static_cast<T>(a + b);
}
template <class T>
T subtract(T a, T b) {
  return static_cast<T>(a - b);
}
template <class T>
T add_saturated(T a, T b) {
  return saturate<T>(a + b);
}
template <class T>
T subtract_saturated(T a, T b) {
  return saturate<T>(a - b);
}
template <class T>
T equal(T a, T b) {
  return static_cast<T>(a == b ? ~T{0} : 0);
}
template <class T>
T greater(T a, T b) {
  return static_cast<T>(a > b ? ~T{0} : 0);
}
template <class T>
T average(T a, T b) {
  return static_cast<T>((a + b + 1) >> 1);
}
template <class T>
T minimum(T a, T b) {
  return std::min(a, b);
}
template <class T>
T maximum(T a, T b) {
  return std::max(a, b);
}
i16 multiply_low(i16 a, i16 b) { return static_cast<i16>(a * b); }
i16 multiply_high(i16 a, i16 b) { return static_cast<i16>(a * b >> 16); }
u16 multiply_high_unsigned(u16 a, u16 b) { return static_cast<u16>(u32{a} * b >> 16); }
u64 multiply_dwords(u64 a, u64 b) { return (a & 0xFFFF'FFFF) * (b & 0xFFFF'FFFF); }
u64 bits_and(u64 a, u64 b) { return a & b; }
u64 bits_and_not(u64 a, u64 b) { return ~a & b; }
u64 bits_or(u64 a, u64 b) { return a | b; }
u64 bits_xor(u64 a, u64 b) { return a ^ b; }

// PMADDWD: two products a dword; the one sum that overflows, of four times 8000h, is 8000'0000h.
struct MultiplyAdd {
  template <class V>
  static V apply(const V& a, const V& b) {
    const auto x = lanes<i16>(a), y = lanes<i16>(b);
    Lanes<u32, V> result;
    for (std::size_t n = 0; n < result.size(); ++n)
      result[n] = static_cast<u32>(x[2 * n] * y[2 * n]) + static_cast<u32>(x[2 * n + 1] * y[2 * n + 1]);
    return std::bit_cast<V>(result);
  }
};

// PSADBW: absolute differences of eight bytes, summed.
struct SumOfDifferences {
  template <class V>
  static V apply(const V& a, const V& b) {
    const auto x = lanes<u8>(a), y = lanes<u8>(b);
    Lanes<u64, V> result;
    for (std::size_t n = 0; n < result.size(); ++n) {
      u32 sum = 0;
      for (std::size_t k = 8 * n; k < 8 * n + 8; ++k) sum += static_cast<u32>(x[k] > y[k] ? x[k] - y[k] : y[k] - x[k]);
      result[n] = sum;
    }
    return std::bit_cast<V>(result);
  }
};

template <class T, T (*f)(T, T)>
constexpr Select each = select_packed<EachLane<T, f>>;
template <u64 (*f)(u64, u64)>
constexpr Select logic = select_xmm<EachLane<u64, f>>;

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_PADDB, each<u8, add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PADDW, each<u16, add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PADDD, each<u32, add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PADDQ, each<u64, add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PADDSB, each<i8, add_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PADDSW, each<i16, add_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PADDUSB, each<u8, add_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PADDUSW, each<u16, add_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBB, each<u8, subtract>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBW, each<u16, subtract>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBD, each<u32, subtract>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBQ, each<u64, subtract>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBSB, each<i8, subtract_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBSW, each<i16, subtract_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBUSB, each<u8, subtract_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSUBUSW, each<u16, subtract_saturated>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PCMPEQB, each<u8, equal>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PCMPEQW, each<u16, equal>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PCMPEQD, each<u32, equal>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PCMPGTB, each<i8, greater>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PCMPGTW, each<i16, greater>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PCMPGTD, each<i32, greater>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PAVGB, each<u8, average>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PAVGW, each<u16, average>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMINUB, each<u8, minimum>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMINSW, each<i16, minimum>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMAXUB, each<u8, maximum>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMAXSW, each<i16, maximum>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMULLW, each<i16, multiply_low>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMULHW, each<i16, multiply_high>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMULHUW, each<u16, multiply_high_unsigned>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMULUDQ, each<u64, multiply_dwords>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMADDWD, select_packed<MultiplyAdd>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSADBW, select_packed<SumOfDifferences>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PAND, each<u64, bits_and>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PANDN, each<u64, bits_and_not>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_POR, each<u64, bits_or>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PXOR, each<u64, bits_xor>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ANDPS, logic<bits_and>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ANDPD, logic<bits_and>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ANDNPS, logic<bits_and_not>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ANDNPD, logic<bits_and_not>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ORPS, logic<bits_or>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ORPD, logic<bits_or>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_XORPS, logic<bits_xor>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_XORPD, logic<bits_xor>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::packed_arithmetic() { return kRows; }

}  // namespace penumbra
