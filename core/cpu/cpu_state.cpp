// Visiting the processor's state.
#include "core/cpu/cpu_state.h"

#include <string>

namespace penumbra {

void Segment::visit(State& state, std::string_view name) {
  StateSection section(state, name);
  state.field("selector", selector);
  state.field("access", access);
  state.field("big", big);
  state.field("granular", granular);
  state.field("available", available);
  state.field("base", base);
  state.field("limit", limit);
  if (state.loading()) derive();
}

u16 X87State::tag_word() const {
  u16 tags = 0;
  for (unsigned n = 0; n < 8; ++n) {
    const Float80& f = registers[n];
    const u16 exponent = f.sign_exponent & 0x7FFF;
    unsigned tag = 0;
    if (!(valid >> n & 1))
      tag = 3;
    else if (exponent == 0 && f.significand == 0)
      tag = 1;
    else if (exponent == 0 || exponent == 0x7FFF || !(f.significand >> 63))
      tag = 2;
    tags |= static_cast<u16>(tag << (2 * n));
  }
  return tags;
}

void X87State::load_tag_word(u16 tags) {
  valid = 0;
  for (unsigned n = 0; n < 8; ++n)
    if ((tags >> (2 * n) & 3) != 3) valid |= static_cast<u8>(1u << n);
}

void X87State::visit(State& state) {
  StateSection section(state, "x87");
  for (unsigned n = 0; n < 8; ++n) {
    const std::string name = "R" + std::to_string(n);
    state.field(name + "-significand", registers[n].significand);
    state.field(name + "-sign-exponent", registers[n].sign_exponent);
  }
  state.field("control", control);
  state.field("status", status);
  state.field("top", top);
  state.field("valid", valid);
  state.field("opcode", opcode);
  state.field("instruction-selector", instruction_selector);
  state.field("operand-selector", operand_selector);
  state.field("instruction-pointer", instruction_pointer);
  state.field("operand-pointer", operand_pointer);
}

void CpuState::visit(State& state) {
  StateSection section(state, "cpu");
  constexpr std::string_view kGprNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  for (unsigned n = 0; n < 8; ++n) state.field(kGprNames[n], gpr[n]);
  state.field("eip", eip);
  u32 image = flags.value();
  state.field("eflags", image);
  if (state.loading()) flags.load(image);
  state.field("cpl", cpl);
  constexpr std::string_view kSegmentNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned n = 0; n < 6; ++n) segment[n].visit(state, kSegmentNames[n]);
  ldtr.visit(state, "ldtr");
  tr.visit(state, "tr");
  state.field("gdtr-base", gdtr.base);
  state.field("gdtr-limit", gdtr.limit);
  state.field("idtr-base", idtr.base);
  state.field("idtr-limit", idtr.limit);
  state.field("cr0", cr0);
  state.field("cr2", cr2);
  state.field("cr3", cr3);
  state.field("cr4", cr4);
  state.field("pdpte", pdpte);
  state.field("dr", dr);
  state.field("efer", efer);
  x87.visit(state);
  for (unsigned n = 0; n < 8; ++n) {
    state.field("xmm" + std::to_string(n) + "-low", xmm[n].qword[0]);
    state.field("xmm" + std::to_string(n) + "-high", xmm[n].qword[1]);
  }
  state.field("mxcsr", mxcsr);
  state.field("sysenter-cs", sysenter_cs);
  state.field("sysenter-esp", sysenter_esp);
  state.field("sysenter-eip", sysenter_eip);
  state.field("tsc-offset", tsc_offset);
  state.field("apic-base", apic_base);
  state.field("pat", pat);
  state.field("debug-control", debug_control);
  state.field("misc-enable", misc_enable);
  state.field("mtrr", mtrr);
  state.field("halted", halted);
  state.field("shutdown", shutdown);
  state.field("interrupt-shadow", interrupt_shadow);
  state.field("debug-shadow", debug_shadow);
  state.field("nmi-blocked", nmi_blocked);
  state.field("nmi-pending", nmi_pending);
}

}  // namespace penumbra
