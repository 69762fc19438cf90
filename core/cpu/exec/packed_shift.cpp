// Packed shifts on MMX and XMM registers. The count is one 64-bit number for all lanes; beyond the lane's width nothing
// is left but zeros, or copies of the sign.
#include "core/cpu/exec/simd.h"

namespace penumbra {

namespace {

enum class Direction : u8 { left, right, right_signed };

template <class T, Direction direction>
struct Shift {
  template <class V>
  static V by(const V& a, u64 count) {
    constexpr u64 kWidth = 8 * sizeof(T);
    if (direction == Direction::right_signed)
      count = std::min<u64>(count, kWidth - 1);
    else if (count >= kWidth)
      return V{};
    auto x = lanes<T>(a);
    for (T& lane : x) lane = static_cast<T>(direction == Direction::left ? lane << count : lane >> count);
    return std::bit_cast<V>(x);
  }
};

u64 low_qword(u64 value) { return value; }
u64 low_qword(const Xmm& value) { return value.qword[0]; }

template <class File, class Op>
void by_immediate(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  File::set(cpu, i.dst, Op::by(File::get(cpu, i.dst), i.immediate & 0xFF));
}
template <class File, class Op>
void by_operand(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  const u64 count = low_qword(File::source(cpu, i));
  File::set(cpu, i.dst, Op::by(File::get(cpu, i.dst), count));
}

template <class T, Direction direction>
Handler shift(const Shape& s) {
  using Op = Shift<T, direction>;
  if (s.b == Operand::imm)
    return s.a == Operand::mmx ? helper<by_immediate<MmxFile, Op>> : helper<by_immediate<XmmFile, Op>>;
  return s.a == Operand::mmx ? helper<by_operand<MmxFile, Op>> : helper<by_operand<XmmFile, Op>>;
}

// PSLLDQ and PSRLDQ: the whole register, by bytes.
template <Direction direction>
void shift_bytes(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  constexpr bool left = direction == Direction::left;
  u32 count = 8 * std::min(i.immediate & 0xFF, 16u);
  auto [low, high] = lanes<u64>(cpu.xmm[i.dst]);
  u64& from = left ? low : high;
  u64& to = left ? high : low;
  if (count >= 64) {
    to = from;
    from = 0;
    count -= 64;
  }
  if (count >= 64) {
    to = 0;
  } else if (count != 0) {
    to = left ? to << count | from >> (64 - count) : to >> count | from << (64 - count);
    from = left ? from << count : from >> count;
  }
  cpu.xmm[i.dst].qword[0] = low;
  cpu.xmm[i.dst].qword[1] = high;
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_PSLLW, shift<u16, Direction::left>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSLLD, shift<u32, Direction::left>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSLLQ, shift<u64, Direction::left>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSRLW, shift<u16, Direction::right>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSRLD, shift<u32, Direction::right>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSRLQ, shift<u64, Direction::right>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSRAW, shift<i16, Direction::right_signed>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSRAD, shift<i32, Direction::right_signed>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSLLDQ, always<shift_bytes<Direction::left>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_PSRLDQ, always<shift_bytes<Direction::right>>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::packed_shift() { return kRows; }

}  // namespace penumbra
