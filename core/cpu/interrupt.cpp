// Event delivery in real, protected and virtual-8086 mode.
#include "core/cpu/interrupt.h"

#include "core/cpu/exec/stack.h"
#include "core/cpu/segmentation.h"
#include "core/cpu/task_switch.h"

namespace penumbra {

namespace {

u32 error_with_ext(u32 error_code, Source source) {
  const bool external = source == Source::external || source == Source::exception;
  return error_code | (external ? 1 : 0);
}

// IDT-relative error code: vector * 8 + 2 (SDM 3A 6.13).
u32 idt_error(u8 vector, Source source) { return error_with_ext(vector * 8u + 2, source); }

void deliver_real(Cpu& cpu, u8 vector) {
  const u32 entry = vector * 4u;
  if (entry + 3 > cpu.idtr.limit) raise(Vector::GP);
  const u32 handler = cpu.read_system<u32>(cpu.idtr.base + entry);
  StackFrame<u16> frame(cpu, 3);
  frame.push(static_cast<u16>(cpu.flags.value()));
  frame.push(cpu.segment[CS].selector);
  frame.push(static_cast<u16>(cpu.eip));
  cpu.set_stack_pointer(frame.top());
  set_code_segment(cpu, real_segment(cpu, static_cast<u16>(handler >> 16), cpu.segment[CS]));
  cpu.eip = handler & 0xFFFF;
  cpu.flags.rest &= ~(eflags::IF | eflags::TF | eflags::RF | eflags::AC);
  cpu.update_mode();
}

// The stack that a handler starts on, before anything is pushed.
struct NewStack {
  Segment ss;
  u32 esp = 0;
};

NewStack stack_from_tss(Cpu& cpu, unsigned cpl, Source source) {
  const bool tss32 = cpu.tr.type() == system_type::tss32_busy || cpu.tr.type() == system_type::tss32;
  const u32 slot = tss32 ? 4 + 8 * cpl : 2 + 4 * cpl;
  const u32 bytes = tss32 ? 6 : 4;
  if (slot + bytes - 1 > cpu.tr.limit) raise(Vector::TS, error_with_ext(selector_error(cpu.tr.selector), source));
  NewStack stack;
  stack.esp = tss32 ? cpu.read_system<u32>(cpu.tr.base + slot) : cpu.read_system<u16>(cpu.tr.base + slot);
  const u16 selector = cpu.read_system<u16>(cpu.tr.base + slot + bytes - 2);
  try {
    stack.ss = check_stack_segment(cpu, selector, cpl, Vector::TS);
  } catch (GuestFault& fault) {
    if (fault.vector != Vector::PF) fault.error_code = error_with_ext(fault.error_code, source);
    throw;
  }
  return stack;
}

// Pushes onto a stack that is not the current one yet, by linear address, as the new privilege.
class InnerStack {
 public:
  InnerStack(Cpu& cpu, const NewStack& stack, unsigned cpl, u32 slots, bool wide, Source source)
      : cpu_(cpu),
        ss_(stack.ss),
        esp_(stack.esp),
        wide_(wide),
        privilege_(cpl == 3 ? Privilege::user : Privilege::supervisor) {
    const u32 size = wide ? 4 : 2;
    const u32 mask = ss_.big ? 0xFFFF'FFFF : 0xFFFF;
    for (u32 n = 1; n <= slots; ++n) {
      const u32 offset = (esp_ - n * size) & mask;
      const bool inside = ss_.expand_down() ? offset > ss_.limit && u64{offset} + size - 1 <= mask
                                            : u64{offset} + size - 1 <= ss_.limit;
      if (!inside) raise(Vector::SS, error_with_ext(selector_error(ss_.selector), source));
      if (n == 1 || n == slots) cpu.check_linear_write(ss_.base + offset, size, privilege_);
    }
  }
  void push(u32 value) {
    const u32 size = wide_ ? 4 : 2;
    const u32 mask = ss_.big ? 0xFFFF'FFFF : 0xFFFF;
    const u32 offset = (esp_ - size) & mask;
    cpu_.write_linear(ss_.base + offset, value, size, privilege_);
    esp_ = (esp_ & ~mask) | offset;
  }
  u32 esp() const { return esp_; }

