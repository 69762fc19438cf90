// Shifts and rotates: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD (SDM 2). OF after counts above 1 is what processors give.
#include "core/cpu/exec/binary.h"

namespace penumbra {

namespace {

template <class T>
constexpr unsigned kBits = 8 * sizeof(T);
template <class T>
constexpr bool top(T value) {
  return value >> (kBits<T> - 1) & 1;
}

// Each Op: `template <class T> static T apply(Flags&, T a, unsigned count)`, count 1 to 31.
struct Shl {
  template <class T>
  static T apply(Flags& flags, T a, unsigned count) {
    const u64 wide = u64{a} << count;
    const T result = static_cast<T>(wide);
    const bool carry = wide >> kBits<T> & 1;
    flags.set_result<T>(result, carry, top(result) != carry);
    return result;
  }
};

struct Shr {
  template <class T>
  static T apply(Flags& flags, T a, unsigned count) {
    const T result = static_cast<T>(u64{a} >> count);
    flags.set_result<T>(result, u64{a} >> (count - 1) & 1, top(static_cast<T>(result << 1)) != top(result));
    return result;
  }
};

struct Sar {
  template <class T>
  static T apply(Flags& flags, T a, unsigned count) {
    const i64 wide = static_cast<std::make_signed_t<T>>(a);
    const T result = static_cast<T>(wide >> count);
    flags.set_result<T>(result, wide >> (count - 1) & 1, false);
    return result;
  }
};

struct Rol {
  template <class T>
  static T apply(Flags& flags, T a, unsigned count) {
    const T result = std::rotl(a, static_cast<int>(count % kBits<T>));
    const bool carry = result & 1;
    flags.set_cf_of(carry, top(result) != carry);
    return result;
  }
};

struct Ror {
  template <class T>
  static T apply(Flags& flags, T a, unsigned count) {
    const T result = std::rotr(a, static_cast<int>(count % kBits<T>));
    flags.set_cf_of(top(result), top(result) != top(static_cast<T>(result << 1)));
    return result;
  }
};

struct Rcl {
  template <class T>
  static T apply(Flags& flags, T a, unsigned count) {
    count %= kBits<T> + 1;
    bool carry = flags.cf();
    T result = a;
    for (; count; --count) {
      const bool out = top(result);
      result = static_cast<T>(result << 1 | carry);
      carry = out;
    }
    flags.set_cf_of(carry, top(result) != carry);
    return result;
  }
};

struct Rcr {
  template <class T>
  static T apply(Flags& flags, T a, unsigned count) {
    count %= kBits<T> + 1;
    bool carry = flags.cf();
    T result = a;
    for (; count; --count) {
      const bool out = result & 1;
      result = static_cast<T>(result >> 1 | T{carry} << (kBits<T> - 1));
      carry = out;
    }
    flags.set_cf_of(carry, top(result) != top(static_cast<T>(result << 1)));
    return result;
  }
};

template <class T, class Op, bool ByCl>
struct Shift {
  static unsigned count(Cpu& cpu, const Insn* i) { return (ByCl ? cpu.gpr[ECX] : i->immediate) & 31; }
  // A count of 0 changes neither flags nor value, but the destination is still written.
  static T apply(Cpu& cpu, const Insn* i, T a) {
    const unsigned n = count(cpu, i);
    return n ? Op::template apply<T>(cpu.flags, a, n) : a;
  }
  static void in_reg(Cpu& cpu, const Insn* i) {
    dst<T>(cpu, i) = apply(cpu, i, dst<T>(cpu, i));
    return next(cpu, i);
  }
  static void in_mem(Cpu& cpu, const Insn* i) {
    const u32 offset = cpu.effective_address(i);
    const Loaded<u64> a = cpu.load_for_write(i->segment, offset, sizeof(T));
    if (!a.ok) [[unlikely]]
      return cpu.leave_with_fault(i);
    cpu.store_at<T>(i->segment, offset, apply(cpu, i, static_cast<T>(a.value)));
    return next(cpu, i);
  }
};

template <class T, class Op>
Handler shift_form(const Shape& shape) {
  const bool by_cl = shape.b == Operand::reg;
  if (shape.a == Operand::reg) return by_cl ? Shift<T, Op, true>::in_reg : Shift<T, Op, false>::in_reg;
  return by_cl ? Shift<T, Op, true>::in_mem : Shift<T, Op, false>::in_mem;
}

template <class Op>
Handler shift(const Shape& shape) {
  switch (shape.bits) {
    case 8: return shift_form<u8, Op>(shape);
    case 16: return shift_form<u16, Op>(shape);
    default: return shift_form<u32, Op>(shape);
  }
}

struct Shld {
  template <class T>
  static T apply(Flags& flags, T a, T b, unsigned count) {
    const bool carry = count <= kBits<T> ? a >> (kBits<T> - count) & 1 : b >> (2 * kBits<T> - count) & 1;
    // For 16-bit operands and counts above 16 the result is undefined; processors rotate a:b:a.
    const u64 wide = (u64{a} << kBits<T> | b) << (64 - 2 * kBits<T>);
    const u64 rotated =
        kBits<T> == 16 ? (u64{a} << 32 | u64{b} << 16 | a) << count >> 32 : wide << count >> (64 - kBits<T>);
    const T result = static_cast<T>(rotated);
    flags.set_result<T>(result, carry, top(result) != top(a));
    return result;
  }
};

struct Shrd {
  template <class T>
  static T apply(Flags& flags, T a, T b, unsigned count) {
    const bool carry = count <= kBits<T> ? a >> (count - 1) & 1 : b >> (count - kBits<T> - 1) & 1;
    const u64 wide = kBits<T> == 16 ? u64{a} << 32 | u64{b} << 16 | a : u64{b} << kBits<T> | a;
    const T result = static_cast<T>(wide >> count);
    flags.set_result<T>(result, carry, top(result) != top(a));
    return result;
  }
};

template <class T, class Op, bool ByCl>
void double_shift(Cpu& cpu, const Insn& i) {
  const unsigned count = (ByCl ? cpu.gpr[ECX] : i.immediate) & 31;
  const T b = reg<T>(cpu, i.src);
  if (!i.memory) {
    if (count) reg<T>(cpu, i.dst) = Op::template apply<T>(cpu.flags, reg<T>(cpu, i.dst), b, count);
    return;
  }
  const u32 offset = cpu.effective_address(&i);
  const Loaded<u64> a = cpu.load_for_write(i.segment, offset, sizeof(T));
  if (!a.ok) throw cpu.fault();
  if (count) cpu.write<T>(i.segment, offset, Op::template apply<T>(cpu.flags, static_cast<T>(a.value), b, count));
}

template <class Op>
Handler double_shifts(const Shape& shape) {
  const bool by_cl = shape.c != Operand::imm;
  if (shape.bits == 16) return by_cl ? helper<double_shift<u16, Op, true>> : helper<double_shift<u16, Op, false>>;
  return by_cl ? helper<double_shift<u32, Op, true>> : helper<double_shift<u32, Op, false>>;
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_SHL, shift<Shl>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SHR, shift<Shr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SAR, shift<Sar>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ROL, shift<Rol>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_ROR, shift<Ror>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_RCL, shift<Rcl>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_RCR, shift<Rcr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SHLD, double_shifts<Shld>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SHRD, double_shifts<Shrd>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::shift() { return kRows; }

}  // namespace penumbra
