// x87 arithmetic, comparisons, moves and constants (SDM 2).
#include "core/cpu/exec/fpu.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

using x87::Binary;
using x87::Format;
using x87::Two;
using x87::Unary;
using namespace x87_bits;

constexpr u32 bytes_of_format(Format format) {
  switch (format) {
    case Format::f32:
    case Format::i32: return 4;
    case Format::f64:
    case Format::i64: return 8;
    case Format::i16: return 2;
    default: return 10;
  }
}

// Fetches a memory operand; all faults come before any state changes.
struct MemoryOperand {
  alignas(16) u8 bytes[16] = {};
  MemoryOperand(Cpu& cpu, const Insn& i, Format format) {
    const u32 offset = cpu.effective_address(&i);
    cpu.read_bytes(i.segment, offset, bytes, bytes_of_format(format));
    note_memory_operand(cpu, i, offset);
  }
};

// Selectors by the memory operand's format; the function is a template over it.
template <template <Format> class Op>
Handler by_real_format(const Shape& s) {
  return s.a_bits == 32 ? helper<Op<Format::f32>::run> : helper<Op<Format::f64>::run>;
}
template <template <Format> class Op>
Handler by_integer_format(const Shape& s) {
  return s.a_bits == 16 ? helper<Op<Format::i16>::run> : helper<Op<Format::i32>::run>;
}

// --- arithmetic ---

template <Binary op>
struct WithMemory {
  template <Format format>
  struct Of {
    static void run(Cpu& cpu, const Insn& i) {
      begin_waiting(cpu, i);
      const MemoryOperand b(cpu, i, format);
      Fpu fpu(cpu);
      if (fpu.empty(0)) return fpu.indefinite(0);
      const X87Result r = x87::binary_memory(op, fpu.st(0), format, b.bytes, fpu.control());
      if (fpu.take(r.status)) fpu.set(0, r.value);
    }
  };
};

// dst = dst op src, for ST(0), ST(i) in either order.
template <Binary op, bool pops>
void with_register(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  if (fpu.empty(i.dst) || fpu.empty(i.src)) {
    if (!fpu.underflow()) return;
    fpu.set(i.dst, kIndefinite);
  } else {
    const X87Result r = x87::binary(op, fpu.st(i.dst), fpu.st(i.src), fpu.control());
    if (!fpu.take(r.status)) return;
    fpu.set(i.dst, r.value);
  }
  if (pops) fpu.pop();
}

template <Binary op>
Handler arithmetic(const Shape& s) {
  if (s.a == Operand::x87) return helper<with_register<op, false>>;
  return by_real_format<WithMemory<op>::template Of>(s);
}
template <Binary op>
Handler arithmetic_pop(const Shape&) {
  return helper<with_register<op, true>>;
}
template <Binary op>
Handler integer_arithmetic(const Shape& s) {
  return by_integer_format<WithMemory<op>::template Of>(s);
}

template <Unary op>
void unary(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  constexpr bool range = op == Unary::sin || op == Unary::cos;
  if (fpu.empty(0)) {
    if (range) cpu.x87.status &= ~C2;
    return fpu.indefinite(0);
  }
  const X87Result r = x87::unary(op, fpu.st(0), fpu.control());
  if (fpu.take(r.status, range ? C1 | C2 : C1)) fpu.set(0, r.value);
}

bool is_nan(Float80 value) { return (value.sign_exponent & 0x7FFF) == 0x7FFF && value.significand << 1 != 0; }

template <Two op>
void two_operands(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  constexpr bool pops = op == Two::atan2 || op == Two::yl2x || op == Two::yl2xp1;
  constexpr bool remainder = op == Two::prem || op == Two::prem1;
  if (fpu.empty(0) || fpu.empty(1)) {
    if (remainder) cpu.x87.status &= ~C2;
    if (!fpu.underflow()) return;
    if (pops) fpu.pop();
    fpu.set(0, kIndefinite);
    return;
  }
  const X87Result r = x87::two(op, fpu.st(0), fpu.st(1), fpu.control());
  // A quotient that does not exist has no bits: C0 and C3 stay.
  const bool quotient = remainder && !(r.status & (IE | (DE & ~fpu.control()))) && !is_nan(r.value);
  if (!fpu.take(r.status, quotient ? kConditions : remainder ? C1 | C2 : C1)) return;
  if (pops) fpu.pop();
  fpu.set(0, r.value);
}

