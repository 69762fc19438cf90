// MUL IMUL DIV IDIV (SDM 2). SF, ZF, AF and PF after multiplication are undefined; they follow the low half here.
#include <limits>

#include "core/cpu/exec/binary.h"

namespace penumbra {

namespace {

template <class T>
struct Double;
template <>
struct Double<u8> {
  using Type = u16;
};
template <>
struct Double<u16> {
  using Type = u32;
};
template <>
struct Double<u32> {
  using Type = u64;
};
template <class T>
using Wide = typename Double<T>::Type;

template <class T>
Wide<T> accumulator(Cpu& cpu) {
  if constexpr (sizeof(T) == 1) return static_cast<u16>(cpu.gpr[EAX]);
  return static_cast<Wide<T>>(Wide<T>{static_cast<T>(cpu.gpr[EDX])} << (8 * sizeof(T)) | static_cast<T>(cpu.gpr[EAX]));
}

template <class T>
void set_accumulator(Cpu& cpu, T high, T low) {
  reg<T>(cpu, 0) = low;
  if constexpr (sizeof(T) == 1)
    reg<u8>(cpu, 1) = high;
  else
    reg<T>(cpu, 4 * EDX) = high;
}

template <class T>
void mul(Cpu& cpu, const Insn& i) {
  const Wide<T> product = static_cast<Wide<T>>(Wide<T>{reg<T>(cpu, 0)} * operand<T>(cpu, i));
  const T high = static_cast<T>(product >> (8 * sizeof(T)));
  set_accumulator<T>(cpu, high, static_cast<T>(product));
  cpu.flags.set_result<T>(static_cast<T>(product), high != 0, high != 0);
}

template <class T>
void imul_wide(Cpu& cpu, const Insn& i) {
  using S = std::make_signed_t<T>;
  const i64 product = i64{static_cast<S>(reg<T>(cpu, 0))} * static_cast<S>(operand<T>(cpu, i));
  const bool overflow = product != static_cast<S>(product);
  set_accumulator<T>(cpu, static_cast<T>(static_cast<u64>(product) >> (8 * sizeof(T))), static_cast<T>(product));
  cpu.flags.set_result<T>(static_cast<T>(product), overflow, overflow);
}

template <class T>
struct Imul {
  [[gnu::always_inline]] static void set(Cpu& cpu, const Insn* i, T a, T b) {
    using S = std::make_signed_t<T>;
    const i64 product = i64{static_cast<S>(a)} * static_cast<S>(b);
    const bool overflow = product != static_cast<S>(product);
    dst<T>(cpu, i) = static_cast<T>(product);
    cpu.flags.set_result<T>(static_cast<T>(product), overflow, overflow);
  }
  template <bool Three>
  static void by_reg(Cpu& cpu, const Insn* i) {
    set(cpu, i, Three ? static_cast<T>(i->immediate) : dst<T>(cpu, i), src<T>(cpu, i));
    return next(cpu, i);
  }
  template <bool Three>
  static void by_mem(Cpu& cpu, const Insn* i) {
    T value;
    if (!cpu.load_at<T>(i->segment, cpu.effective_address(i), value)) [[unlikely]]
      return cpu.leave_with_fault(i);
    set(cpu, i, Three ? static_cast<T>(i->immediate) : dst<T>(cpu, i), value);
    return next(cpu, i);
  }
};

template <class T>
Handler imul_form(const Shape& shape) {
  const bool three = shape.c == Operand::imm;
  if (shape.b == Operand::reg) return three ? Imul<T>::template by_reg<true> : Imul<T>::template by_reg<false>;
  return three ? Imul<T>::template by_mem<true> : Imul<T>::template by_mem<false>;
}

Handler select_imul(const Shape& shape) {
  if (shape.b == Operand::none) return by_size<imul_wide<u8>, imul_wide<u16>, imul_wide<u32>>(shape);
  return shape.bits == 16 ? imul_form<u16>(shape) : imul_form<u32>(shape);
}

template <class T>
void div(Cpu& cpu, const Insn& i) {
  const T divisor = operand<T>(cpu, i);
  const Wide<T> dividend = accumulator<T>(cpu);
  if (divisor == 0) raise(Vector::DE);
  const Wide<T> quotient = dividend / divisor;
  if (quotient != static_cast<T>(quotient)) raise(Vector::DE);
  set_accumulator<T>(cpu, static_cast<T>(dividend % divisor), static_cast<T>(quotient));
}

template <class T>
void idiv(Cpu& cpu, const Insn& i) {
  using S = std::make_signed_t<T>;
  using W = std::make_signed_t<Wide<T>>;
  const S divisor = static_cast<S>(operand<T>(cpu, i));
  const W dividend = static_cast<W>(accumulator<T>(cpu));
  if (divisor == 0) raise(Vector::DE);
  // The most negative dividend by -1 overflows the host's division too.
  if (divisor == -1 && dividend == std::numeric_limits<W>::min()) raise(Vector::DE);
  const W quotient = static_cast<W>(dividend / divisor);
  if (quotient != static_cast<S>(quotient)) raise(Vector::DE);
  set_accumulator<T>(cpu, static_cast<T>(dividend % divisor), static_cast<T>(quotient));
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_MUL, by_size<mul<u8>, mul<u16>, mul<u32>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_IMUL, select_imul, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_DIV, by_size<div<u8>, div<u16>, div<u32>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_IDIV, by_size<idiv<u8>, idiv<u16>, idiv<u32>>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::multiply_divide() { return kRows; }

}  // namespace penumbra
