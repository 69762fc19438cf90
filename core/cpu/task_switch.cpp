// The task switch: save the old TSS, load the new one, then its segments one by one.
#include "core/cpu/task_switch.h"

namespace penumbra {

namespace {

constexpr bool is_tss32(unsigned type) { return type & 8; }

void set_busy(Cpu& cpu, u16 selector, bool busy) {
  const u32 address = cpu.gdtr.base + (selector & 0xFFF8) + 4;
  const u32 high = cpu.read_system<u32>(address);
  cpu.write_system<u32>(address, busy ? high | 0x200 : high & ~0x200u);
}

// The registers as a TSS holds them.
struct TaskImage {
  u32 cr3 = 0, eip = 0, eflags = 0;
  u32 gpr[8] = {};
  u16 segment[6] = {};
  u16 ldt = 0;
  bool trap = false;
};

void save_task(Cpu& cpu, u32 eflags) {
  const u32 base = cpu.tr.base;
  if (is_tss32(cpu.tr.type())) {
    cpu.write_system<u32>(base + 0x20, cpu.eip);
    cpu.write_system<u32>(base + 0x24, eflags);
    for (unsigned n = 0; n < 8; ++n) cpu.write_system<u32>(base + 0x28 + 4 * n, cpu.gpr[n]);
    for (unsigned n = 0; n < 6; ++n) cpu.write_system<u16>(base + 0x48 + 4 * n, cpu.segment[n].selector);
  } else {
    cpu.write_system<u16>(base + 0x0E, static_cast<u16>(cpu.eip));
    cpu.write_system<u16>(base + 0x10, static_cast<u16>(eflags));
    for (unsigned n = 0; n < 8; ++n) cpu.write_system<u16>(base + 0x12 + 2 * n, static_cast<u16>(cpu.gpr[n]));
    for (unsigned n = 0; n < 4; ++n) cpu.write_system<u16>(base + 0x22 + 2 * n, cpu.segment[n].selector);
  }
}

TaskImage read_task(Cpu& cpu, u32 base, bool wide) {
  TaskImage t;
  if (wide) {
    t.cr3 = cpu.read_system<u32>(base + 0x1C);
    t.eip = cpu.read_system<u32>(base + 0x20);
    t.eflags = cpu.read_system<u32>(base + 0x24);
    for (unsigned n = 0; n < 8; ++n) t.gpr[n] = cpu.read_system<u32>(base + 0x28 + 4 * n);
    for (unsigned n = 0; n < 6; ++n) t.segment[n] = cpu.read_system<u16>(base + 0x48 + 4 * n);
    t.ldt = cpu.read_system<u16>(base + 0x60);
    t.trap = cpu.read_system<u16>(base + 0x64) & 1;
  } else {
    t.eip = cpu.read_system<u16>(base + 0x0E);
    t.eflags = cpu.read_system<u16>(base + 0x10);
    for (unsigned n = 0; n < 8; ++n) t.gpr[n] = 0xFFFF'0000 | cpu.read_system<u16>(base + 0x12 + 2 * n);
    for (unsigned n = 0; n < 4; ++n) t.segment[n] = cpu.read_system<u16>(base + 0x22 + 2 * n);
    t.ldt = cpu.read_system<u16>(base + 0x2A);
  }
  return t;
}

void load_ldt(Cpu& cpu, u16 selector) {
  cpu.ldtr.make_unusable(selector);
  if (is_null(selector)) return;
  const u32 error = selector_error(selector);
  Descriptor d;
  if ((selector & 4) || !find_descriptor(cpu, selector, d)) raise(Vector::TS, error);
  if (d.code_or_data() || d.type() != system_type::ldt || !d.present()) raise(Vector::TS, error);
  cpu.ldtr = make_segment(selector, d);
}

void load_code(Cpu& cpu, u16 selector) {
  const u32 error = selector_error(selector);
  Descriptor d;
  if (is_null(selector) || !find_descriptor(cpu, selector, d) || !d.code()) raise(Vector::TS, error);
  const unsigned rpl = selector & 3;
  if (d.conforming() ? d.dpl() > rpl : d.dpl() != rpl) raise(Vector::TS, error);
  if (!d.present()) raise(Vector::NP, error);
  mark_accessed(cpu, d);
  set_code_segment(cpu, make_segment(selector, d));
}

void load_data(Cpu& cpu, unsigned name, u16 selector) {
  if (is_null(selector)) return cpu.segment[name].make_unusable(selector);
  const u32 error = selector_error(selector);
  Descriptor d;
  if (!find_descriptor(cpu, selector, d) || !d.readable()) raise(Vector::TS, error);
  if (!d.conforming() && (d.dpl() < (selector & 3u) || d.dpl() < cpu.cpl)) raise(Vector::TS, error);
  if (!d.present()) raise(Vector::NP, error);
  mark_accessed(cpu, d);
  cpu.segment[name] = make_segment(selector, d);
}

void load_segments(Cpu& cpu, const TaskImage& task) {
  load_ldt(cpu, task.ldt);
  if (cpu.v86()) return;
  cpu.segment[SS] = check_stack_segment(cpu, task.segment[SS], task.segment[CS] & 3, Vector::TS);
  for (const unsigned name : {ES, DS, FS, GS}) load_data(cpu, name, task.segment[name]);
  load_code(cpu, task.segment[CS]);
}

}  // namespace

void switch_task(Cpu& cpu, u16 selector, Descriptor tss, TaskSwitch reason, u32 error_code, bool has_error_code) {
  const bool wide = is_tss32(tss.type());
  const u32 base = tss.base();
  if (tss.limit() < (wide ? 103u : 43u)) raise(Vector::TS, selector_error(selector));
  // Both segments are touched before anything changes, so that a page fault belongs to the old task.
  const TaskImage task = read_task(cpu, base, wide);
  const bool old_wide = is_tss32(cpu.tr.type());
  cpu.check_linear_write(cpu.tr.base + (old_wide ? 0x20 : 0x0E), 1, Privilege::supervisor);
  cpu.check_linear_write(cpu.tr.base + (old_wide ? 0x5C : 0x29), 1, Privilege::supervisor);
  const bool nests = reason == TaskSwitch::call || reason == TaskSwitch::interrupt;
  if (nests) cpu.check_linear_write(base, 2, Privilege::supervisor);

  u32 saved_flags = cpu.flags.value();
  if (reason == TaskSwitch::iret) saved_flags &= ~eflags::NT;
  if (reason == TaskSwitch::jump || reason == TaskSwitch::iret) set_busy(cpu, cpu.tr.selector, false);
  save_task(cpu, saved_flags);
  if (nests) cpu.write_system<u16>(base, cpu.tr.selector);
  if (reason != TaskSwitch::iret) set_busy(cpu, selector, true);

  // From here on the new task is the current one: a fault is reported at its EIP.
  cpu.set_current(nullptr);
  tss.high |= 0x200;
  cpu.tr = make_segment(selector, tss);
  cpu.cr0 |= cr0::TS;
  if (wide && (cpu.cr0 & cr0::PG) && cpu.cr3 != task.cr3) {
    cpu.load_pdptes(cpu.cr0, task.cr3, cpu.cr4);
    cpu.cr3 = task.cr3;
    cpu.flush_tlb_for_cr3();
  }
  for (unsigned n = 0; n < 8; ++n) cpu.gpr[n] = task.gpr[n];
  cpu.eip = task.eip;
  u32 new_flags = task.eflags;
  if (nests) new_flags |= eflags::NT;
  if (!wide) new_flags &= 0xFFFF;
  cpu.flags.load(new_flags);
  cpu.keep_resume_flag();
  const bool v86 = wide && cpu.v86();
  for (unsigned n = 0; n < 6; ++n) {
    Segment& s = cpu.segment[n];
    if (v86)
      s = v86_segment(task.segment[n]);
    else
      s.make_unusable(task.segment[n]);
  }
  set_code_segment(cpu, cpu.segment[CS]);
  cpu.set_cpl(v86 ? 3 : task.segment[CS] & 3);
  cpu.dr[7] &= ~0x155u;  // local breakpoints
  cpu.flags_changed();

  load_segments(cpu, task);
  if (has_error_code) {
    const u32 size = wide ? 4 : 2;
    const u32 top = (cpu.gpr[ESP] - size) & cpu.stack_mask();
    if (wide)
      cpu.write<u32>(SS, top, error_code);
    else
      cpu.write<u16>(SS, top, static_cast<u16>(error_code));
    cpu.set_stack_pointer(top);
  }
  if (cpu.eip > cpu.segment[CS].limit) raise_gp();
  if (task.trap) {
    cpu.dr[6] |= 1u << 15;
    raise(Vector::DB);
  }
}

}  // namespace penumbra
