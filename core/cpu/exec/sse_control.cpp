// MXCSR and the fences.
#include "core/cpu/exec/simd.h"

namespace penumbra {

namespace {

void ldmxcsr(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  const u32 value = cpu.read<u32>(i.segment, cpu.effective_address(&i));
  if (value & ~cpu.model().mxcsr_mask) raise_gp();
  cpu.mxcsr = value;
}
void stmxcsr(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  cpu.write<u32>(i.segment, cpu.effective_address(&i), cpu.mxcsr);
}

// Guest memory accesses happen in program order anyway.
void fence(Cpu& cpu, const Insn* i) { return next(cpu, i); }
Handler select_fence(const Shape&) { return fence; }

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_LDMXCSR, always<ldmxcsr>},
    {ZYDIS_MNEMONIC_STMXCSR, always<stmxcsr>},
    {ZYDIS_MNEMONIC_LFENCE, select_fence, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MFENCE, select_fence, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SFENCE, select_fence, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::sse_control() { return kRows; }

}  // namespace penumbra
