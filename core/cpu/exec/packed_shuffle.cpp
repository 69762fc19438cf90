// Lanes moved about: pack, unpack, shuffle, extract, insert and sign masks, on MMX and XMM registers.
#include "core/cpu/exec/simd.h"

namespace penumbra {

namespace {

// The low or high halves of both operands, lanes in turn.
template <class T, bool high>
struct Unpack {
  template <class V>
  static V apply(const V& a, const V& b) {
    const auto x = lanes<T>(a), y = lanes<T>(b);
    constexpr std::size_t kHalf = Lanes<T, V>{}.size() / 2;
    constexpr std::size_t kFrom = high ? kHalf : 0;
    Lanes<T, V> result;
    for (std::size_t n = 0; n < kHalf; ++n) {
      result[2 * n] = x[kFrom + n];
      result[2 * n + 1] = y[kFrom + n];
    }
    return std::bit_cast<V>(result);
  }
};

// Lanes of both operands, narrowed with saturation.
template <class From, class To>
struct Pack {
  template <class V>
  static V apply(const V& a, const V& b) {
    const auto x = lanes<From>(a), y = lanes<From>(b);
    Lanes<To, V> result;
    for (std::size_t n = 0; n < x.size(); ++n) {
      result[n] = saturate<To>(x[n]);
      result[x.size() + n] = saturate<To>(y[n]);
    }
    return std::bit_cast<V>(result);
  }
};

// The low unpacks read only half an MMX register from memory.
template <class T>
Handler unpack_low(const Shape& s) {
  using Op = Unpack<T, false>;
  return s.a == Operand::mmx ? helper<packed<MmxFile, Op, 4>> : helper<packed<XmmFile, Op>>;
}
template <class T>
constexpr Select unpack_high = select_packed<Unpack<T, true>>;

// Shuffles: `template <class V> static V apply(const V& a, const V& b, u32 order)`.

u32 choice(u32 order, unsigned n) { return order >> (2 * n) & 3; }

// Four words from `first` on are chosen by the order's four fields; the others are copied.
template <unsigned first>
struct ShuffleWords {
  template <class V>
  static V apply(const V&, const V& b, u32 order) {
    const auto y = lanes<u16>(b);
    auto result = y;
    for (unsigned n = 0; n < 4; ++n) result[first + n] = y[first + choice(order, n)];
    return std::bit_cast<V>(result);
  }
};
struct ShuffleDwords {
  static Xmm apply(const Xmm&, const Xmm& b, u32 order) {
    Xmm result;
    for (unsigned n = 0; n < 4; ++n) result.dword[n] = b.dword[choice(order, n)];
    return result;
  }
};
struct ShuffleSingles {
  static Xmm apply(const Xmm& a, const Xmm& b, u32 order) {
    Xmm result;
    for (unsigned n = 0; n < 4; ++n) result.dword[n] = (n < 2 ? a : b).dword[choice(order, n)];
    return result;
  }
};
struct ShuffleDoubles {
  static Xmm apply(const Xmm& a, const Xmm& b, u32 order) {
    Xmm result;
    result.qword[0] = a.qword[order & 1];
    result.qword[1] = b.qword[order >> 1 & 1];
    return result;
  }
};

template <class File, class Op>
void shuffle(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  const auto b = File::source(cpu, i);
  File::set(cpu, i.dst, Op::apply(File::get(cpu, i.dst), b, i.immediate));
}

// PEXTRW and PINSRW: the word number counts modulo the words there are.
template <class File>
void extract_word(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  const auto words = lanes<u16>(File::get(cpu, i.src));
  File::touch(cpu);
  dst<u32>(cpu, &i) = words[i.immediate % words.size()];
}
template <class File>
void insert_word(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  const u16 word = source_operand<u16>(cpu, i);
  auto words = lanes<u16>(File::get(cpu, i.dst));
  words[i.immediate % words.size()] = word;
  File::set(cpu, i.dst, std::bit_cast<typename File::Value>(words));
}

Handler select_extract_word(const Shape& s) {
  return s.b == Operand::mmx ? helper<extract_word<MmxFile>> : helper<extract_word<XmmFile>>;
}
Handler select_insert_word(const Shape& s) {
  return s.a == Operand::mmx ? helper<insert_word<MmxFile>> : helper<insert_word<XmmFile>>;
}

// PMOVMSKB: the sign bits of all bytes. The multiplication brings the eight bits of a quadword side by side.
template <class File>
void byte_mask(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  u32 mask = 0;
  unsigned position = 0;
  for (const u64 x : lanes<u64>(File::get(cpu, i.src))) {
    mask |= static_cast<u32>((x >> 7 & 0x0101'0101'0101'0101) * 0x0102'0408'1020'4080 >> 56) << position;
    position += 8;
  }
  File::touch(cpu);
  dst<u32>(cpu, &i) = mask;
}
Handler select_byte_mask(const Shape& s) {
  return s.b == Operand::mmx ? helper<byte_mask<MmxFile>> : helper<byte_mask<XmmFile>>;
}

// MOVMSKPS and MOVMSKPD.
template <class T>
void sign_mask(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const auto x = lanes<T>(cpu.xmm[i.src]);
  u32 mask = 0;
  for (std::size_t n = 0; n < x.size(); ++n) mask |= u32{x[n] < 0} << n;
  dst<u32>(cpu, &i) = mask;
}
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_PUNPCKLBW, unpack_low<u8>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PUNPCKLWD, unpack_low<u16>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PUNPCKLDQ, unpack_low<u32>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PUNPCKLQDQ, select_xmm<Unpack<u64, false>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PUNPCKHBW, unpack_high<u8>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PUNPCKHWD, unpack_high<u16>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PUNPCKHDQ, unpack_high<u32>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PUNPCKHQDQ, select_xmm<Unpack<u64, true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_UNPCKLPS, select_xmm<Unpack<u32, false>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_UNPCKHPS, select_xmm<Unpack<u32, true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_UNPCKLPD, select_xmm<Unpack<u64, false>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_UNPCKHPD, select_xmm<Unpack<u64, true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PACKSSWB, select_packed<Pack<i16, i8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PACKSSDW, select_packed<Pack<i32, i16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PACKUSWB, select_packed<Pack<i16, u8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSHUFW, always<shuffle<MmxFile, ShuffleWords<0>>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSHUFLW, always<shuffle<XmmFile, ShuffleWords<0>>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSHUFHW, always<shuffle<XmmFile, ShuffleWords<4>>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSHUFD, always<shuffle<XmmFile, ShuffleDwords>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SHUFPS, always<shuffle<XmmFile, ShuffleSingles>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SHUFPD, always<shuffle<XmmFile, ShuffleDoubles>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PEXTRW, select_extract_word, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PINSRW, select_insert_word, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PMOVMSKB, select_byte_mask, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVMSKPS, always<sign_mask<i32>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVMSKPD, always<sign_mask<i64>>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::packed_shuffle() { return kRows; }

}  // namespace penumbra
