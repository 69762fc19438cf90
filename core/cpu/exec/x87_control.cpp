// x87 control: exceptions and their reporting, control and status words, environments, FXSAVE (SDM 1 8.1, 10.5).
#include "core/cpu/exec/fpu.h"
#include "core/cpu/fx_image.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

using namespace x87_bits;

void update_summary(Cpu& cpu) {
  X87State& x = cpu.x87;
  const bool was = x.status & SUMMARY;
  const bool pending = x.status & ~x.control & kExceptions;
  x.status = static_cast<u16>(pending ? x.status | SUMMARY | B : x.status & ~(SUMMARY | B));
  if (was && !pending && cpu.ferr()) cpu.ferr()->set(false);
}

void begin_no_wait(Cpu& cpu) {
  if (cpu.cr0 & (cr0::EM | cr0::TS)) raise(Vector::NM);
}

namespace {

// A pending unmasked exception: #MF, or with CR0.NE = 0 FERR# and a wait for the interrupt (SDM 1 D.2.1).
void report_pending(Cpu& cpu) {
  if (!(cpu.x87.status & SUMMARY)) return;
  if (cpu.cr0 & cr0::NE) raise(Vector::MF);
  if (cpu.ferr()) cpu.ferr()->set(true);
  if (!cpu.ignne()) throw RetryInstruction{};
}

}  // namespace

void begin_control(Cpu& cpu) {
  begin_no_wait(cpu);
  report_pending(cpu);
}

void begin_waiting(Cpu& cpu, const Insn& i) {
  begin_control(cpu);
  cpu.x87.instruction_pointer = cpu.eip_of(&i);
  cpu.x87.instruction_selector = cpu.segment[CS].selector;
  cpu.x87.opcode = i.opcode;
}

void note_memory_operand(Cpu& cpu, const Insn& i, u32 offset) {
  cpu.x87.operand_pointer = offset;
  cpu.x87.operand_selector = cpu.segment[i.segment].selector;
}

void initialize_x87(Cpu& cpu) {
  X87State& x = cpu.x87;
  x.control = 0x037F;
  x.status = 0;
  x.top = 0;
  x.valid = 0;
  x.opcode = 0;
  x.instruction_pointer = x.operand_pointer = 0;
  x.instruction_selector = x.operand_selector = 0;
  if (cpu.ferr()) cpu.ferr()->set(false);
}

