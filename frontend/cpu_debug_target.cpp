// Registers, memory and breakpoints of the interpreter's CPU in the debugger's terms.
#include "frontend/cpu_debug_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/cpu/fault.h"
#include "core/cpu/segmentation.h"

namespace penumbra {

namespace {

// gdb's order of segment registers against the CPU's.
constexpr u8 kSegmentOrder[] = {CS, SS, DS, ES, FS, GS};
constexpr std::string_view kGeneralNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

constexpr u16 kMaxExponent = 0x7FFF;

// FSTENV's tag of a register: 0 valid, 1 zero, 2 special, 3 empty (SDM 1 8.1.7).
unsigned tag_of(const X87State& x87, unsigned physical) {
  if (!bit(x87.valid, physical)) return 3;
  const Float80& value = x87.registers[physical];
  const u16 exponent = value.sign_exponent & kMaxExponent;
  if (exponent == 0 && value.significand == 0) return 1;
  const bool normal = exponent != 0 && exponent != kMaxExponent && value.significand >> 63;
  return normal ? 0 : 2;
}

Cpu::Watch watch_of(BreakKind kind) {
  switch (kind) {
    case BreakKind::read: return Cpu::Watch::read;
    case BreakKind::write: return Cpu::Watch::write;
    default: return Cpu::Watch::access;
  }
}

std::string segment_line(std::string_view name, const Segment& s) {
  return fmt::format("{:<4} {:04x} base {:08x} limit {:08x} access {:02x}{}\n", name, s.selector, s.base, s.limit,
                     s.access, s.big ? " 32-bit" : "");
}

}  // namespace

DebugRegisters CpuDebugTarget::registers() {
  DebugRegisters r;
  std::copy_n(cpu_.gpr, 8, r.general.begin());
  r.eip = cpu_.eip;
  r.eflags = cpu_.flags.value();
  for (std::size_t i = 0; i < r.segments.size(); ++i) r.segments[i] = cpu_.segment[kSegmentOrder[i]].selector;
  const X87State& x87 = cpu_.x87;
  r.ftag = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const Float80& value = x87.registers[(x87.top + i) & 7];
    store(r.st[i].data(), value.significand);
    store(r.st[i].data() + 8, value.sign_exponent);
    r.ftag = static_cast<u16>(r.ftag | tag_of(x87, i) << 2 * i);
    std::memcpy(r.xmm[i].data(), cpu_.xmm[i].byte, 16);
  }
  r.fctrl = x87.control;
  r.fstat = x87.status_word();
  r.fioff = x87.instruction_pointer;
  r.fiseg = x87.instruction_selector;
  r.fooff = x87.operand_pointer;
  r.foseg = x87.operand_selector;
  r.fop = x87.opcode;
  r.mxcsr = cpu_.mxcsr;
  return r;
}

void CpuDebugTarget::set_registers(const DebugRegisters& r) {
  std::copy(r.general.begin(), r.general.end(), cpu_.gpr);
  // A debugger does not enter or leave virtual-8086 mode: that is more than a flag.
  const u32 vm = cpu_.flags.value() & eflags::VM;
  cpu_.flags.load((r.eflags & ~eflags::VM) | vm);
  for (std::size_t i = 0; i < r.segments.size(); ++i) load_selector(kSegmentOrder[i], r.segments[i]);
  cpu_.eip = r.eip;

  X87State& x87 = cpu_.x87;
  x87.control = r.fctrl;
  x87.load_status_word(r.fstat);
  x87.valid = 0;
  for (unsigned i = 0; i < 8; ++i) {
    Float80& value = x87.registers[(x87.top + i) & 7];
    value.significand = load<u64>(r.st[i].data());
    value.sign_exponent = load<u16>(r.st[i].data() + 8);
    if ((r.ftag >> 2 * i & 3) != 3) x87.valid = static_cast<u8>(x87.valid | 1 << i);
    std::memcpy(cpu_.xmm[i].byte, r.xmm[i].data(), 16);
  }
  x87.instruction_pointer = r.fioff;
  x87.instruction_selector = r.fiseg;
  x87.operand_pointer = r.fooff;
  x87.operand_selector = r.foseg;
  x87.opcode = r.fop;
  cpu_.mxcsr = r.mxcsr & 0xFFFF;
  cpu_.state_changed();
}

