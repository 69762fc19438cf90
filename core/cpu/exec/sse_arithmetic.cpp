// SSE and SSE2 floating-point arithmetic and comparison (SDM 1 10.4.1.2, 11.4.1.2).
#include "core/cpu/exec/sse_exceptions.h"

namespace penumbra {

namespace {

// The four forms of an operation: PS, PD, SS, SD.
enum class Form : u8 { ps, pd, ss, sd };

constexpr u32 bytes_of(Form form) { return form == Form::ss ? 4 : form == Form::sd ? 8 : 16; }
constexpr bool doubles(Form form) { return form == Form::pd || form == Form::sd; }
constexpr unsigned lanes_in(Form form) { return form == Form::ps ? 4 : form == Form::pd ? 2 : 1; }

// Operations that cannot overflow or underflow.
template <sse::Function function, Form form>
void plain(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const Xmm b = xmm_source<bytes_of(form)>(cpu, i);
  Xmm a = cpu.xmm[i.dst];
  take_simd(cpu, function(a, b, cpu.mxcsr));
  cpu.xmm[i.dst] = a;
}

template <sse::Function function, Form form, Rounding rounding>
void rounded(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const Xmm b = xmm_source<bytes_of(form)>(cpu, i);
  Xmm a = cpu.xmm[i.dst];
  u32 flags = function(a, b, cpu.mxcsr);
  if (precise_flags_wanted(cpu.mxcsr)) [[unlikely]]
    flags = precise_flags(function, rounding, doubles(form), lanes_in(form), cpu.xmm[i.dst], b, cpu.mxcsr);
  take_simd(cpu, flags);
  cpu.xmm[i.dst] = a;
}

template <u32 (*function)(Xmm&, const Xmm&, u32, u32), Form form>
void compare(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const Xmm b = xmm_source<bytes_of(form)>(cpu, i);
  Xmm a = cpu.xmm[i.dst];
  take_simd(cpu, function(a, b, cpu.mxcsr, i.immediate));
  cpu.xmm[i.dst] = a;
}
Handler select_cmpsd(const Shape& s) {
  return s.a == Operand::none ? rows::select_cmpsd_string(s) : helper<compare<sse::cmpsd, Form::sd>>;
}

// COMISS and its kin: ZF, PF and CF tell; OF, SF and AF are cleared.
template <sse::Function function, Form form>
void compare_to_flags(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const Xmm b = xmm_source<bytes_of(form)>(cpu, i);
  Xmm a = cpu.xmm[i.dst];
  take_simd(cpu, function(a, b, cpu.mxcsr));
  cpu.flags.load_arithmetic(a.dword[0]);
}

#define PLAIN(mnemonic, name, form) \
  { ZYDIS_MNEMONIC_##mnemonic, always<plain<sse::name, Form::form>>, kGoesOn, Emission::native }
#define ROUNDED(mnemonic, name, form, rounding) \
  { ZYDIS_MNEMONIC_##mnemonic, always<rounded<sse::name, Form::form, Rounding::rounding>>, kGoesOn, Emission::native }
#define COMPARE(mnemonic, name, form) \
  { ZYDIS_MNEMONIC_##mnemonic, always<compare<sse::name, Form::form>>, kGoesOn, Emission::native }
#define TO_FLAGS(mnemonic, name, form) \
  { ZYDIS_MNEMONIC_##mnemonic, always<compare_to_flags<sse::name, Form::form>>, kGoesOn, Emission::native }

constexpr Row kRows[] = {
    ROUNDED(ADDPS, addps, ps, add), ROUNDED(ADDPD, addpd, pd, add),
    ROUNDED(ADDSS, addss, ss, add), ROUNDED(ADDSD, addsd, sd, add),
    ROUNDED(SUBPS, subps, ps, sub), ROUNDED(SUBPD, subpd, pd, sub),
    ROUNDED(SUBSS, subss, ss, sub), ROUNDED(SUBSD, subsd, sd, sub),
    ROUNDED(MULPS, mulps, ps, mul), ROUNDED(MULPD, mulpd, pd, mul),
    ROUNDED(MULSS, mulss, ss, mul), ROUNDED(MULSD, mulsd, sd, mul),
    ROUNDED(DIVPS, divps, ps, div), ROUNDED(DIVPD, divpd, pd, div),
    ROUNDED(DIVSS, divss, ss, div), ROUNDED(DIVSD, divsd, sd, div),
    PLAIN(MINPS, minps, ps),        PLAIN(MINPD, minpd, pd),
    PLAIN(MINSS, minss, ss),        PLAIN(MINSD, minsd, sd),
    PLAIN(MAXPS, maxps, ps),        PLAIN(MAXPD, maxpd, pd),
    PLAIN(MAXSS, maxss, ss),        PLAIN(MAXSD, maxsd, sd),
    PLAIN(SQRTPS, sqrtps, ps),      PLAIN(SQRTPD, sqrtpd, pd),
    PLAIN(SQRTSS, sqrtss, ss),      PLAIN(SQRTSD, sqrtsd, sd),
    PLAIN(RCPPS, rcpps, ps),        PLAIN(RCPSS, rcpss, ss),
    PLAIN(RSQRTPS, rsqrtps, ps),    PLAIN(RSQRTSS, rsqrtss, ss),
    COMPARE(CMPPS, cmpps, ps),      COMPARE(CMPPD, cmppd, pd),
    COMPARE(CMPSS, cmpss, ss),      {ZYDIS_MNEMONIC_CMPSD, select_cmpsd, kGoesOn, Emission::native},
    TO_FLAGS(COMISS, comiss, ss),   TO_FLAGS(COMISD, comisd, sd),
    TO_FLAGS(UCOMISS, ucomiss, ss), TO_FLAGS(UCOMISD, ucomisd, sd),
};

}  // namespace

std::span<const Row> rows::sse_arithmetic() { return kRows; }

}  // namespace penumbra
