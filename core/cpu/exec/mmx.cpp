// EMMS, masked stores, and moves between the MMX and XMM files.
#include "core/cpu/exec/simd.h"

namespace penumbra {

namespace {

void emms(Cpu& cpu, const Insn&) {
  begin_mmx(cpu);
  cpu.x87.top = 0;
  cpu.x87.valid = 0;
}

void movq2dq(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  begin_mmx(cpu);
  Xmm value{};
  value.qword[0] = mm(cpu, i.src);
  enter_mmx(cpu);
  cpu.xmm[i.dst] = value;
}
void movdq2q(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  begin_mmx(cpu);
  set_mm(cpu, i.dst, cpu.xmm[i.src].qword[0]);
}

// MASKMOVQ and MASKMOVDQU: bytes whose mask has its sign bit set go to [EDI]. Whether bytes that are not chosen can
// fault is the implementation's choice (SDM 2): here all do, the upper quadword's before the lower's, and MMX state is
// entered first.
template <class File>
void masked_store(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  File::touch(cpu);
  const auto bytes = lanes<u8>(File::get(cpu, i.dst));
  const auto mask = lanes<u8>(File::get(cpu, i.src));
  const u32 wrap = i.address16 ? 0xFFFF : 0xFFFF'FFFF;
  const auto offset_of = [&](std::size_t n) { return (cpu.gpr[EDI] + static_cast<u32>(n)) & wrap; };
  for (std::size_t n = bytes.size(); n > 0; n -= 8) cpu.check_write(i.segment, offset_of(n - 8), 8);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    if (mask[n] & 0x80) cpu.write<u8>(i.segment, offset_of(n), bytes[n]);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_EMMS, always<emms>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVQ2DQ, always<movq2dq>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVDQ2Q, always<movdq2q>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MASKMOVQ, always<masked_store<MmxFile>>},
    {ZYDIS_MNEMONIC_MASKMOVDQU, always<masked_store<XmmFile>>},
};

}  // namespace

std::span<const Row> rows::mmx() { return kRows; }

}  // namespace penumbra