void CpuDebugTarget::load_selector(unsigned name, u16 selector) {
  if (cpu_.segment[name].selector == selector) return;
  try {
    if (name != CS) {
      load_segment(cpu_, name, selector);
    } else if (cpu_.real_or_v86()) {
      set_code_segment(cpu_, cpu_.v86() ? v86_segment(selector) : real_segment(cpu_, selector, cpu_.segment[CS]));
    }
  } catch (const GuestFault&) {
    // The mode does not allow it: the register stays, as the interface says.
  }
}

bool CpuDebugTarget::write(LinearAddr to, std::span<const u8> from) {
  std::vector<u8> before(from.size());
  return cpu_.debug_read(to.value, before) && cpu_.debug_write(to.value, from);
}

void CpuDebugTarget::place(BreakKind kind, u32 linear, u32 length, bool on) {
  if (kind == BreakKind::execute)
    cpu_.set_breakpoint(linear, on);
  else
    cpu_.set_watchpoint(linear, length, watch_of(kind), on);
}

bool CpuDebugTarget::add_breakpoint(BreakKind kind, LinearAddr at, u32 length) {
  if (breakpoints_.size() >= kMostBreakpoints) return false;
  breakpoints_.emplace(kind, at.value, length);
  place(kind, at.value, length, true);
  return true;
}

bool CpuDebugTarget::remove_breakpoint(BreakKind kind, LinearAddr at, u32 length) {
  if (breakpoints_.erase({kind, at.value, length}) == 0) return false;
  place(kind, at.value, length, false);
  return true;
}

void CpuDebugTarget::remove_all_breakpoints() {
  for (const auto& [kind, linear, length] : breakpoints_) place(kind, linear, length, false);
  breakpoints_.clear();
}

void CpuDebugTarget::note_hit() {
  hit_ = Hit{BreakKind::execute, LinearAddr(cpu_.segment[CS].base + cpu_.eip)};
  if (cpu_.watch_hit() < 0) return;
  hit_->address = LinearAddr(static_cast<u32>(cpu_.watch_hit()));
  for (const auto& [kind, linear, length] : breakpoints_)
    if (kind != BreakKind::execute && linear == hit_->address.value) hit_->kind = kind;
}

std::string CpuDebugTarget::describe() {
  std::string text;
  for (unsigned i = 0; i < 8; ++i)
    text += fmt::format("{} {:08x}{}", kGeneralNames[i], cpu_.gpr[i], i % 4 == 3 ? "\n" : "  ");
  text += fmt::format("eip {:08x}  eflags {:08x}  cpl {}  {}{}\n", cpu_.eip, cpu_.flags.value(), cpu_.cpl,
                      cpu_.v86()              ? "virtual-8086 mode"
                      : cpu_.protected_mode() ? "protected mode"
                                              : "real mode",
                      cpu_.halted ? ", halted" : "");
  for (const auto& [name, index] : {std::pair("es", ES), std::pair("cs", CS), std::pair("ss", SS), std::pair("ds", DS),
                                    std::pair("fs", FS), std::pair("gs", GS)})
    text += segment_line(name, cpu_.segment[index]);
  text += segment_line("ldtr", cpu_.ldtr) + segment_line("tr", cpu_.tr);
  text += fmt::format("gdtr base {:08x} limit {:04x}\nidtr base {:08x} limit {:04x}\n", cpu_.gdtr.base, cpu_.gdtr.limit,
                      cpu_.idtr.base, cpu_.idtr.limit);
  text += fmt::format("cr0 {:08x}  cr2 {:08x}  cr3 {:08x}  cr4 {:08x}  efer {:x}\n", cpu_.cr0, cpu_.cr2, cpu_.cr3,
                      cpu_.cr4, cpu_.efer);
  return text + fmt::format("dr0 {:08x}  dr1 {:08x}  dr2 {:08x}  dr3 {:08x}  dr6 {:08x}  dr7 {:08x}\n", cpu_.dr[0],
                            cpu_.dr[1], cpu_.dr[2], cpu_.dr[3], cpu_.dr[6], cpu_.dr[7]);
}

}  // namespace penumbra
