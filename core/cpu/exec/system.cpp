// System instructions: control and debug registers, descriptor tables, TLB and caches, HLT, CPUID, time stamp, MSRs,
// SYSENTER and SYSEXIT (SDM 2, SDM 3A chapter 2).
#include "core/cpu/exec/handlers.h"
#include "core/cpu/interrupt.h"
#include "core/cpu/isa_table.h"
#include "core/cpu/msr.h"
#include "core/cpu/segmentation.h"

namespace penumbra {

namespace {

void only_privileged(const Cpu& cpu) {
  if (cpu.cpl != 0) raise_gp();
}
void only_protected(const Cpu& cpu) {
  if (cpu.real_or_v86()) raise_ud();
}

void write_cr0(Cpu& cpu, u32 value) {
  constexpr u32 kKept =
      cr0::PE | cr0::MP | cr0::EM | cr0::TS | cr0::NE | cr0::WP | cr0::AM | cr0::NW | cr0::CD | cr0::PG;
  value = (value & kKept) | cr0::ET;
  if ((value & cr0::PG) && !(value & cr0::PE)) raise_gp();
  if ((value & cr0::NW) && !(value & cr0::CD)) raise_gp();
  const u32 changed = value ^ cpu.cr0;
  if (changed & (cr0::PG | cr0::CD | cr0::NW)) cpu.load_pdptes(value, cpu.cr3, cpu.cr4);
  cpu.cr0 = value;
  if (changed & (cr0::PG | cr0::PE | cr0::WP)) cpu.flush_tlb();
  if ((changed & cr0::PE) && !(value & cr0::PE)) cpu.set_cpl(0);
  cpu.update_mode();
}

void write_cr3(Cpu& cpu, u32 value) {
  cpu.load_pdptes(cpu.cr0, value, cpu.cr4);
  cpu.cr3 = value;
  cpu.flush_tlb_for_cr3();
}

void write_cr4(Cpu& cpu, u32 value) {
  if (value & ~cpu.model().cr4_mask()) raise_gp();
  const u32 changed = value ^ cpu.cr4;
  if (changed & (cr4::PSE | cr4::PAE | cr4::PGE)) cpu.load_pdptes(cpu.cr0, cpu.cr3, value);
  cpu.cr4 = value;
  if (changed & (cr4::PSE | cr4::PAE | cr4::PGE)) cpu.flush_tlb();
}

void mov_to_control(Cpu& cpu, const Insn& i) {
  only_privileged(cpu);
  const u32 value = reg<u32>(cpu, i.src);
  switch (i.dst) {
    case 0: return write_cr0(cpu, value);
    case 2: cpu.cr2 = value; return;
    case 3: return write_cr3(cpu, value);
    case 4:
      if (!cpu.model().cr4_mask()) raise_ud();
      return write_cr4(cpu, value);
    default: raise_ud();
  }
}

void mov_from_control(Cpu& cpu, const Insn& i) {
  only_privileged(cpu);
  u32& to = reg<u32>(cpu, i.dst);
  switch (i.src) {
    case 0: to = cpu.cr0; return;
    case 2: to = cpu.cr2; return;
    case 3: to = cpu.cr3; return;
    case 4:
      if (!cpu.model().cr4_mask()) raise_ud();
      to = cpu.cr4;
      return;
    default: raise_ud();
  }
}

// DR4 and DR5 are DR6 and DR7 unless CR4.DE; with DR7.GD every access is a #DB before it happens (SDM 3B 17.2).
unsigned debug_register(Cpu& cpu, unsigned number) {
  only_privileged(cpu);
  if (number == 4 || number == 5) {
    if (cpu.cr4 & cr4::DE) raise_ud();
    number += 2;
  }
  if (cpu.dr[7] & 1u << 13) {
    cpu.dr[6] |= 1u << 13;
    cpu.dr[7] &= ~(1u << 13);
    raise(Vector::DB);
  }
  return number;
}

void mov_to_debug(Cpu& cpu, const Insn& i) {
  const unsigned number = debug_register(cpu, i.dst);
  u32 value = reg<u32>(cpu, i.src);
  if (number == 6) value = (value & 0x0000'E00F) | 0xFFFF'0FF0;
  if (number == 7) value = (value & 0xFFFF'2FFF) | 0x400;
  cpu.dr[number] = value;
  cpu.update_mode();
}
void mov_from_debug(Cpu& cpu, const Insn& i) { reg<u32>(cpu, i.dst) = cpu.dr[debug_register(cpu, i.src)]; }

void smsw(Cpu& cpu, const Insn& i) {
  if (i.memory || i.operand_bits == 16)
    set_operand<u16>(cpu, i, static_cast<u16>(cpu.cr0));
  else
    reg<u32>(cpu, i.dst) = cpu.cr0;
}
// LMSW can set PE but not clear it.
void lmsw(Cpu& cpu, const Insn& i) {
  only_privileged(cpu);
  const u32 value = operand<u16>(cpu, i) & 15;
  write_cr0(cpu, (cpu.cr0 & ~15u) | value | (cpu.cr0 & cr0::PE));
}
void clts(Cpu& cpu, const Insn&) {
  only_privileged(cpu);
  cpu.cr0 &= ~cr0::TS;
}

void load_table(Cpu& cpu, const Insn& i, DescriptorTable& table) {
  only_privileged(cpu);
  const u32 offset = cpu.effective_address(&i);
  const u16 limit = cpu.read<u16>(i.segment, offset);
  const u32 base = cpu.read<u32>(i.segment, i.address16 ? (offset + 2) & 0xFFFF : offset + 2);
  table = {i.operand_bits == 16 ? base & 0x00FF'FFFF : base, limit};
}
void store_table(Cpu& cpu, const Insn& i, const DescriptorTable& table) {
  const u32 offset = cpu.effective_address(&i);
  cpu.check_write(i.segment, offset, 6);
  cpu.write<u16>(i.segment, offset, table.limit);
  cpu.write<u32>(i.segment, i.address16 ? (offset + 2) & 0xFFFF : offset + 2, table.base);
}
void lgdt(Cpu& cpu, const Insn& i) { load_table(cpu, i, cpu.gdtr); }
void lidt(Cpu& cpu, const Insn& i) { load_table(cpu, i, cpu.idtr); }
void sgdt(Cpu& cpu, const Insn& i) { store_table(cpu, i, cpu.gdtr); }
void sidt(Cpu& cpu, const Insn& i) { store_table(cpu, i, cpu.idtr); }

void store_selector(Cpu& cpu, const Insn& i, u16 selector) {
  only_protected(cpu);
  if (i.memory || i.operand_bits == 16)
    set_operand<u16>(cpu, i, selector);
  else
    reg<u32>(cpu, i.dst) = selector;
}
void sldt(Cpu& cpu, const Insn& i) { store_selector(cpu, i, cpu.ldtr.selector); }
void str(Cpu& cpu, const Insn& i) { store_selector(cpu, i, cpu.tr.selector); }

Descriptor system_descriptor(Cpu& cpu, u16 selector) {
  if (selector & 4) raise_gp(selector_error(selector));
  return fetch_descriptor(cpu, selector);
}

void lldt(Cpu& cpu, const Insn& i) {
  only_protected(cpu);
  only_privileged(cpu);
  const u16 selector = operand<u16>(cpu, i);
  if (is_null(selector)) {
    cpu.ldtr.make_unusable(selector);
    return;
  }
  const Descriptor d = system_descriptor(cpu, selector);
  if (d.code_or_data() || d.type() != system_type::ldt) raise_gp(selector_error(selector));
  if (!d.present()) raise(Vector::NP, selector_error(selector));
  cpu.ldtr = make_segment(selector, d);
}

void ltr(Cpu& cpu, const Insn& i) {
  only_protected(cpu);
  only_privileged(cpu);
  const u16 selector = operand<u16>(cpu, i);
  if (is_null(selector)) raise_gp();
  Descriptor d = system_descriptor(cpu, selector);
  const bool available = d.type() == system_type::tss16 || d.type() == system_type::tss32;
  if (d.code_or_data() || !available) raise_gp(selector_error(selector));
  if (!d.present()) raise(Vector::NP, selector_error(selector));
  d.high |= 0x200;  // busy
  cpu.write_system<u32>(d.address + 4, d.high);
  cpu.tr = make_segment(selector, d);
}

void invlpg(Cpu& cpu, const Insn& i) {
  only_privileged(cpu);
  cpu.flush_page(cpu.segment[i.segment].base + cpu.effective_address(&i));
}
void invd(Cpu& cpu, const Insn&) { only_privileged(cpu); }
// Like a load, but an execute-only segment will do (SDM 2, CLFLUSH).
void clflush(Cpu& cpu, const Insn& i) {
  const u32 offset = cpu.effective_address(&i);
  const Segment& s = cpu.segment[i.segment];
  if (s.usable() && s.code() && !s.readable() && offset < s.code_end)
    cpu.read_linear(s.base + offset, 1, cpu.privilege());
  else
    cpu.check_read(i.segment, offset, 1);
}

void hlt(Cpu& cpu, const Insn&) {
  only_privileged(cpu);
  cpu.halted = true;
  cpu.stop_soon();
}

void cpuid_instruction(Cpu& cpu, const Insn&) {
  const CpuidResult r = cpuid(cpu.model(), cpu.gpr[EAX], cpu.apic_base & 0x800);
  cpu.gpr[EAX] = r.eax;
  cpu.gpr[EBX] = r.ebx;
  cpu.gpr[ECX] = r.ecx;
  cpu.gpr[EDX] = r.edx;
}

void rdtsc(Cpu& cpu, const Insn&) {
  if ((cpu.cr4 & cr4::TSD) && cpu.cpl != 0) raise_gp();
  const u64 now = cpu.time_stamp();
  cpu.gpr[EAX] = static_cast<u32>(now);
  cpu.gpr[EDX] = static_cast<u32>(now >> 32);
}
// The counters exist and stand still.
void rdpmc(Cpu& cpu, const Insn&) {
  if (!(cpu.cr4 & cr4::PCE) && cpu.cpl != 0 && cpu.protected_mode()) raise_gp();
  if (cpu.gpr[ECX] > 17) raise_gp();
  cpu.gpr[EAX] = cpu.gpr[EDX] = 0;
}

void rdmsr(Cpu& cpu, const Insn&) {
  only_privileged(cpu);
  const u64 value = read_msr(cpu, cpu.gpr[ECX]);
  cpu.gpr[EAX] = static_cast<u32>(value);
  cpu.gpr[EDX] = static_cast<u32>(value >> 32);
}
void wrmsr(Cpu& cpu, const Insn&) {
  only_privileged(cpu);
  write_msr(cpu, cpu.gpr[ECX], u64{cpu.gpr[EDX]} << 32 | cpu.gpr[EAX]);
}

Segment flat_segment(u16 selector, u8 access) {
  Segment s;
  s.selector = selector;
  s.access = access;
  s.big = s.granular = true;
  s.limit = 0xFFFF'FFFF;
  s.derive();
  return s;
}

void sysenter(Cpu& cpu, const Insn&) {
  if (!cpu.protected_mode() || (cpu.sysenter_cs & 0xFFFC) == 0) raise_gp();
  const u16 selector = cpu.sysenter_cs & 0xFFFC;
  cpu.flags.rest &= ~(eflags::VM | eflags::IF);
  set_code_segment(cpu, flat_segment(selector, 0x9B));
  cpu.segment[SS] = flat_segment(static_cast<u16>(selector + 8), 0x93);
  cpu.set_cpl(0);
  cpu.gpr[ESP] = cpu.sysenter_esp;
  cpu.eip = cpu.sysenter_eip;
  cpu.update_mode();
}

void sysexit(Cpu& cpu, const Insn&) {
  if (!cpu.protected_mode() || cpu.cpl != 0 || (cpu.sysenter_cs & 0xFFFC) == 0) raise_gp();
  const u16 selector = cpu.sysenter_cs & 0xFFFC;
  set_code_segment(cpu, flat_segment(static_cast<u16>((selector + 16) | 3), 0xFB));
  cpu.segment[SS] = flat_segment(static_cast<u16>((selector + 24) | 3), 0xF3);
  cpu.set_cpl(3);
  cpu.gpr[ESP] = cpu.gpr[ECX];
  cpu.eip = cpu.gpr[EDX];
  cpu.update_mode();
}

constexpr bool kEnds = true;
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_SMSW, always<smsw>},
    {ZYDIS_MNEMONIC_LMSW, always<lmsw, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_CLTS, always<clts>},
    {ZYDIS_MNEMONIC_LGDT, always<lgdt>},
    {ZYDIS_MNEMONIC_LIDT, always<lidt>},
    {ZYDIS_MNEMONIC_SGDT, always<sgdt>},
    {ZYDIS_MNEMONIC_SIDT, always<sidt>},
    {ZYDIS_MNEMONIC_SLDT, always<sldt>},
    {ZYDIS_MNEMONIC_STR, always<str>},
    {ZYDIS_MNEMONIC_LLDT, always<lldt>},
    {ZYDIS_MNEMONIC_LTR, always<ltr>},
    {ZYDIS_MNEMONIC_INVLPG, always<invlpg, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_INVD, always<invd>},
    {ZYDIS_MNEMONIC_WBINVD, always<invd>},
    {ZYDIS_MNEMONIC_CLFLUSH, always<clflush>},
    {ZYDIS_MNEMONIC_HLT, always<hlt, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_CPUID, always<cpuid_instruction>},
    {ZYDIS_MNEMONIC_RDTSC, always<rdtsc, After::leave>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_RDPMC, always<rdpmc>},
    {ZYDIS_MNEMONIC_RDMSR, always<rdmsr, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_WRMSR, always<wrmsr, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_SYSENTER, always<sysenter, After::leave>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_SYSEXIT, always<sysexit, After::leave>, kEnds, Emission::inlined},
};

}  // namespace

std::span<const Row> rows::system() { return kRows; }

Handler rows::select_mov_system(const Shape& shape) {
  shape.insn->ends = 1;
  if (shape.a == Operand::control) return helper<mov_to_control, After::leave>;
  if (shape.b == Operand::control) return helper<mov_from_control, After::leave>;
  return shape.a == Operand::debug ? helper<mov_to_debug, After::leave> : helper<mov_from_debug, After::leave>;
}

}  // namespace penumbra
