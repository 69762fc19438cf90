// Descriptor access and segment register loads.
#include "core/cpu/segmentation.h"

namespace penumbra {

bool find_descriptor(Cpu& cpu, u16 selector, Descriptor& descriptor) {
  const u32 offset = selector & 0xFFF8;
  u32 base = cpu.gdtr.base;
  u32 limit = cpu.gdtr.limit;
  if (selector & 4) {
    if (!cpu.ldtr.present() || is_null(cpu.ldtr.selector)) return false;
    base = cpu.ldtr.base;
    limit = cpu.ldtr.limit;
  }
  if (offset + 7 > limit) return false;
  const u64 raw = cpu.read_system<u64>(base + offset);
  descriptor = {static_cast<u32>(raw), static_cast<u32>(raw >> 32), base + offset};
  return true;
}

Descriptor fetch_descriptor(Cpu& cpu, u16 selector, Vector vector) {
  Descriptor descriptor;
  if (!find_descriptor(cpu, selector, descriptor)) raise(vector, selector_error(selector));
  return descriptor;
}

Segment make_segment(u16 selector, const Descriptor& d) {
  Segment s;
  s.selector = selector;
  s.access = d.access();
  s.big = d.big();
  s.granular = d.high & 0x0080'0000;
  s.available = d.high & 0x0010'0000;
  s.base = d.base();
  s.limit = d.limit();
  s.derive();
  return s;
}

void mark_accessed(Cpu& cpu, Descriptor& d) {
  if (d.high & 0x100) return;
  d.high |= 0x100;
  cpu.write_system<u8>(d.address + 5, d.access());
}

Segment v86_segment(u16 selector) {
  Segment s;
  s.selector = selector;
  s.base = u32{selector} << 4;
  s.limit = 0xFFFF;
  s.access = 0xF3;
  s.derive();
  return s;
}

Segment real_segment(const Cpu& cpu, u16 selector, const Segment& before) {
  if (cpu.v86()) return v86_segment(selector);
  // Limit and size stay as they were: "unreal" mode depends on it.
  Segment s = before;
  s.selector = selector;
  s.base = u32{selector} << 4;
  s.access = 0x93;
  s.derive();
  return s;
}

void load_segment(Cpu& cpu, unsigned name, u16 selector) {
  Segment& target = cpu.segment[name];
  if (cpu.real_or_v86()) {
    target = real_segment(cpu, selector, target);
    return;
  }
  const unsigned rpl = selector & 3;
  if (name == SS) {
    if (is_null(selector)) raise_gp();
    target = check_stack_segment(cpu, selector, cpu.cpl, Vector::GP);
    return;
  }
  if (is_null(selector)) {
    target.make_unusable(selector);
    return;
  }
  Descriptor d = fetch_descriptor(cpu, selector);
  if (!d.code_or_data() || !d.readable()) raise_gp(selector_error(selector));
  if (!d.conforming() && (rpl > d.dpl() || cpu.cpl > d.dpl())) raise_gp(selector_error(selector));
  if (!d.present()) raise(Vector::NP, selector_error(selector));
  mark_accessed(cpu, d);
  target = make_segment(selector, d);
}

Segment check_stack_segment(Cpu& cpu, u16 selector, unsigned new_cpl, Vector vector) {
  if (is_null(selector)) raise(vector, selector_error(selector));
  Descriptor d = fetch_descriptor(cpu, selector, vector);
  if ((selector & 3u) != new_cpl || !d.writable_data() || d.dpl() != new_cpl) raise(vector, selector_error(selector));
  if (!d.present()) raise(Vector::SS, selector_error(selector));
  mark_accessed(cpu, d);
  return make_segment(selector, d);
}

void drop_privileged_segments(Cpu& cpu) {
  for (const unsigned name : {ES, DS, FS, GS}) {
    Segment& s = cpu.segment[name];
    const bool keeps = s.conforming() || s.dpl() >= cpu.cpl;
    if (!s.code_or_data() || !keeps) s.make_unusable(0);
  }
}

void set_code_segment(Cpu& cpu, const Segment& cs) {
  const bool moved = cs.base != cpu.segment[CS].base;
  cpu.segment[CS] = cs;
  cpu.segment[CS].derive();
  if (moved && (cpu.cr0 & cr0::PG)) cpu.forget_links();
}

}  // namespace penumbra
