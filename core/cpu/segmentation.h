// Descriptors and the loading of segment registers (SDM 3A chapters 3 and 5).
#pragma once

#include "core/cpu/cpu.h"

namespace penumbra {

// A descriptor as it stands in a table.
struct Descriptor {
  u32 low = 0;
  u32 high = 0;
  u32 address = 0;  // linear, of the low dword

  u8 access() const { return static_cast<u8>(high >> 8); }
  bool present() const { return high & 0x8000; }
  unsigned dpl() const { return high >> 13 & 3; }
  bool code_or_data() const { return high & 0x1000; }
  unsigned type() const { return high >> 8 & 15; }
  bool code() const { return (high & 0x1800) == 0x1800; }
  bool conforming() const { return (high & 0x1C00) == 0x1C00; }
  bool writable_data() const { return (high & 0x1A00) == 0x1200; }
  bool readable() const { return code_or_data() && (!(high & 0x800) || (high & 0x200)); }
  u32 base() const { return low >> 16 | (high & 0xFF) << 16 | (high & 0xFF00'0000); }
  u32 limit() const {
    const u32 raw = (low & 0xFFFF) | (high & 0xF0000);
    return high & 0x0080'0000 ? raw << 12 | 0xFFF : raw;
  }
  bool big() const { return high & 0x0040'0000; }
  // As a gate.
  u16 gate_selector() const { return static_cast<u16>(low >> 16); }
  u32 gate_offset() const { return (low & 0xFFFF) | (high & 0xFFFF'0000); }
};

// System descriptor types (SDM 3A table 3-2).
namespace system_type {
inline constexpr unsigned tss16 = 1, ldt = 2, tss16_busy = 3, call_gate16 = 4, task_gate = 5, interrupt_gate16 = 6,
                          trap_gate16 = 7, tss32 = 9, tss32_busy = 11, call_gate32 = 12, interrupt_gate32 = 14,
                          trap_gate32 = 15;
}

constexpr u32 selector_error(u16 selector) { return selector & 0xFFFC; }
constexpr bool is_null(u16 selector) { return (selector & 0xFFFC) == 0; }

// The descriptor a selector names; false if it lies outside its table, or the LDT is not usable.
bool find_descriptor(Cpu& cpu, u16 selector, Descriptor& descriptor);
// The same, raising `vector` with the selector's error code.
Descriptor fetch_descriptor(Cpu& cpu, u16 selector, Vector vector = Vector::GP);
// A register's hidden part from a descriptor.
Segment make_segment(u16 selector, const Descriptor& descriptor);
// Sets the accessed bit in the table, if it is clear.
void mark_accessed(Cpu& cpu, Descriptor& descriptor);

// MOV to a data segment register, POP, LDS ...: all checks of the current mode. CS is not loaded this way.
void load_segment(Cpu& cpu, unsigned name, u16 selector);
// Real and virtual-8086 mode: the base is the selector times 16. In virtual-8086 mode all else is fixed.
Segment real_segment(const Cpu& cpu, u16 selector, const Segment& before);
Segment v86_segment(u16 selector);
// SS for a privilege level change: raises `vector` (#TS from a TSS, #GP from a far return) with the selector.
Segment check_stack_segment(Cpu& cpu, u16 selector, unsigned new_cpl, Vector vector);
// Data segments that the new, less privileged CPL may not hold become null (far RET, IRET).
void drop_privileged_segments(Cpu& cpu);
// Installs CS: decoding and links depend on its base and size.
void set_code_segment(Cpu& cpu, const Segment& cs);

}  // namespace penumbra
