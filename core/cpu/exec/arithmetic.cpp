// Addition and subtraction: ADD ADC SUB SBB CMP INC DEC NEG XADD CMPXCHG CMPXCHG8B (SDM 2).
#include <array>

#include "core/cpu/exec/binary.h"

namespace penumbra {

namespace {

struct Add {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags& flags, T a, T b) {
    const T result = static_cast<T>(a + b);
    flags.set_add<T>(a, b, result);
    return result;
  }
};

struct Adc {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags& flags, T a, T b) {
    const T result = static_cast<T>(a + b + flags.cf());
    flags.set_add<T>(a, b, result);
    return result;
  }
};

struct Sub {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags& flags, T a, T b) {
    const T result = static_cast<T>(a - b);
    flags.set_sub<T>(a, b, result);
    return result;
  }
};

struct Cmp : Sub {
  static constexpr bool kWrites = false;
};

struct Sbb {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags& flags, T a, T b) {
    const T result = static_cast<T>(a - b - flags.cf());
    flags.set_sub<T>(a, b, result);
    return result;
  }
};

struct Inc {
  template <class T>
  static T apply(Flags& flags, T a) {
    const T result = static_cast<T>(a + 1);
    flags.set_inc<T>(a, result);
    return result;
  }
};

struct Dec {
  template <class T>
  static T apply(Flags& flags, T a) {
    const T result = static_cast<T>(a - 1);
    flags.set_dec<T>(a, result);
    return result;
  }
};

struct Neg {
  template <class T>
  static T apply(Flags& flags, T a) {
    const T result = static_cast<T>(-a);
    flags.set_sub<T>(0, a, result);
    return result;
  }
};

// The destination of an exchange, checked for writing before anything changes.
template <class T>
T destination(Cpu& cpu, const Insn& i) {
  if (!i.memory) return reg<T>(cpu, i.dst);
  const Loaded<u64> loaded = cpu.load_for_write(i.segment, cpu.effective_address(&i), sizeof(T));
  if (!loaded.ok) throw cpu.fault();
  return static_cast<T>(loaded.value);
}

template <class T>
void xadd(Cpu& cpu, const Insn& i) {
  const T a = destination<T>(cpu, i);
  const T b = reg<T>(cpu, i.src);
  const T sum = static_cast<T>(a + b);
  if (i.memory) {
    set_operand<T>(cpu, i, sum);
    reg<T>(cpu, i.src) = a;
  } else {
    reg<T>(cpu, i.src) = a;
    reg<T>(cpu, i.dst) = sum;
  }
  cpu.flags.set_add<T>(a, b, sum);
}

template <class T>
void cmpxchg(Cpu& cpu, const Insn& i) {
  const T old = destination<T>(cpu, i);
  T& accumulator = reg<T>(cpu, 0);
  const T expected = accumulator;
  // The destination is written in both cases (SDM 2, CMPXCHG).
  if (old == expected) {
    set_operand<T>(cpu, i, reg<T>(cpu, i.src));
  } else {
    set_operand<T>(cpu, i, old);
    accumulator = old;
  }
  cpu.flags.set_sub<T>(expected, old, static_cast<T>(expected - old));
}

void cmpxchg8b(Cpu& cpu, const Insn& i) {
  const u32 offset = cpu.effective_address(&i);
  const Loaded<u64> old = cpu.load_for_write(i.segment, offset, 8);
  if (!old.ok) throw cpu.fault();
  const u64 expected = u64{cpu.gpr[EDX]} << 32 | cpu.gpr[EAX];
  const bool equal = old.value == expected;
  cpu.write<u64>(i.segment, offset, equal ? u64{cpu.gpr[ECX]} << 32 | cpu.gpr[EBX] : old.value);
  if (!equal) {
    cpu.gpr[EAX] = static_cast<u32>(old.value);
    cpu.gpr[EDX] = static_cast<u32>(old.value >> 32);
  }
  cpu.flags.set_zf(equal);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_ADD, binary<Add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ADC, binary<Adc>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SUB, binary<Sub>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SBB, binary<Sbb>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMP, binary<Cmp>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_INC, unary<Inc>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_DEC, unary<Dec>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_NEG, unary<Neg>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_XADD, by_size<xadd<u8>, xadd<u16>, xadd<u32>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMPXCHG, by_size<cmpxchg<u8>, cmpxchg<u16>, cmpxchg<u32>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMPXCHG8B, always<cmpxchg8b>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::arithmetic() { return kRows; }

}  // namespace penumbra