// FSINCOS, FPTAN, FXTRACT: ST(0) becomes two values.
template <X87Pair (*op)(Float80, u16), bool range>
void one_to_two(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  if (fpu.empty(0) || fpu.full()) {
    if (range) cpu.x87.status &= ~C2;
    const bool goes_on = fpu.empty(0) ? fpu.underflow() : fpu.overflow();
    if (!goes_on) return;
    fpu.set(0, kIndefinite);
    fpu.push(kIndefinite);
    return;
  }
  const X87Pair r = op(fpu.st(0), fpu.control());
  if (!fpu.take(r.status, range ? C1 | C2 : C1)) return;
  if (range && (r.status & C2)) return;
  fpu.set(0, r.second);
  fpu.push(r.first);
}

// --- comparison ---

void set_unordered(Cpu& cpu) { cpu.x87.status |= C0 | C2 | C3; }

// False if an unmasked exception forbids the pop that may follow.
bool compare_stack(Cpu& cpu, unsigned other, bool unordered) {
  Fpu fpu(cpu);
  if (fpu.empty(0) || fpu.empty(other)) {
    const bool goes_on = fpu.underflow();
    set_unordered(cpu);
    return goes_on;
  }
  return fpu.take(x87::compare(fpu.st(0), fpu.st(other), unordered, fpu.control()), kConditions);
}

template <bool unordered, unsigned pops>
void compare(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  if (!compare_stack(cpu, i.src, unordered)) return;
  for (unsigned n = 0; n < pops; ++n) Fpu(cpu).pop();
}

template <unsigned pops>
struct CompareMemory {
  template <Format format>
  struct Of {
    static void run(Cpu& cpu, const Insn& i) {
      begin_waiting(cpu, i);
      const MemoryOperand b(cpu, i, format);
      Fpu fpu(cpu);
      bool goes_on;
      if (fpu.empty(0)) {
        goes_on = fpu.underflow();
        set_unordered(cpu);
      } else {
        goes_on = fpu.take(x87::compare_memory(fpu.st(0), format, b.bytes, fpu.control()), kConditions);
      }
      if (pops && goes_on) fpu.pop();
    }
  };
};

// One visible register operand is the other side of ST(0); where there are two, it is the second.
void name_other(const Shape& s, unsigned implied) {
  if (s.a == Operand::none) s.insn->src = static_cast<u8>(implied);
  if (s.a == Operand::x87 && s.b == Operand::none) s.insn->src = s.insn->dst;
}

template <bool unordered, unsigned pops>
Handler select_compare(const Shape& s) {
  name_other(s, 1);
  if (s.a != Operand::mem) return helper<compare<unordered, pops>>;
  return by_real_format<CompareMemory<pops>::template Of>(s);
}
template <unsigned pops>
Handler select_integer_compare(const Shape& s) {
  return by_integer_format<CompareMemory<pops>::template Of>(s);
}

// FCOMI and its kin: the result goes to EFLAGS; OF, SF and AF are cleared.
template <bool unordered, bool pops>
void compare_to_flags(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  u16 status = C0 | C2 | C3;
  bool goes_on;
  if (fpu.empty(0) || fpu.empty(i.src)) {
    goes_on = fpu.underflow();
  } else {
    status = x87::compare(fpu.st(0), fpu.st(i.src), unordered, fpu.control());
    goes_on = fpu.take(status, C1);
  }
  if (!goes_on) return;
  cpu.flags.load_arithmetic((status & C0 ? eflags::CF : 0) | (status & C2 ? eflags::PF : 0) |
                            (status & C3 ? eflags::ZF : 0));
  if (pops) fpu.pop();
}

void ftst(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  if (fpu.empty(0)) {
    fpu.underflow();
    return set_unordered(cpu);
  }
  fpu.take(x87::compare(fpu.st(0), Float80{}, false, fpu.control()), kConditions);
}

void fxam(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  u16 conditions;
  if (fpu.empty(0))
    conditions = C3 | C0 | (fpu.st(0).sign_exponent & 0x8000 ? C1 : 0);
  else
    conditions = x87::examine(fpu.st(0));
  cpu.x87.status = static_cast<u16>((cpu.x87.status & ~kConditions) | conditions);
}

