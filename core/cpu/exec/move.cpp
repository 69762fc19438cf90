// Data movement: MOV MOVZX MOVSX LEA XCHG BSWAP CMOVcc SETcc XLAT CBW/CWDE CWD/CDQ NOP (SDM 2).
#include "core/cpu/exec/binary.h"

namespace penumbra {

namespace {

struct Copy {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags&, T, T b) {
    return b;
  }
};

template <class T>
struct Store {
  template <Path path = Path::quick>
  [[gnu::noinline]] static void from_reg(Cpu& cpu, const Insn* i) {
    if (!cpu.store_at<T, path>(i->segment, cpu.effective_address(i), src<T>(cpu, i))) [[unlikely]]
      return give_up<path, from_reg<Path::whole>>(cpu, i);
    return next(cpu, i);
  }
  template <Path path = Path::quick>
  [[gnu::noinline]] static void from_imm(Cpu& cpu, const Insn* i) {
    if (!cpu.store_at<T, path>(i->segment, cpu.effective_address(i), static_cast<T>(i->immediate))) [[unlikely]]
      return give_up<path, from_imm<Path::whole>>(cpu, i);
    return next(cpu, i);
  }
};

template <class T>
Handler mov_form(const Shape& shape) {
  if (shape.a == Operand::mem)
    return shape.b == Operand::reg ? Store<T>::template from_reg<> : Store<T>::template from_imm<>;
  return binary_form<T, Copy>(shape);
}

Handler select_mov(const Shape& shape) {
  if (shape.a == Operand::segment) return rows::select_load_segment(shape);
  if (shape.b == Operand::segment) return rows::select_store_segment(shape);
  if (shape.a == Operand::control || shape.b == Operand::control || shape.a == Operand::debug ||
      shape.b == Operand::debug)
    return rows::select_mov_system(shape);
  switch (shape.bits) {
    case 8: return mov_form<u8>(shape);
    case 16: return mov_form<u16>(shape);
    default: return mov_form<u32>(shape);
  }
}

// MOVZX and MOVSX: From is the source's type, signed for sign extension.
template <class To, class From>
struct Extend {
  static void from_reg(Cpu& cpu, const Insn* i) {
    dst<To>(cpu, i) = static_cast<To>(src<From>(cpu, i));
    return next(cpu, i);
  }
  template <Path path = Path::quick>
  [[gnu::noinline]] static void from_mem(Cpu& cpu, const Insn* i) {
    std::make_unsigned_t<From> value;
    if (!cpu.load_at<std::make_unsigned_t<From>, path>(i->segment, cpu.effective_address(i), value)) [[unlikely]]
      return give_up<path, from_mem<Path::whole>>(cpu, i);
    dst<To>(cpu, i) = static_cast<To>(static_cast<From>(value));
    return next(cpu, i);
  }
};

template <class To, class From>
Handler extend_form(const Shape& shape) {
  return shape.b == Operand::reg ? Extend<To, From>::from_reg : Extend<To, From>::template from_mem<>;
}

template <class Byte, class Word>
Handler extend(const Shape& shape) {
  if (shape.b_bits == 8) return shape.bits == 16 ? extend_form<u16, Byte>(shape) : extend_form<u32, Byte>(shape);
  return shape.bits == 16 ? extend_form<u16, Word>(shape) : extend_form<u32, Word>(shape);
}

template <class T>
void lea(Cpu& cpu, const Insn* i) {
  dst<T>(cpu, i) = static_cast<T>(cpu.effective_address(i));
  return next(cpu, i);
}
Handler select_lea(const Shape& shape) { return shape.bits == 16 ? lea<u16> : lea<u32>; }

template <class T>
void xchg(Cpu& cpu, const Insn& i) {
  T& other = i.memory && i.src == 32 ? reg<T>(cpu, i.dst) : reg<T>(cpu, i.src);
  if (i.memory) {
    const u32 offset = cpu.effective_address(&i);
    const Loaded<u64> value = cpu.load_for_write(i.segment, offset, sizeof(T));
    if (!value.ok) throw cpu.fault();
    cpu.write<T>(i.segment, offset, other);
    other = static_cast<T>(value.value);
  } else {
    std::swap(reg<T>(cpu, i.dst), other);
  }
}

void bswap32(Cpu& cpu, const Insn* i) {
  dst<u32>(cpu, i) = __builtin_bswap32(dst<u32>(cpu, i));
  return next(cpu, i);
}
// Undefined by the SDM; processors clear the word.
void bswap16(Cpu& cpu, const Insn* i) {
  dst<u16>(cpu, i) = 0;
  return next(cpu, i);
}
Handler select_bswap(const Shape& shape) { return shape.bits == 16 ? bswap16 : bswap32; }

template <class T, unsigned Code>
struct CMov {
  static void from_reg(Cpu& cpu, const Insn* i) {
    if (cpu.flags.condition<Code>()) dst<T>(cpu, i) = src<T>(cpu, i);
    return next(cpu, i);
  }
  // The operand is read whatever the condition says.
  template <Path path = Path::quick>
  [[gnu::noinline]] static void from_mem(Cpu& cpu, const Insn* i) {
    T value;
    if (!cpu.load_at<T, path>(i->segment, cpu.effective_address(i), value)) [[unlikely]]
      return give_up<path, from_mem<Path::whole>>(cpu, i);
    if (cpu.flags.condition<Code>()) dst<T>(cpu, i) = value;
    return next(cpu, i);
  }
};

template <unsigned Code>
Handler cmov(const Shape& shape) {
  if (shape.bits == 16)
    return shape.b == Operand::reg ? CMov<u16, Code>::from_reg : CMov<u16, Code>::template from_mem<>;
  return shape.b == Operand::reg ? CMov<u32, Code>::from_reg : CMov<u32, Code>::template from_mem<>;
}

template <unsigned Code>
struct Set {
  static void in_reg(Cpu& cpu, const Insn* i) {
    dst<u8>(cpu, i) = cpu.flags.condition<Code>();
    return next(cpu, i);
  }
  template <Path path = Path::quick>
  [[gnu::noinline]] static void in_mem(Cpu& cpu, const Insn* i) {
    if (!cpu.store_at<u8, path>(i->segment, cpu.effective_address(i), cpu.flags.condition<Code>())) [[unlikely]]
      return give_up<path, in_mem<Path::whole>>(cpu, i);
    return next(cpu, i);
  }
};

template <unsigned Code>
Handler setcc(const Shape& shape) {
  return shape.a == Operand::reg ? Set<Code>::in_reg : Set<Code>::template in_mem<>;
}

void xlat(Cpu& cpu, const Insn& i) {
  const u32 sum = cpu.gpr[EBX] + (cpu.gpr[EAX] & 0xFF);
  reg<u8>(cpu, 0) = cpu.read<u8>(i.segment, i.address16 ? sum & 0xFFFF : sum);
}

void cbw(Cpu& cpu, const Insn* i) {
  reg<u16>(cpu, 0) = static_cast<u16>(static_cast<i8>(cpu.gpr[EAX]));
  return next(cpu, i);
}
void cwde(Cpu& cpu, const Insn* i) {
  cpu.gpr[EAX] = static_cast<u32>(static_cast<i16>(cpu.gpr[EAX]));
  return next(cpu, i);
}
void cwd(Cpu& cpu, const Insn* i) {
  reg<u16>(cpu, 4 * EDX) = cpu.gpr[EAX] & 0x8000 ? 0xFFFF : 0;
  return next(cpu, i);
}
void cdq(Cpu& cpu, const Insn* i) {
  cpu.gpr[EDX] = static_cast<u32>(static_cast<i32>(cpu.gpr[EAX]) >> 31);
  return next(cpu, i);
}
void nop(Cpu& cpu, const Insn* i) { return next(cpu, i); }

template <Handler handler>
Handler plain(const Shape&) {
  return handler;
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_MOV, select_mov, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVZX, extend<u8, u16>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVSX, extend<i8, i16>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_LEA, select_lea, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_XCHG, by_size<xchg<u8>, xchg<u16>, xchg<u32>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_BSWAP, select_bswap, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_XLAT, always<xlat>},
    {ZYDIS_MNEMONIC_CBW, plain<cbw>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CWDE, plain<cwde>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CWD, plain<cwd>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CDQ, plain<cdq>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_NOP, plain<nop>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_PAUSE, plain<nop>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_PREFETCHNTA, plain<nop>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_PREFETCHT0, plain<nop>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_PREFETCHT1, plain<nop>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_PREFETCHT2, plain<nop>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_CMOVO, cmov<0>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNO, cmov<1>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVB, cmov<2>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNB, cmov<3>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVZ, cmov<4>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNZ, cmov<5>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVBE, cmov<6>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNBE, cmov<7>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVS, cmov<8>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNS, cmov<9>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVP, cmov<10>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNP, cmov<11>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVL, cmov<12>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNL, cmov<13>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVLE, cmov<14>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMOVNLE, cmov<15>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETO, setcc<0>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNO, setcc<1>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETB, setcc<2>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNB, setcc<3>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETZ, setcc<4>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNZ, setcc<5>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETBE, setcc<6>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNBE, setcc<7>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETS, setcc<8>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNS, setcc<9>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETP, setcc<10>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNP, setcc<11>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETL, setcc<12>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNL, setcc<13>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETLE, setcc<14>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SETNLE, setcc<15>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::move() { return kRows; }

}  // namespace penumbra
