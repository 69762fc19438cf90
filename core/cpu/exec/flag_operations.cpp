// Flags as a whole and one by one: PUSHF POPF LAHF SAHF CLC STC CMC CLD STD CLI STI (SDM 2), with VME and PVI.
#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

using namespace eflags;

// Virtual-8086 mode with VME, or CPL 3 with PVI: IF is shadowed by VIF.
bool vme(const Cpu& cpu) { return cpu.v86() && (cpu.cr4 & cr4::VME); }
bool pvi(const Cpu& cpu) { return !cpu.v86() && cpu.cpl == 3 && (cpu.cr4 & cr4::PVI); }

template <class T>
void pushf(Cpu& cpu, const Insn&) {
  u32 image = cpu.flags.value() & ~(VM | RF);
  if (cpu.v86() && cpu.iopl() < 3) {
    if (sizeof(T) == 4 || !vme(cpu)) raise_gp();
    image = (image & ~IF) | IOPL | (image & VIF ? IF : 0);
  }
  const u32 top = (cpu.gpr[ESP] - sizeof(T)) & cpu.stack_mask();
  cpu.write<T>(SS, top, static_cast<T>(image));
  cpu.set_stack_pointer(top);
}

template <class T>
void popf(Cpu& cpu, const Insn&) {
  const bool restricted = cpu.v86() && cpu.iopl() < 3;
  if (restricted && (sizeof(T) == 4 || !vme(cpu))) raise_gp();
  const u32 value = cpu.read<T>(SS, cpu.gpr[ESP] & cpu.stack_mask());
  u32 changeable = kArithmetic | TF | DF | NT;
  if (sizeof(T) == 4) changeable |= AC | ID;
  u32 loaded = value;
  if (restricted) {
    // VME: IF goes to VIF; enabling while an interrupt is pending, or setting TF, traps to the monitor.
    if ((value & TF) || ((value & IF) && (cpu.flags.rest & VIP))) raise_gp();
    changeable |= VIF;
    loaded = (value & ~VIF) | (value & IF ? VIF : 0);
  } else {
    if (!cpu.v86() && cpu.cpl == 0) changeable |= IOPL;
    if (cpu.v86() || cpu.cpl <= cpu.iopl()) changeable |= IF;
  }
  cpu.set_stack_pointer(cpu.gpr[ESP] + sizeof(T));
  // A 32-bit POPF clears RF; VIP and VIF stay outside of VME.
  const u32 kept = cpu.flags.value() & ~changeable & ~(sizeof(T) == 4 ? RF : 0);
  cpu.flags.load(kept | (loaded & changeable));
  cpu.flags_changed();
}

void lahf(Cpu& cpu, const Insn&) { reg<u8>(cpu, 1) = static_cast<u8>((cpu.flags.arithmetic() & 0xD5) | kFixedOne); }
void sahf(Cpu& cpu, const Insn&) {
  const u32 kept = cpu.flags.arithmetic() & OF;
  cpu.flags.load_arithmetic((reg<u8>(cpu, 1) & 0xD5u) | kept);
}

void clc(Cpu& cpu, const Insn* i) {
  cpu.flags.set_cf(false);
  return next(cpu, i);
}
void stc(Cpu& cpu, const Insn* i) {
  cpu.flags.set_cf(true);
  return next(cpu, i);
}
void cmc(Cpu& cpu, const Insn* i) {
  cpu.flags.set_cf(!cpu.flags.cf());
  return next(cpu, i);
}
void clear_direction(Cpu& cpu, const Insn* i) {
  cpu.flags.rest &= ~DF;
  return next(cpu, i);
}
void set_direction(Cpu& cpu, const Insn* i) {
  cpu.flags.rest |= DF;
  return next(cpu, i);
}
template <Handler handler>
Handler plain(const Shape&) {
  return handler;
}

// SDM 2, table for CLI.
void cli(Cpu& cpu, const Insn&) {
  if (!cpu.protected_mode() || (cpu.v86() ? cpu.iopl() == 3 : cpu.cpl <= cpu.iopl())) {
    cpu.flags.rest &= ~IF;
  } else if (vme(cpu) || pvi(cpu)) {
    cpu.flags.rest &= ~VIF;
  } else {
    raise_gp();
  }
}

void sti(Cpu& cpu, const Insn&) {
  if (!cpu.protected_mode() || (cpu.v86() ? cpu.iopl() == 3 : cpu.cpl <= cpu.iopl())) {
    // One more instruction runs before an interrupt can come, if IF was clear.
    if (!(cpu.flags.rest & IF)) cpu.interrupt_shadow = true;
    cpu.flags.rest |= IF;
    cpu.flags_changed();
  } else if ((vme(cpu) || pvi(cpu)) && !(cpu.flags.rest & VIP)) {
    cpu.flags.rest |= VIF;
  } else {
    raise_gp();
  }
}

constexpr bool kEnds = true;
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_PUSHF, always<pushf<u16>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_PUSHFD, always<pushf<u32>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_POPF, always<popf<u16>, After::leave>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_POPFD, always<popf<u32>, After::leave>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_LAHF, always<lahf>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_SAHF, always<sahf>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CLC, plain<clc>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_STC, plain<stc>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CMC, plain<cmc>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_CLD, plain<clear_direction>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_STD, plain<set_direction>},
    {ZYDIS_MNEMONIC_CLI, always<cli>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_STI, always<sti, After::leave>, kEnds, Emission::inlined},
};

}  // namespace

std::span<const Row> rows::flag_operations() { return kRows; }

}  // namespace penumbra