// --- moves ---

template <Format format>
struct Load {
  static void run(Cpu& cpu, const Insn& i) {
    begin_waiting(cpu, i);
    const MemoryOperand m(cpu, i, format);
    Fpu fpu(cpu);
    if (fpu.full()) {
      if (fpu.overflow()) fpu.push(kIndefinite);
      return;
    }
    // A denormal operand is loaded even if DE is not masked; only an invalid one is not.
    const X87Result r = x87::load(format, m.bytes);
    fpu.take(r.status);
    if (!(r.status & ~fpu.control() & IE)) fpu.push(r.value);
  }
};

void fld_register(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  // Where both stand against it, the underflow is what is reported.
  if (fpu.empty(i.dst)) {
    if (fpu.underflow()) fpu.push(kIndefinite);
  } else if (fpu.full()) {
    if (fpu.overflow()) fpu.push(kIndefinite);
  } else {
    fpu.clear_c1();
    fpu.push(fpu.st(i.dst));
  }
}

template <unsigned number>
void load_constant(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  if (fpu.full()) {
    if (fpu.overflow()) fpu.push(kIndefinite);
    return;
  }
  fpu.clear_c1();
  fpu.push(x87::constant(number, fpu.control()));
}

// What an empty register stores when the exception is masked: the format's indefinite value.
void store_indefinite(Format format, u8* to) {
  u16 control = 0x037F;
  x87::store(format, kIndefinite, to, control);
}

template <bool pops>
struct StoreMemory {
  template <Format format>
  struct Of {
    // Processors store an extended value in two pieces: what is wrong with the significand's place comes before what
    // is wrong with the exponent's.
    static void put(Cpu& cpu, const Insn& i, u32 offset, const u8* bytes) {
      constexpr u32 kCount = bytes_of_format(format);
      if (kCount == 10) cpu.check_write(i.segment, offset, 8);
      cpu.write_bytes(i.segment, offset, bytes, kCount);
    }
    static void run(Cpu& cpu, const Insn& i) {
      begin_waiting(cpu, i);
      const u32 offset = cpu.effective_address(&i);
      Fpu fpu(cpu);
      alignas(16) u8 bytes[16] = {};
      if (fpu.empty(0)) {
        store_indefinite(format, bytes);
        if (fpu.masked(IE)) put(cpu, i, offset, bytes);
        note_memory_operand(cpu, i, offset);
        if (fpu.underflow() && pops) fpu.pop();
        return;
      }
      const u16 status = x87::store(format, fpu.st(0), bytes, fpu.control());
      const bool stores = !(status & ~fpu.control() & (IE | DE | ZE | OE | UE));
      if (stores) put(cpu, i, offset, bytes);
      note_memory_operand(cpu, i, offset);
      fpu.take(status);
      if (stores && pops) fpu.pop();
    }
  };
};

template <bool pops>
void fst_register(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  if (fpu.empty(0)) {
    if (!fpu.underflow()) return;
    fpu.set(i.dst, kIndefinite);
  } else {
    fpu.clear_c1();
    fpu.set(i.dst, fpu.st(0));
  }
  if (pops) fpu.pop();
}

// D9 D8+i, not in the manuals: FSTP ST(i), but an empty ST(0) is popped and nothing else happens.
void fstp_no_exception(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  fpu.clear_c1();
  if (!fpu.empty(0)) fpu.set(i.dst, fpu.st(0));
  fpu.pop();
}

Handler select_fld(const Shape& s) {
  if (s.a == Operand::x87) return helper<fld_register>;
  return s.a_bits == 80 ? helper<Load<Format::f80>::run> : by_real_format<Load>(s);
}
Handler select_fild(const Shape& s) {
  return s.a_bits == 64 ? helper<Load<Format::i64>::run> : by_integer_format<Load>(s);
}
template <bool pops>
Handler select_fst(const Shape& s) {
  if (s.a == Operand::x87) return helper<fst_register<pops>>;
  if (s.a_bits == 80) return helper<StoreMemory<pops>::template Of<Format::f80>::run>;
  return by_real_format<StoreMemory<pops>::template Of>(s);
}
template <bool pops>
Handler select_fist(const Shape& s) {
  if (s.a_bits == 64) return helper<StoreMemory<pops>::template Of<Format::i64>::run>;
  return by_integer_format<StoreMemory<pops>::template Of>(s);
}

