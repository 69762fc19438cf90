// Far control transfers: JMP CALL RET between segments, IRET, and the software interrupts (SDM 2; SDM 3A 5.8, 6.12).
#include "core/cpu/exec/handlers.h"
#include "core/cpu/exec/stack.h"
#include "core/cpu/interrupt.h"
#include "core/cpu/isa_table.h"
#include "core/cpu/segmentation.h"
#include "core/cpu/task_switch.h"

namespace penumbra {

namespace {

struct FarPointer {
  u16 selector;
  u32 offset;
};

FarPointer far_operand(Cpu& cpu, const Insn& i) {
  const bool word = i.operand_bits == 16;
  if (!i.memory) return {i.immediate2, word ? i.immediate & 0xFFFF : i.immediate};
  const u32 at = cpu.effective_address(&i);
  const u32 offset = word ? cpu.read<u16>(i.segment, at) : cpu.read<u32>(i.segment, at);
  const u32 after = at + (word ? 2 : 4);
  return {cpu.read<u16>(i.segment, i.address16 ? after & 0xFFFF : after), offset};
}

void real_jump(Cpu& cpu, FarPointer to) {
  const Segment cs = real_segment(cpu, to.selector, cpu.segment[CS]);
  if (to.offset > cs.limit) raise_gp();
  set_code_segment(cpu, cs);
  cpu.eip = to.offset;
}

// The checks of a code segment as the direct target of JMP or CALL; the result carries the current CPL as RPL.
Segment direct_code_segment(Cpu& cpu, u16 selector, Descriptor& d) {
  if (d.conforming()) {
    if (d.dpl() > cpu.cpl) raise_gp(selector_error(selector));
  } else if ((selector & 3u) > cpu.cpl || d.dpl() != cpu.cpl) {
    raise_gp(selector_error(selector));
  }
  if (!d.present()) raise(Vector::NP, selector_error(selector));
  return make_segment(static_cast<u16>((selector & ~3) | cpu.cpl), d);
}

// A gate may be used if CPL and RPL are no less privileged than it.
void check_gate(const Cpu& cpu, u16 selector, const Descriptor& gate) {
  if (gate.dpl() < cpu.cpl || gate.dpl() < (selector & 3u)) raise_gp(selector_error(selector));
  if (!gate.present()) raise(Vector::NP, selector_error(selector));
}

// JMP or CALL to a TSS, or through a task gate to one.
void far_to_task(Cpu& cpu, u16 selector, Descriptor d, TaskSwitch reason) {
  check_gate(cpu, selector, d);
  if (d.type() == system_type::task_gate) {
    selector = d.gate_selector();
    if (is_null(selector) || (selector & 4)) raise_gp(selector_error(selector));
    d = fetch_descriptor(cpu, selector);
    if (d.code_or_data() || (d.type() != system_type::tss16 && d.type() != system_type::tss32))
      raise_gp(selector_error(selector));
    if (!d.present()) raise(Vector::NP, selector_error(selector));
  } else if (selector & 4) {
    raise_gp(selector_error(selector));  // a TSS lies in the GDT only (SDM 3A 7.2.2)
  }
  switch_task(cpu, selector, d, reason);
}

Descriptor gate_target(Cpu& cpu, const Descriptor& gate) {
  const u16 selector = gate.gate_selector();
  if (is_null(selector)) raise_gp();
  const Descriptor code = fetch_descriptor(cpu, selector);
  if (!code.code() || code.dpl() > cpu.cpl) raise_gp(selector_error(selector));
  return code;
}

void jmp_far(Cpu& cpu, const Insn& i) {
  const FarPointer to = far_operand(cpu, i);
  if (cpu.real_or_v86()) return real_jump(cpu, to);
  if (is_null(to.selector)) raise_gp();
  Descriptor d = fetch_descriptor(cpu, to.selector);
  if (d.code_or_data()) {
    if (!d.code()) raise_gp(selector_error(to.selector));
    const Segment cs = direct_code_segment(cpu, to.selector, d);
    if (to.offset > cs.limit) raise_gp();
    mark_accessed(cpu, d);
    set_code_segment(cpu, cs);
    cpu.eip = to.offset;
    return;
  }
  switch (d.type()) {
    case system_type::tss16:
    case system_type::tss32:
    case system_type::task_gate: return far_to_task(cpu, to.selector, d, TaskSwitch::jump);
    case system_type::call_gate16:
    case system_type::call_gate32: {
      check_gate(cpu, to.selector, d);
      Descriptor code = gate_target(cpu, d);
      const u16 selector = d.gate_selector();
      if (!code.conforming() && code.dpl() != cpu.cpl) raise_gp(selector_error(selector));
      if (!code.present()) raise(Vector::NP, selector_error(selector));
      const u32 offset = d.type() == system_type::call_gate16 ? d.gate_offset() & 0xFFFF : d.gate_offset();
      const Segment cs = make_segment(static_cast<u16>((selector & ~3) | cpu.cpl), code);
      if (offset > cs.limit) raise_gp();
      mark_accessed(cpu, code);
      set_code_segment(cpu, cs);
      cpu.eip = offset;
      return;
    }
    default: raise_gp(selector_error(to.selector));
  }
}

template <class T>
void push_return_and_go(Cpu& cpu, const Segment& cs, u32 offset) {
  StackFrame<T> frame(cpu, 2);
  if (offset > cs.limit) raise_gp();
  frame.push(static_cast<T>(cpu.segment[CS].selector));
  frame.push(static_cast<T>(cpu.eip));
  cpu.set_stack_pointer(frame.top());
  set_code_segment(cpu, cs);
  cpu.eip = offset;
}

// A call gate to a more privileged level: the stack comes from the TSS, parameters are copied (SDM 3A 5.8.5).
void call_inner(Cpu& cpu, const Descriptor& gate, Descriptor& code) {
  const bool wide = gate.type() == system_type::call_gate32;
  const u32 size = wide ? 4 : 2;
  const unsigned new_cpl = code.dpl();
  const bool tss32 = cpu.tr.type() == system_type::tss32_busy || cpu.tr.type() == system_type::tss32;
  const u32 slot = tss32 ? 4 + 8 * new_cpl : 2 + 4 * new_cpl;
  if (slot + (tss32 ? 5 : 3) > cpu.tr.limit) raise(Vector::TS, selector_error(cpu.tr.selector));
  u32 esp = tss32 ? cpu.read_system<u32>(cpu.tr.base + slot) : cpu.read_system<u16>(cpu.tr.base + slot);
  const u16 ss_selector = cpu.read_system<u16>(cpu.tr.base + slot + (tss32 ? 4 : 2));
  const Segment ss = check_stack_segment(cpu, ss_selector, new_cpl, Vector::TS);

  const u32 count = gate.high & 31;
  const u32 mask = ss.big ? 0xFFFF'FFFF : 0xFFFF;
  const u32 offset = wide ? gate.gate_offset() : gate.gate_offset() & 0xFFFF;
  const u16 selector = static_cast<u16>((gate.gate_selector() & ~3) | new_cpl);
  const Segment cs = make_segment(selector, code);
  std::array<u32, 31> parameters{};
  for (u32 n = 0; n < count; ++n) {
    const u32 at = (cpu.gpr[ESP] + n * size) & cpu.stack_mask();
    parameters[n] = wide ? cpu.read<u32>(SS, at) : cpu.read<u16>(SS, at);
  }
  const u32 slots = count + 4;
  for (u32 n = 1; n <= slots; ++n) {
    const u32 at = (esp - n * size) & mask;
    const bool inside = ss.expand_down() ? at > ss.limit && u64{at} + size - 1 <= mask : u64{at} + size - 1 <= ss.limit;
    if (!inside) raise(Vector::SS, selector_error(ss.selector));
    cpu.check_linear_write(ss.base + at, size, new_cpl == 3 ? Privilege::user : Privilege::supervisor);
  }
  if (offset > cs.limit) raise_gp();

  const auto push = [&](u32 value) {
    const u32 at = (esp - size) & mask;
    cpu.write_linear(ss.base + at, value, size, new_cpl == 3 ? Privilege::user : Privilege::supervisor);
    esp = (esp & ~mask) | at;
  };
  push(cpu.segment[SS].selector);
  push(cpu.gpr[ESP]);
  for (u32 n = count; n-- > 0;) push(parameters[n]);
  push(cpu.segment[CS].selector);
  push(cpu.eip);

  mark_accessed(cpu, code);
  cpu.set_cpl(static_cast<u8>(new_cpl));
  cpu.segment[SS] = ss;
  cpu.gpr[ESP] = esp;
  set_code_segment(cpu, cs);
  cpu.eip = offset;
}

void call_gate(Cpu& cpu, u16 gate_selector, const Descriptor& gate) {
  check_gate(cpu, gate_selector, gate);
  Descriptor code = gate_target(cpu, gate);
  const u16 selector = gate.gate_selector();
  if (!code.present()) raise(Vector::NP, selector_error(selector));
  if (!code.conforming() && code.dpl() < cpu.cpl) return call_inner(cpu, gate, code);
  const Segment cs = make_segment(static_cast<u16>((selector & ~3) | cpu.cpl), code);
  mark_accessed(cpu, code);
  if (gate.type() == system_type::call_gate32)
    push_return_and_go<u32>(cpu, cs, gate.gate_offset());
  else
    push_return_and_go<u16>(cpu, cs, gate.gate_offset() & 0xFFFF);
}

void call_far(Cpu& cpu, const Insn& i) {
  const FarPointer to = far_operand(cpu, i);
  const bool word = i.operand_bits == 16;
  Segment cs;
  if (cpu.real_or_v86()) {
    cs = real_segment(cpu, to.selector, cpu.segment[CS]);
  } else {
    if (is_null(to.selector)) raise_gp();
    Descriptor d = fetch_descriptor(cpu, to.selector);
    if (!d.code_or_data()) {
      switch (d.type()) {
        case system_type::tss16:
        case system_type::tss32:
        case system_type::task_gate: return far_to_task(cpu, to.selector, d, TaskSwitch::call);
        case system_type::call_gate16:
        case system_type::call_gate32: return call_gate(cpu, to.selector, d);
        default: raise_gp(selector_error(to.selector));
      }
    }
    if (!d.code()) raise_gp(selector_error(to.selector));
    cs = direct_code_segment(cpu, to.selector, d);
    mark_accessed(cpu, d);
  }
  if (word)
    push_return_and_go<u16>(cpu, cs, to.offset);
  else
    push_return_and_go<u32>(cpu, cs, to.offset);
}

template <class T>
T stack_slot(Cpu& cpu, u32 n) {
  return cpu.read<T>(SS, (cpu.gpr[ESP] + n * static_cast<u32>(sizeof(T))) & cpu.stack_mask());
}

// The code segment that a far return or IRET goes back to.
Segment return_code_segment(Cpu& cpu, u16 selector, Descriptor& d) {
  const unsigned rpl = selector & 3;
  if (is_null(selector)) raise_gp();
  d = fetch_descriptor(cpu, selector);
  if (!d.code() || rpl < cpu.cpl) raise_gp(selector_error(selector));
  if (d.conforming() ? d.dpl() > rpl : d.dpl() != rpl) raise_gp(selector_error(selector));
  if (!d.present()) raise(Vector::NP, selector_error(selector));
  return make_segment(selector, d);
}

template <class T>
void ret_far(Cpu& cpu, const Insn& i) {
  const u32 release = i.immediate & 0xFFFF;
  const u32 eip = stack_slot<T>(cpu, 0);
  const u16 selector = static_cast<u16>(stack_slot<T>(cpu, 1));
  if (cpu.real_or_v86()) {
    real_jump(cpu, {selector, eip});
    cpu.set_stack_pointer(cpu.gpr[ESP] + 2 * sizeof(T) + release);
    return;
  }
  Descriptor d;
  const Segment cs = return_code_segment(cpu, selector, d);
  if ((selector & 3) == cpu.cpl) {
    if (eip > cs.limit) raise_gp();
    mark_accessed(cpu, d);
    cpu.set_stack_pointer(cpu.gpr[ESP] + 2 * sizeof(T) + release);
    set_code_segment(cpu, cs);
    cpu.eip = eip;
    return;
  }
  const u32 outer = cpu.gpr[ESP] + 2 * static_cast<u32>(sizeof(T)) + release;
  const T esp = cpu.read<T>(SS, outer & cpu.stack_mask());
  const u16 ss_selector = static_cast<u16>(cpu.read<T>(SS, (outer + sizeof(T)) & cpu.stack_mask()));
  const Segment ss = check_stack_segment(cpu, ss_selector, selector & 3, Vector::GP);
  if (eip > cs.limit) raise_gp();
  mark_accessed(cpu, d);
  set_code_segment(cpu, cs);
  cpu.eip = eip;
  cpu.set_cpl(selector & 3);
  cpu.segment[SS] = ss;
  if (sizeof(T) == 4) cpu.gpr[ESP] = ss.big ? esp : (cpu.gpr[ESP] & 0xFFFF'0000) | (esp & 0xFFFF);
  if (sizeof(T) == 2) cpu.gpr[ESP] = ss.big ? esp : (cpu.gpr[ESP] & 0xFFFF'0000) | esp;
  cpu.set_stack_pointer(cpu.gpr[ESP] + release);
  drop_privileged_segments(cpu);
}

// Which flags IRET may load (SDM 2, IRET): IF by IOPL, IOPL by CPL 0 only; a 16-bit image leaves the upper half.
template <class T>
void load_returned_flags(Cpu& cpu, u32 image, unsigned cpl, unsigned iopl) {
  using namespace eflags;
  u32 changeable = kArithmetic | TF | DF | NT;
  if (sizeof(T) == 4) changeable |= RF | AC | ID;
  if (cpl <= iopl) changeable |= IF;
  if (cpl == 0) {
    changeable |= IOPL;
    if (sizeof(T) == 4) changeable |= VIF | VIP;
  }
  cpu.flags.load((cpu.flags.value() & ~changeable) | (image & changeable));
  if (sizeof(T) == 4) cpu.keep_resume_flag();
}

template <class T>
void iret_real(Cpu& cpu) {
  const u32 eip = stack_slot<T>(cpu, 0);
  const u16 selector = static_cast<u16>(stack_slot<T>(cpu, 1));
  const u32 image = stack_slot<T>(cpu, 2);
  real_jump(cpu, {selector, eip});
  cpu.set_stack_pointer(cpu.gpr[ESP] + 3 * sizeof(T));
  load_returned_flags<T>(cpu, image, 0, 3);
  cpu.flags_changed();
}

// IRET in virtual-8086 mode: like POPF for the flags, with VME's rules when IOPL < 3.
template <class T>
void iret_v86(Cpu& cpu) {
  using namespace eflags;
  const bool restricted = cpu.iopl() < 3;
  if (restricted && (sizeof(T) == 4 || !(cpu.cr4 & cr4::VME))) raise_gp();
  const u32 eip = stack_slot<T>(cpu, 0);
  const u16 selector = static_cast<u16>(stack_slot<T>(cpu, 1));
  const u32 image = stack_slot<T>(cpu, 2);
  if (restricted && ((image & TF) || ((image & IF) && (cpu.flags.rest & VIP)))) raise_gp();
  real_jump(cpu, {selector, eip});
  cpu.set_stack_pointer(cpu.gpr[ESP] + 3 * sizeof(T));
  u32 changeable = kArithmetic | TF | DF | NT;
  if (sizeof(T) == 4) changeable |= RF | AC | ID;
  u32 loaded = image;
  if (restricted) {
    changeable |= VIF;
    loaded = (image & ~VIF) | (image & IF ? VIF : 0);
  } else {
    changeable |= IF;
  }
  cpu.flags.load((cpu.flags.value() & ~changeable) | (loaded & changeable));
  cpu.flags_changed();
}

void return_to_v86(Cpu& cpu, u32 eip, u16 cs, u32 image) {
  u32 slots[6];
  for (u32 n = 0; n < 6; ++n) slots[n] = stack_slot<u32>(cpu, 3 + n);
  if ((eip & 0xFFFF) != eip) raise_gp();
  cpu.flags.load(image & eflags::kImplemented);
  cpu.keep_resume_flag();
  set_code_segment(cpu, v86_segment(cs));
  cpu.eip = eip;
  cpu.set_cpl(3);
  cpu.gpr[ESP] = slots[0];
  constexpr u8 kNames[] = {SS, ES, DS, FS, GS};
  for (u32 n = 0; n < 5; ++n) cpu.segment[kNames[n]] = v86_segment(static_cast<u16>(slots[n + 1]));
  cpu.flags_changed();
}

template <class T>
void iret_protected(Cpu& cpu) {
  if (cpu.flags.rest & eflags::NT) {
    const u16 selector = cpu.read_system<u16>(cpu.tr.base);
    const u32 error = selector_error(selector);
    Descriptor tss;
    if (is_null(selector) || (selector & 4) || !find_descriptor(cpu, selector, tss)) raise(Vector::TS, error);
    if (tss.code_or_data() || (tss.type() != system_type::tss16_busy && tss.type() != system_type::tss32_busy))
      raise(Vector::TS, error);
    if (!tss.present()) raise(Vector::NP, error);
    switch_task(cpu, selector, tss, TaskSwitch::iret);
    return;
  }
  const u32 eip = stack_slot<T>(cpu, 0);
  const u16 selector = static_cast<u16>(stack_slot<T>(cpu, 1));
  const u32 image = stack_slot<T>(cpu, 2);
  if (sizeof(T) == 4 && (image & eflags::VM) && cpu.cpl == 0) return return_to_v86(cpu, eip, selector, image);
  Descriptor d;
  const Segment cs = return_code_segment(cpu, selector, d);
  const unsigned old_cpl = cpu.cpl;
  const unsigned iopl = cpu.iopl();
  if ((selector & 3) == cpu.cpl) {
    if (eip > cs.limit) raise_gp();
    cpu.set_stack_pointer(cpu.gpr[ESP] + 3 * sizeof(T));
  } else {
    const T esp = stack_slot<T>(cpu, 3);
    const u16 ss_selector = static_cast<u16>(stack_slot<T>(cpu, 4));
    const Segment ss = check_stack_segment(cpu, ss_selector, selector & 3, Vector::GP);
    if (eip > cs.limit) raise_gp();
    cpu.set_cpl(selector & 3);
    cpu.segment[SS] = ss;
    cpu.gpr[ESP] = ss.big ? u32{esp} : (cpu.gpr[ESP] & 0xFFFF'0000) | (esp & 0xFFFF);
    drop_privileged_segments(cpu);
  }
  mark_accessed(cpu, d);
  set_code_segment(cpu, cs);
  cpu.eip = eip;
  load_returned_flags<T>(cpu, image, old_cpl, iopl);
  cpu.flags_changed();
}

template <class T>
void iret(Cpu& cpu, const Insn&) {
  if (!cpu.protected_mode())
    iret_real<T>(cpu);
  else if (cpu.v86())
    iret_v86<T>(cpu);
  else
    iret_protected<T>(cpu);
  cpu.nmi_blocked = false;
  if (cpu.nmi_pending) cpu.stop_soon();
}

// The handler's return address is the instruction after; a fault in delivery is reported at the instruction itself.
void int_n(Cpu& cpu, const Insn& i) { deliver_event(cpu, static_cast<u8>(i.immediate), Source::software); }
void int3(Cpu& cpu, const Insn&) { deliver_event(cpu, static_cast<u8>(Vector::BP), Source::int3_into); }
void into(Cpu& cpu, const Insn&) {
  if (cpu.flags.of()) deliver_event(cpu, static_cast<u8>(Vector::OF), Source::int3_into);
}
// ICEBP: a trap to #DB that no privilege check stops.
void int1(Cpu& cpu, const Insn&) { deliver_event(cpu, static_cast<u8>(Vector::DB), Source::exception); }

template <class T>
void bound(Cpu& cpu, const Insn& i) {
  using S = std::make_signed_t<T>;
  const u32 offset = cpu.effective_address(&i);
  const S index = static_cast<S>(reg<T>(cpu, i.dst));
  const S lower = static_cast<S>(cpu.read<T>(i.segment, offset));
  const u32 second = offset + sizeof(T);
  const S upper = static_cast<S>(cpu.read<T>(i.segment, i.address16 ? second & 0xFFFF : second));
  if (index < lower || index > upper) raise(Vector::BR);
}
Handler select_bound(const Shape& shape) {
  return shape.insn->operand_bits == 16 ? helper<bound<u16>> : helper<bound<u32>>;
}

constexpr bool kEnds = true;
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_IRET, always<iret<u16>, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_IRETD, always<iret<u32>, After::leave>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_INT, always<int_n, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_INT3, always<int3, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_INTO, always<into, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_INT1, always<int1, After::leave>, kEnds},
    {ZYDIS_MNEMONIC_BOUND, select_bound},
};

}  // namespace

std::span<const Row> rows::far_transfer() { return kRows; }

Handler rows::select_jmp_far(const Shape&) { return helper<jmp_far, After::leave>; }
Handler rows::select_call_far(const Shape&) { return helper<call_far, After::leave>; }
Handler rows::select_ret_far(const Shape& shape) {
  return shape.insn->operand_bits == 16 ? helper<ret_far<u16>, After::leave> : helper<ret_far<u32>, After::leave>;
}

}  // namespace penumbra
