// Conversions between integers, singles and doubles in general, MMX and XMM registers (SDM 1 11.4.1.6).
#include "core/cpu/exec/sse_exceptions.h"

namespace penumbra {

namespace {

// XMM to XMM; `bytes` is what a memory operand has.
template <sse::Function function, u32 bytes>
void convert(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const Xmm b = xmm_source<bytes>(cpu, i);
  Xmm a = cpu.xmm[i.dst];
  take_simd(cpu, function(a, b, cpu.mxcsr));
  cpu.xmm[i.dst] = a;
}

// Doubles to singles, which may overflow or underflow.
template <sse::Function function, u32 bytes>
void narrow(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const Xmm b = xmm_source<bytes>(cpu, i);
  Xmm a = cpu.xmm[i.dst];
  u32 flags = function(a, b, cpu.mxcsr);
  if (precise_flags_wanted(cpu.mxcsr)) [[unlikely]]
    flags = precise_flags(function, Rounding::narrow, true, bytes / 8, cpu.xmm[i.dst], b, cpu.mxcsr);
  take_simd(cpu, flags);
  cpu.xmm[i.dst] = a;
}

template <sse::Function function>
void from_general(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  Xmm b{};
  b.dword[0] = source_operand<u32>(cpu, i);
  Xmm a = cpu.xmm[i.dst];
  take_simd(cpu, function(a, b, cpu.mxcsr));
  cpu.xmm[i.dst] = a;
}

template <sse::Function function, u32 bytes>
void to_general(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const Xmm b = xmm_source<bytes>(cpu, i);
  Xmm a{};
  take_simd(cpu, function(a, b, cpu.mxcsr));
  dst<u32>(cpu, &i) = a.dword[0];
}

// From an MMX register or memory; the latter leaves the x87 alone. MMX state is entered even if the conversion then
// raises #XM.
u64 integers_from_mmx(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  if (i.memory) return cpu.read<u64>(i.segment, cpu.effective_address(&i));
  begin_mmx(cpu);
  enter_mmx(cpu);
  return mm(cpu, i.src);
}

// CVTPI2PS: two dwords to the low two singles. The conversion of four does it, the upper two being zeros.
void cvtpi2ps(Cpu& cpu, const Insn& i) {
  Xmm b{};
  b.qword[0] = integers_from_mmx(cpu, i);
  Xmm a{};
  take_simd(cpu, sse::cvtdq2ps(a, b, cpu.mxcsr));
  cpu.xmm[i.dst].qword[0] = a.qword[0];
}

// CVTPI2PD is exact.
void cvtpi2pd(Cpu& cpu, const Insn& i) {
  Xmm b{};
  b.qword[0] = integers_from_mmx(cpu, i);
  sse::cvtdq2pd(cpu.xmm[i.dst], b, cpu.mxcsr);
}

// To two dwords in an MMX register.
template <sse::Function function, u32 bytes>
void to_mmx(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  begin_mmx(cpu);
  Xmm b = xmm_source<bytes>(cpu, i);
  if (bytes == 8) b.qword[1] = 0;
  enter_mmx(cpu);
  Xmm a{};
  take_simd(cpu, function(a, b, cpu.mxcsr));
  set_mm(cpu, i.dst, a.qword[0]);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_CVTSS2SD, always<convert<sse::cvtss2sd, 4>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTSD2SS, always<narrow<sse::cvtsd2ss, 8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPS2PD, always<convert<sse::cvtps2pd, 8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPD2PS, always<narrow<sse::cvtpd2ps, 16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTDQ2PS, always<convert<sse::cvtdq2ps, 16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTDQ2PD, always<convert<sse::cvtdq2pd, 8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPS2DQ, always<convert<sse::cvtps2dq, 16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTTPS2DQ, always<convert<sse::cvttps2dq, 16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPD2DQ, always<convert<sse::cvtpd2dq, 16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTTPD2DQ, always<convert<sse::cvttpd2dq, 16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTSI2SS, always<from_general<sse::cvtsi2ss>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTSI2SD, always<from_general<sse::cvtsi2sd>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTSS2SI, always<to_general<sse::cvtss2si, 4>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTTSS2SI, always<to_general<sse::cvttss2si, 4>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTSD2SI, always<to_general<sse::cvtsd2si, 8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTTSD2SI, always<to_general<sse::cvttsd2si, 8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPI2PS, always<cvtpi2ps>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPI2PD, always<cvtpi2pd>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPS2PI, always<to_mmx<sse::cvtps2dq, 8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTTPS2PI, always<to_mmx<sse::cvttps2dq, 8>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTPD2PI, always<to_mmx<sse::cvtpd2dq, 16>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CVTTPD2PI, always<to_mmx<sse::cvttpd2dq, 16>>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::sse_convert() { return kRows; }

}  // namespace penumbra