void fxch(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  if (fpu.empty(0) || fpu.empty(i.dst)) {
    if (!fpu.underflow()) return;
    if (fpu.empty(0)) fpu.set(0, kIndefinite);
    if (fpu.empty(i.dst)) fpu.set(i.dst, kIndefinite);
  } else {
    fpu.clear_c1();
  }
  const Float80 old = fpu.st(0);
  fpu.set(0, fpu.st(i.dst));
  fpu.set(i.dst, old);
}

template <unsigned Code>
void fcmov(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  Fpu fpu(cpu);
  // C1 changes only with an underflow (SDM 2, FCMOVcc).
  if (fpu.empty(0) || fpu.empty(i.src)) return fpu.indefinite(0);
  if (cpu.flags.condition<Code>()) fpu.set(0, fpu.st(i.src));
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_FADD, arithmetic<Binary::add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FMUL, arithmetic<Binary::mul>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSUB, arithmetic<Binary::sub>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSUBR, arithmetic<Binary::subr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FDIV, arithmetic<Binary::div>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FDIVR, arithmetic<Binary::divr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FADDP, arithmetic_pop<Binary::add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FMULP, arithmetic_pop<Binary::mul>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSUBP, arithmetic_pop<Binary::sub>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSUBRP, arithmetic_pop<Binary::subr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FDIVP, arithmetic_pop<Binary::div>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FDIVRP, arithmetic_pop<Binary::divr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FIADD, integer_arithmetic<Binary::add>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FIMUL, integer_arithmetic<Binary::mul>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FISUB, integer_arithmetic<Binary::sub>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FISUBR, integer_arithmetic<Binary::subr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FIDIV, integer_arithmetic<Binary::div>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FIDIVR, integer_arithmetic<Binary::divr>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSQRT, always<unary<Unary::sqrt>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FRNDINT, always<unary<Unary::round>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSIN, always<unary<Unary::sin>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCOS, always<unary<Unary::cos>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_F2XM1, always<unary<Unary::f2xm1>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FABS, always<unary<Unary::abs>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCHS, always<unary<Unary::chs>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSCALE, always<two_operands<Two::scale>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FPREM, always<two_operands<Two::prem>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FPREM1, always<two_operands<Two::prem1>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FPATAN, always<two_operands<Two::atan2>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FYL2X, always<two_operands<Two::yl2x>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FYL2XP1, always<two_operands<Two::yl2xp1>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSINCOS, always<one_to_two<x87::sincos, true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FPTAN, always<one_to_two<x87::tan, true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FXTRACT, always<one_to_two<x87::extract, false>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCOM, select_compare<false, 0>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCOMP, select_compare<false, 1>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCOMPP, select_compare<false, 2>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FUCOM, select_compare<true, 0>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FUCOMP, select_compare<true, 1>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FUCOMPP, select_compare<true, 2>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FICOM, select_integer_compare<0>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FICOMP, select_integer_compare<1>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCOMI, always<compare_to_flags<false, false>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCOMIP, always<compare_to_flags<false, true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FUCOMI, always<compare_to_flags<true, false>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FUCOMIP, always<compare_to_flags<true, true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FTST, always<ftst>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FXAM, always<fxam>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLD, select_fld, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FILD, select_fild, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FBLD, always<Load<Format::bcd>::run>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLD1, always<load_constant<0>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLDL2T, always<load_constant<1>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLDL2E, always<load_constant<2>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLDPI, always<load_constant<3>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLDLG2, always<load_constant<4>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLDLN2, always<load_constant<5>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FLDZ, always<load_constant<6>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FST, select_fst<false>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSTP, select_fst<true>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FSTPNCE, always<fstp_no_exception>},
    {ZYDIS_MNEMONIC_FIST, select_fist<false>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FISTP, select_fist<true>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FBSTP, always<StoreMemory<true>::Of<Format::bcd>::run>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FXCH, always<fxch>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVB, always<fcmov<2>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVNB, always<fcmov<3>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVE, always<fcmov<4>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVNE, always<fcmov<5>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVBE, always<fcmov<6>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVNBE, always<fcmov<7>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVU, always<fcmov<10>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FCMOVNU, always<fcmov<11>>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::x87() { return kRows; }

}  // namespace penumbra