 private:
  Cpu& cpu_;
  const Segment& ss_;
  u32 esp_;
  bool wide_;
  Privilege privilege_;
};

void enter_gate(Cpu& cpu, const Descriptor& gate, Source source, u32 error_code, bool has_error_code) {
  const bool wide = gate.type() & 8;
  const u16 selector = gate.gate_selector();
  if (is_null(selector)) raise(Vector::GP, error_with_ext(0, source));
  Descriptor code;
  if (!find_descriptor(cpu, selector, code) || !code.code() || code.dpl() > cpu.cpl)
    raise(Vector::GP, error_with_ext(selector_error(selector), source));
  if (!code.present()) raise(Vector::NP, error_with_ext(selector_error(selector), source));

  const u32 target = wide ? gate.gate_offset() : gate.gate_offset() & 0xFFFF;
  const u32 flags = cpu.flags.value();
  const bool from_v86 = cpu.v86();
  const bool inner = !code.conforming() && code.dpl() < cpu.cpl;
  if (from_v86 && (!inner || code.dpl() != 0)) raise(Vector::GP, error_with_ext(selector_error(selector), source));
  const unsigned new_cpl = inner ? code.dpl() : cpu.cpl;

  NewStack stack{cpu.segment[SS], cpu.gpr[ESP]};
  if (inner) stack = stack_from_tss(cpu, new_cpl, source);
  const u32 slots = 3 + has_error_code + (inner ? 2 : 0) + (from_v86 ? 4 : 0);
  const u32 after = code.limit();
  if (target > after) raise(Vector::GP, error_with_ext(0, source));
  InnerStack frame(cpu, stack, new_cpl, slots, wide, source);
  if (from_v86)
    for (const unsigned name : {GS, FS, DS, ES}) frame.push(cpu.segment[name].selector);
  if (inner) {
    frame.push(cpu.segment[SS].selector);
    frame.push(cpu.gpr[ESP]);
  }
  frame.push(flags);
  frame.push(cpu.segment[CS].selector);
  frame.push(cpu.eip);
  if (has_error_code) frame.push(error_code);

  mark_accessed(cpu, code);
  cpu.flags.rest &= ~(eflags::TF | eflags::NT | eflags::VM | eflags::RF);
  if (!(gate.type() & 1)) cpu.flags.rest &= ~eflags::IF;
  if (from_v86)
    for (const unsigned name : {GS, FS, DS, ES}) cpu.segment[name].make_unusable(0);
  const u16 cs = static_cast<u16>((selector & ~3) | new_cpl);
  set_code_segment(cpu, make_segment(cs, code));
  cpu.set_cpl(static_cast<u8>(new_cpl));
  if (inner) {
    cpu.segment[SS] = stack.ss;
    cpu.gpr[ESP] = frame.esp();
  } else {
    cpu.set_stack_pointer(frame.esp());
  }
  cpu.eip = target;
  cpu.update_mode();
}

void deliver_protected(Cpu& cpu, u8 vector, Source source, u32 error_code, bool has_error_code) {
  const u32 entry = vector * 8u;
  if (entry + 7 > cpu.idtr.limit) raise(Vector::GP, idt_error(vector, source));
  const u64 raw = cpu.read_system<u64>(cpu.idtr.base + entry);
  const Descriptor gate{static_cast<u32>(raw), static_cast<u32>(raw >> 32), cpu.idtr.base + entry};
  const unsigned type = gate.type();
  const bool known = !gate.code_or_data() && (type == system_type::task_gate || (type & 7) == 6 || (type & 7) == 7);
  if (!known) raise(Vector::GP, idt_error(vector, source));
  const bool software = source == Source::software || source == Source::int3_into;
  if (software && gate.dpl() < cpu.cpl) raise(Vector::GP, idt_error(vector, source));
  if (!gate.present()) raise(Vector::NP, idt_error(vector, source));
  if (type != system_type::task_gate) return enter_gate(cpu, gate, source, error_code, has_error_code);

  const u16 selector = gate.gate_selector();
  Descriptor tss;
  const u32 error = error_with_ext(selector_error(selector), source);
  if (is_null(selector) || (selector & 4) || !find_descriptor(cpu, selector, tss)) raise(Vector::GP, error);
  if (tss.code_or_data() || (tss.type() != system_type::tss16 && tss.type() != system_type::tss32))
    raise(Vector::GP, error);
  if (!tss.present()) raise(Vector::NP, error);
  switch_task(cpu, selector, tss, TaskSwitch::interrupt, error_code, has_error_code);
}

// INT n in virtual-8086 mode with VME: the TSS's redirection map decides (SDM 3B 20.3.3). True if handled as in real
// mode.
bool redirect_v86(Cpu& cpu, u8 vector) {
  const bool tss32 = cpu.tr.present() && (cpu.tr.type() == 9 || cpu.tr.type() == 11);
  if (!(cpu.cr4 & cr4::VME) || !tss32 || cpu.tr.limit < 103) {
    if (cpu.iopl() < 3) raise_gp();
    return false;
  }
  const u32 map = cpu.read_system<u16>(cpu.tr.base + 0x66) - 32 + vector / 8;
  if (map > cpu.tr.limit || (cpu.read_system<u8>(cpu.tr.base + map) >> (vector & 7) & 1)) {
    if (cpu.iopl() < 3) raise_gp();
    return false;
  }
  const bool shadowed = cpu.iopl() < 3;
  u32 image = cpu.flags.value();
  if (shadowed) image = (image & ~eflags::IF) | eflags::IOPL | (image & eflags::VIF ? eflags::IF : 0);
  const u32 handler = static_cast<u32>(cpu.read_linear(vector * 4u, 4, Privilege::user));
  StackFrame<u16> frame(cpu, 3);
  frame.push(static_cast<u16>(image));
  frame.push(cpu.segment[CS].selector);
  frame.push(static_cast<u16>(cpu.eip));
  cpu.set_stack_pointer(frame.top());
  set_code_segment(cpu, v86_segment(static_cast<u16>(handler >> 16)));
  cpu.eip = handler & 0xFFFF;
  cpu.flags.rest &= ~(eflags::TF | eflags::NT | (shadowed ? eflags::VIF : eflags::IF));
  cpu.update_mode();
  return true;
}

bool contributory(Vector v) {
  return v == Vector::DE || v == Vector::TS || v == Vector::NP || v == Vector::SS || v == Vector::GP;
}

}  // namespace

void deliver_event(Cpu& cpu, u8 vector, Source source, u32 error_code, bool has_error_code) {
  cpu.drop_step_trap();
  cpu.trace().line(Channel::interrupts, "vector {:02x} source {} error {:x} at {:04x}:{:08x} cpl {}", vector,
                   static_cast<int>(source), error_code, cpu.segment[CS].selector, cpu.eip, cpu.cpl);
  if (!cpu.protected_mode()) return deliver_real(cpu, vector);
  if (cpu.v86() && source == Source::software && redirect_v86(cpu, vector)) return;
  deliver_protected(cpu, vector, source, error_code, has_error_code);
}

void deliver_external(Cpu& cpu, u8 vector) {
  try {
    deliver_event(cpu, vector, Source::external);
  } catch (const GuestFault& fault) {
    deliver_fault(cpu, fault);
  }
}

void deliver_fault(Cpu& cpu, const GuestFault& first) {
  GuestFault fault = first;
  while (true) {
    cpu.trace().line(Channel::faults, "vector {} error {:x} at {:04x}:{:08x} cr2 {:08x}",
                     static_cast<int>(fault.vector), fault.error_code, cpu.segment[CS].selector, cpu.eip, cpu.cr2);
    // RF in the pushed image lets the faulting instruction run past its breakpoint (SDM 3B 17.3.1.1).
    const u32 before = cpu.flags.rest;
    const bool breakpoint = fault.vector == Vector::DB;
    if (!breakpoint) cpu.flags.rest |= eflags::RF;
    try {
      const bool has_code = cpu.protected_mode() && pushes_error_code(fault.vector);
      deliver_event(cpu, static_cast<u8>(fault.vector), Source::exception, has_code ? fault.error_code : 0, has_code);
      return;
    } catch (const GuestFault& second) {
      cpu.flags.rest = before;
      if (fault.vector == Vector::DF) {
        cpu.shutdown = true;
        cpu.stop_soon();
        return;
      }
      const bool both = contributory(fault.vector) && contributory(second.vector);
      const bool page = fault.vector == Vector::PF && (second.vector == Vector::PF || contributory(second.vector));
      fault = both || page ? GuestFault{Vector::DF, 0} : second;
    }
  }
}

}  // namespace penumbra