namespace {

void fwait(Cpu& cpu, const Insn&) {
  if ((cpu.cr0 & (cr0::MP | cr0::TS)) == (cr0::MP | cr0::TS)) raise(Vector::NM);
  report_pending(cpu);
}

void fninit(Cpu& cpu, const Insn&) {
  begin_no_wait(cpu);
  initialize_x87(cpu);
}
void fnclex(Cpu& cpu, const Insn&) {
  begin_no_wait(cpu);
  cpu.x87.status &= static_cast<u16>(~(kExceptions | SF | SUMMARY | B));
  if (cpu.ferr()) cpu.ferr()->set(false);
}
void fnop(Cpu& cpu, const Insn& i) { begin_waiting(cpu, i); }
// FENI, FDISI and FSETPM did something on the 8087 and the 287 only.
void old_nop(Cpu& cpu, const Insn&) { begin_no_wait(cpu); }

void fldcw(Cpu& cpu, const Insn& i) {
  begin_control(cpu);
  cpu.x87.control = static_cast<u16>((cpu.read<u16>(i.segment, cpu.effective_address(&i)) & 0x1F3F) | 0x40);
  update_summary(cpu);
}
void fnstcw(Cpu& cpu, const Insn& i) {
  begin_no_wait(cpu);
  cpu.write<u16>(i.segment, cpu.effective_address(&i), cpu.x87.control);
}
void fnstsw(Cpu& cpu, const Insn& i) {
  begin_no_wait(cpu);
  if (i.memory)
    cpu.write<u16>(i.segment, cpu.effective_address(&i), cpu.x87.status_word());
  else
    reg<u16>(cpu, 0) = cpu.x87.status_word();
}

void fincstp(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  cpu.x87.top = (cpu.x87.top + 1) & 7;
  cpu.x87.status &= ~C1;
}
void fdecstp(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  cpu.x87.top = (cpu.x87.top - 1) & 7;
  cpu.x87.status &= ~C1;
}
template <bool pops>
void ffree(Cpu& cpu, const Insn& i) {
  begin_waiting(cpu, i);
  cpu.x87.valid &= static_cast<u8>(~(1u << ((cpu.x87.top + i.dst) & 7)));
  if (pops) Fpu(cpu).pop();
}

// The environment in its four formats (SDM 1 figures 8-9 to 8-12), as bytes; answers their count.
u32 environment(const Cpu& cpu, bool wide, u8* to) {
  const X87State& x = cpu.x87;
  const bool real = cpu.real_or_v86();
  const u32 instruction = real ? x.instruction_pointer + (u32{x.instruction_selector} << 4) : x.instruction_pointer;
  const u32 operand = real ? x.operand_pointer + (u32{x.operand_selector} << 4) : x.operand_pointer;
  const u16 opcode = x.opcode & 0x7FF;
  if (wide) {
    const u32 words[7] = {
        0xFFFF'0000u | x.control,
        0xFFFF'0000u | x.status_word(),
        0xFFFF'0000u | x.tag_word(),
        real ? 0xFFFF'0000u | (instruction & 0xFFFF) : instruction,
        real ? (instruction & 0xFFFF'0000) >> 4 | opcode : u32{x.instruction_selector} | u32{opcode} << 16,
        real ? 0xFFFF'0000u | (operand & 0xFFFF) : operand,
        real ? (operand & 0xFFFF'0000) >> 4 : 0xFFFF'0000u | x.operand_selector,
    };
    std::memcpy(to, words, sizeof words);
    return sizeof words;
  }
  const u16 words[7] = {
      x.control,
      x.status_word(),
      x.tag_word(),
      static_cast<u16>(instruction),
      static_cast<u16>(real ? (instruction >> 4 & 0xF000) | opcode : x.instruction_selector),
      static_cast<u16>(operand),
      static_cast<u16>(real ? operand >> 4 & 0xF000 : x.operand_selector),
  };
  std::memcpy(to, words, sizeof words);
  return sizeof words;
}

void load_environment(Cpu& cpu, bool wide, const u8* from) {
  X87State& x = cpu.x87;
  const bool real = cpu.real_or_v86();
  u32 word[7];
  for (unsigned n = 0; n < 7; ++n) word[n] = wide ? load<u32>(from + 4 * n) : load<u16>(from + 2 * n);
  x.control = static_cast<u16>((word[0] & 0x1F3F) | 0x40);
  x.load_status_word(static_cast<u16>(word[1]));
  x.load_tag_word(static_cast<u16>(word[2]));
  x.instruction_selector = x.operand_selector = 0;
  if (real) {
    const u32 high = wide ? 0x0FFF'F000 : 0xF000;
    x.instruction_pointer = (word[3] & 0xFFFF) | (word[4] & high) << 4;
    x.operand_pointer = (word[5] & 0xFFFF) | (word[6] & high) << 4;
    x.opcode = word[4] & 0x7FF;
  } else {
    x.instruction_pointer = word[3];
    x.instruction_selector = static_cast<u16>(word[4]);
    if (wide) x.opcode = word[4] >> 16 & 0x7FF;
    x.operand_pointer = word[5];
    x.operand_selector = static_cast<u16>(word[6]);
  }
  update_summary(cpu);
}

void fnstenv(Cpu& cpu, const Insn& i) {
  begin_no_wait(cpu);
  u8 image[28];
  const u32 bytes = environment(cpu, i.operand_bits == 32, image);
  cpu.write_bytes(i.segment, cpu.effective_address(&i), image, bytes);
  cpu.x87.control |= kExceptions;
  update_summary(cpu);
}

void fldenv(Cpu& cpu, const Insn& i) {
  begin_control(cpu);
  const bool wide = i.operand_bits == 32;
  u8 image[28];
  cpu.read_bytes(i.segment, cpu.effective_address(&i), image, wide ? 28 : 14);
  load_environment(cpu, wide, image);
}

void fnsave(Cpu& cpu, const Insn& i) {
  begin_no_wait(cpu);
  u8 image[28 + 80];
  const u32 head = environment(cpu, i.operand_bits == 32, image);
  Fpu fpu(cpu);
  for (unsigned n = 0; n < 8; ++n) {
    store<u64>(image + head + 10 * n, fpu.st(n).significand);
    store<u16>(image + head + 10 * n + 8, fpu.st(n).sign_exponent);
  }
  cpu.write_bytes(i.segment, cpu.effective_address(&i), image, head + 80);
  initialize_x87(cpu);
}

void frstor(Cpu& cpu, const Insn& i) {
  begin_control(cpu);
  const bool wide = i.operand_bits == 32;
  const u32 head = wide ? 28 : 14;
  u8 image[28 + 80];
  cpu.read_bytes(i.segment, cpu.effective_address(&i), image, head + 80);
  load_environment(cpu, wide, image);
  for (unsigned n = 0; n < 8; ++n)
    cpu.x87.registers[(cpu.x87.top + n) & 7] = {load<u64>(image + head + 10 * n), load<u16>(image + head + 10 * n + 8)};
}

// SDM 1 table 10-2. XMM and MXCSR are part of it whether or not CR4.OSFXSR is set (SDM 2, FXSAVE:
// implementation-defined).
void fxsave(Cpu& cpu, const Insn& i) {
  begin_no_wait(cpu);
  const u32 offset = cpu.effective_address(&i);
  if ((cpu.segment[i.segment].base + offset) & 15) raise_gp();
  u8 image[kFxWritten] = {};
  cpu.check_write(i.segment, offset, 512);
  store_fx_x87(cpu.x87, image);
  if (cpu.model().has(Feature::sse)) {
    store<u32>(image + 24, cpu.mxcsr);
    store<u32>(image + 28, cpu.model().mxcsr_mask);
    for (unsigned n = 0; n < 8; ++n) std::memcpy(image + 160 + 16 * n, &cpu.xmm[n], 16);
  }
  cpu.write_bytes(i.segment, offset, image, kFxWritten);
}

void fxrstor(Cpu& cpu, const Insn& i) {
  begin_no_wait(cpu);
  const u32 offset = cpu.effective_address(&i);
  if ((cpu.segment[i.segment].base + offset) & 15) raise_gp();
  u8 image[512];
  cpu.read_bytes(i.segment, offset, image, 512);
  const bool sse = cpu.model().has(Feature::sse);
  const u32 mxcsr = load<u32>(image + 24);
  if (sse && (mxcsr & ~cpu.model().mxcsr_mask)) raise_gp();
  load_fx_x87(cpu.x87, image);
  if (sse) {
    cpu.mxcsr = mxcsr;
    for (unsigned n = 0; n < 8; ++n) std::memcpy(&cpu.xmm[n], image + 160 + 16 * n, 16);
  }
  update_summary(cpu);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_FWAIT, always<fwait>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FNINIT, always<fninit>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FNCLEX, always<fnclex>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FNOP, always<fnop>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FENI8087_NOP, always<old_nop>},
    {ZYDIS_MNEMONIC_FDISI8087_NOP, always<old_nop>},
    {ZYDIS_MNEMONIC_FSETPM287_NOP, always<old_nop>},
    {ZYDIS_MNEMONIC_FLDCW, always<fldcw>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FNSTCW, always<fnstcw>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FNSTSW, always<fnstsw>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FINCSTP, always<fincstp>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FDECSTP, always<fdecstp>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FFREE, always<ffree<false>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FFREEP, always<ffree<true>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_FNSTENV, always<fnstenv>},
    {ZYDIS_MNEMONIC_FLDENV, always<fldenv>},
    {ZYDIS_MNEMONIC_FNSAVE, always<fnsave>},
    {ZYDIS_MNEMONIC_FRSTOR, always<frstor>},
    {ZYDIS_MNEMONIC_FXSAVE, always<fxsave>},
    {ZYDIS_MNEMONIC_FXRSTOR, always<fxrstor>},
};

}  // namespace

std::span<const Row> rows::x87_control() { return kRows; }

}  // namespace penumbra
