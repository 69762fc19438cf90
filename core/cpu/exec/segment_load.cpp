// Segment registers as operands: MOV, POP, LDS LES LFS LGS LSS, and the descriptor inspectors LAR LSL VERR VERW ARPL
// (SDM 2).
#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"
#include "core/cpu/segmentation.h"

namespace penumbra {

namespace {

// Interrupts wait for one instruction after SS is loaded, so that ESP can follow (SDM 3A 6.8.3).
void load_with_shadow(Cpu& cpu, unsigned name, u16 selector) {
  load_segment(cpu, name, selector);
  if (name == SS) cpu.interrupt_shadow = cpu.debug_shadow = true;
}

void mov_to_segment(Cpu& cpu, const Insn& i) { load_with_shadow(cpu, i.dst, source_operand<u16>(cpu, i)); }

// A 32-bit register gets the selector zero-extended; memory always gets 16 bits.
void mov_from_segment(Cpu& cpu, const Insn& i) {
  const u16 selector = cpu.segment[i.src].selector;
  if (i.memory || i.operand_bits == 16)
    set_operand<u16>(cpu, i, selector);
  else
    reg<u32>(cpu, i.dst) = selector;
}

void pop_segment(Cpu& cpu, const Insn& i) {
  const u16 selector = cpu.read<u16>(SS, cpu.gpr[ESP] & cpu.stack_mask());
  const u32 top = cpu.gpr[ESP] + i.operand_bits / 8;
  const u32 mask = cpu.stack_mask();
  load_with_shadow(cpu, i.dst, selector);
  cpu.gpr[ESP] = (cpu.gpr[ESP] & ~mask) | (top & mask);
}

template <unsigned Name>
void load_far_pointer(Cpu& cpu, const Insn& i) {
  const u32 offset = cpu.effective_address(&i);
  const u32 bytes = i.operand_bits / 8;
  const u32 pointer = bytes == 2 ? cpu.read<u16>(i.segment, offset) : cpu.read<u32>(i.segment, offset);
  const u32 next_offset = i.address16 ? (offset + bytes) & 0xFFFF : offset + bytes;
  load_segment(cpu, Name, cpu.read<u16>(i.segment, next_offset));
  if (bytes == 2)
    reg<u16>(cpu, i.dst) = static_cast<u16>(pointer);
  else
    reg<u32>(cpu, i.dst) = pointer;
}

// Whether CPL and RPL may see the descriptor at all (LAR, LSL, VERR, VERW).
bool visible(const Cpu& cpu, u16 selector, const Descriptor& d) {
  return d.conforming() || (cpu.cpl <= d.dpl() && (selector & 3u) <= d.dpl());
}

bool lar_type(const Descriptor& d) {
  if (d.code_or_data()) return true;
  constexpr u16 kValid = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;
  return kValid >> d.type() & 1;
}
bool lsl_type(const Descriptor& d) {
  if (d.code_or_data()) return true;
  constexpr u16 kValid = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11;
  return kValid >> d.type() & 1;
}

void only_protected(const Cpu& cpu) {
  if (cpu.real_or_v86()) raise_ud();
}

void set_destination(Cpu& cpu, const Insn& i, u32 value) {
  if (i.operand_bits == 16)
    reg<u16>(cpu, i.dst) = static_cast<u16>(value);
  else
    reg<u32>(cpu, i.dst) = value;
}

void lar(Cpu& cpu, const Insn& i) {
  only_protected(cpu);
  const u16 selector = source_operand<u16>(cpu, i);
  Descriptor d;
  const bool ok = !is_null(selector) && find_descriptor(cpu, selector, d) && lar_type(d) && visible(cpu, selector, d);
  if (ok) set_destination(cpu, i, d.high & 0x00FF'FF00);
  cpu.flags.set_zf(ok);
}

void lsl(Cpu& cpu, const Insn& i) {
  only_protected(cpu);
  const u16 selector = source_operand<u16>(cpu, i);
  Descriptor d;
  const bool ok = !is_null(selector) && find_descriptor(cpu, selector, d) && lsl_type(d) && visible(cpu, selector, d);
  if (ok) set_destination(cpu, i, d.limit());
  cpu.flags.set_zf(ok);
}

template <bool Write>
void verify(Cpu& cpu, const Insn& i) {
  only_protected(cpu);
  const u16 selector = operand<u16>(cpu, i);
  Descriptor d;
  bool ok = !is_null(selector) && find_descriptor(cpu, selector, d) && d.code_or_data() && visible(cpu, selector, d);
  if (ok) ok = Write ? d.writable_data() : d.readable();
  cpu.flags.set_zf(ok);
}

void arpl(Cpu& cpu, const Insn& i) {
  only_protected(cpu);
  // Written only if it changes, so read-only memory may be looked at.
  const u16 selector = i.memory ? cpu.read<u16>(i.segment, cpu.effective_address(&i)) : reg<u16>(cpu, i.dst);
  const u16 rpl = reg<u16>(cpu, i.src) & 3;
  const bool raised = (selector & 3) < rpl;
  if (raised) set_operand<u16>(cpu, i, static_cast<u16>((selector & ~3) | rpl));
  cpu.flags.set_zf(raised);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_LDS, always<load_far_pointer<DS>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_LES, always<load_far_pointer<ES>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_LFS, always<load_far_pointer<FS>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_LGS, always<load_far_pointer<GS>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_LSS, always<load_far_pointer<SS>>},
    {ZYDIS_MNEMONIC_LAR, always<lar>},
    {ZYDIS_MNEMONIC_LSL, always<lsl>},
    {ZYDIS_MNEMONIC_VERR, always<verify<false>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_VERW, always<verify<true>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_ARPL, always<arpl>},
};

}  // namespace

std::span<const Row> rows::segment_load() { return kRows; }

Handler rows::select_load_segment(const Shape& shape) {
  if (shape.insn->dst == SS) shape.insn->ends = 1;
  return shape.insn->dst == SS ? helper<mov_to_segment, After::leave> : helper<mov_to_segment>;
}
Handler rows::select_store_segment(const Shape&) { return helper<mov_from_segment>; }
Handler rows::select_pop_segment(const Shape& shape) {
  if (shape.insn->dst == SS) shape.insn->ends = 1;
  return shape.insn->dst == SS ? helper<pop_segment, After::leave> : helper<pop_segment>;
}

}  // namespace penumbra
