// The machine's CPU as a debugger sees it.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>

#include "core/cpu/cpu.h"
#include "frontend/debug_target.h"

namespace penumbra {

class CpuDebugTarget final : public DebugTarget {
 public:
  explicit CpuDebugTarget(Cpu& cpu) : cpu_(cpu) {}

  DebugRegisters registers() override;
  void set_registers(const DebugRegisters& registers) override;
  bool read(LinearAddr from, std::span<u8> to) override { return cpu_.debug_read(from.value, to); }
  bool write(LinearAddr to, std::span<const u8> from) override;
  bool add_breakpoint(BreakKind kind, LinearAddr at, u32 length) override;
  bool remove_breakpoint(BreakKind kind, LinearAddr at, u32 length) override;
  void remove_all_breakpoints() override;
  std::optional<Hit> last_hit() override { return hit_; }
  void step_once() override { step_wanted_ = true; }
  std::string describe() override;

  // For whoever runs the machine: a step is wanted, and is over.
  bool step_wanted() const { return step_wanted_; }
  void step_done() {
    step_wanted_ = false;
    hit_.reset();
  }
  bool halted() const { return cpu_.halted; }
  // A run ended at a break- or watchpoint.
  void note_hit();

 private:
  // Enough for any session, and a bound on what each instruction is compared with.
  static constexpr std::size_t kMostBreakpoints = 256;

  void load_selector(unsigned name, u16 selector);
  void place(BreakKind kind, u32 linear, u32 length, bool on);

  Cpu& cpu_;
  std::set<std::tuple<BreakKind, u32, u32>> breakpoints_;  // kind, linear address, length
  std::optional<Hit> hit_;
  bool step_wanted_ = false;
};

}  // namespace penumbra
