// Registers in gdb's order, breakpoints, and the text of `info registers`.
#include "frontend/cpu_debug_target.h"

#include "core/cpu/segmentation.h"

namespace penumbra {

namespace {

constexpr std::array<SegmentName, 6> kGdbSegments = {CS, SS, DS, ES, FS, GS};

}  // namespace

DebugRegisters CpuDebugTarget::registers() {
  DebugRegisters r;
  std::copy_n(cpu_.gpr, 8, r.general.begin());
  r.eip = cpu_.eip;
  r.eflags = cpu_.flags.value();
  for (unsigned n = 0; n < 6; ++n) r.segments[n] = cpu_.segment[kGdbSegments[n]].selector;
  const X87State& x = cpu_.x87;
  for (unsigned n = 0; n < 8; ++n) {
    const Float80& f = x.registers[(x.top + n) & 7];
    store<u64>(r.st[n].data(), f.significand);
    store<u16>(r.st[n].data() + 8, f.sign_exponent);
    std::memcpy(r.xmm[n].data(), &cpu_.xmm[n], 16);
  }
  r.fctrl = x.control;
  r.fstat = x.status_word();
  r.ftag = x.tag_word();
  r.fioff = x.instruction_pointer;
  r.fiseg = x.instruction_selector;
  r.fooff = x.operand_pointer;
  r.foseg = x.operand_selector;
  r.fop = x.opcode;
  r.mxcsr = cpu_.mxcsr;
  return r;
}

void CpuDebugTarget::set_registers(const DebugRegisters& r) {
  std::copy_n(r.general.begin(), 8, cpu_.gpr);
  cpu_.eip = r.eip;
  cpu_.flags.load(r.eflags);
  for (unsigned n = 0; n < 6; ++n) {
    const unsigned name = kGdbSegments[n];
    if (cpu_.segment[name].selector == r.segments[n] || name == CS) continue;
    try {
      load_segment(cpu_, name, r.segments[n]);
    } catch (const GuestFault&) {
      continue;  // a selector that cannot be loaded leaves the register alone
    }
  }
  X87State& x = cpu_.x87;
  x.control = r.fctrl;
  x.load_status_word(r.fstat);
  x.load_tag_word(r.ftag);
  for (unsigned n = 0; n < 8; ++n) {
    x.registers[(x.top + n) & 7] = {load<u64>(r.st[n].data()), load<u16>(r.st[n].data() + 8)};
    std::memcpy(&cpu_.xmm[n], r.xmm[n].data(), 16);
  }
  x.instruction_pointer = r.fioff;
  x.instruction_selector = r.fiseg;
  x.operand_pointer = r.fooff;
  x.operand_selector = r.foseg;
  x.opcode = r.fop;
  cpu_.mxcsr = r.mxcsr & cpu_.model().mxcsr_mask;
  cpu_.state_changed();
}

void CpuDebugTarget::change(const Breakpoint& b, bool on) {
  switch (b.kind) {
    case BreakKind::execute: return cpu_.set_breakpoint(b.at.value, on);
    case BreakKind::write: return cpu_.set_watchpoint(b.at.value, b.length, Cpu::Watch::write, on);
    case BreakKind::read: return cpu_.set_watchpoint(b.at.value, b.length, Cpu::Watch::read, on);
    case BreakKind::access: return cpu_.set_watchpoint(b.at.value, b.length, Cpu::Watch::access, on);
  }
}

bool CpuDebugTarget::add_breakpoint(BreakKind kind, LinearAddr at, u32 length) {
  breakpoints_.push_back({kind, at, length});
  change(breakpoints_.back(), true);
  return true;
}

bool CpuDebugTarget::remove_breakpoint(BreakKind kind, LinearAddr at, u32 length) {
  const Breakpoint b{kind, at, length};
  if (std::erase(breakpoints_, b) == 0) return false;
  change(b, false);
  return true;
}

void CpuDebugTarget::remove_all_breakpoints() {
  for (const Breakpoint& b : breakpoints_) change(b, false);
  breakpoints_.clear();
}

std::optional<DebugTarget::Hit> CpuDebugTarget::last_hit() {
  const i64 watched = cpu_.watch_hit();
  const u32 here = cpu_.segment[CS].base + cpu_.eip;
  for (const Breakpoint& b : breakpoints_) {
    const bool is_code = b.kind == BreakKind::execute;
    if (is_code ? watched < 0 && b.at.value == here : watched == i64{b.at.value}) return Hit{b.kind, b.at};
  }
  return std::nullopt;
}

std::string CpuDebugTarget::describe() {
  const CpuState& s = cpu_;
  std::string text = fmt::format(
      "eax={:08x} ebx={:08x} ecx={:08x} edx={:08x}\nesi={:08x} edi={:08x} ebp={:08x} esp={:08x}\n"
      "eip={:08x} eflags={:08x} cpl={} {}{}\n",
      s.gpr[EAX], s.gpr[EBX], s.gpr[ECX], s.gpr[EDX], s.gpr[ESI], s.gpr[EDI], s.gpr[EBP], s.gpr[ESP], s.eip,
      s.flags.value(), s.cpl, !s.protected_mode() ? "real mode" : s.v86() ? "virtual-8086 mode" : "protected mode",
      s.halted ? ", halted" : "");
  constexpr std::string_view kNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  const auto segment_line = [&](std::string_view name, const Segment& g) {
    text += fmt::format("{:4} {:04x} base={:08x} limit={:08x} access={:02x}{}\n", name, g.selector, g.base, g.limit,
                        g.access, g.big ? " big" : "");
  };
  for (unsigned n = 0; n < 6; ++n) segment_line(kNames[n], s.segment[n]);
  segment_line("ldtr", s.ldtr);
  segment_line("tr", s.tr);
  text += fmt::format("gdtr base={:08x} limit={:04x}  idtr base={:08x} limit={:04x}\n", s.gdtr.base, s.gdtr.limit,
                      s.idtr.base, s.idtr.limit);
  text += fmt::format("cr0={:08x} cr2={:08x} cr3={:08x} cr4={:08x} efer={:x}\ndr6={:08x} dr7={:08x}", s.cr0, s.cr2,
                      s.cr3, s.cr4, s.efer, s.dr[6], s.dr[7]);
  return text;
}

}  // namespace penumbra
