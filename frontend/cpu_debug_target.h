// The machine's CPU as a debugger sees it.
#pragma once

#include "core/cpu/cpu.h"
#include "frontend/debug_target.h"

namespace penumbra {

class CpuDebugTarget final : public DebugTarget {
 public:
  explicit CpuDebugTarget(Cpu& cpu) : cpu_(cpu) {}
  ~CpuDebugTarget() override { remove_all_breakpoints(); }

  DebugRegisters registers() override;
  void set_registers(const DebugRegisters& registers) override;
  bool read(LinearAddr from, std::span<u8> to) override { return cpu_.debug_read(from.value, to); }
  bool write(LinearAddr to, std::span<const u8> from) override { return cpu_.debug_write(to.value, from); }
  bool add_breakpoint(BreakKind kind, LinearAddr at, u32 length) override;
  bool remove_breakpoint(BreakKind kind, LinearAddr at, u32 length) override;
  void remove_all_breakpoints() override;
  std::optional<Hit> last_hit() override;
  void step_once() override { cpu_.step_once(); }
  std::string describe() override;

 private:
  struct Breakpoint {
    BreakKind kind;
    LinearAddr at;
    u32 length;
    bool operator==(const Breakpoint&) const = default;
  };
  void change(const Breakpoint& breakpoint, bool on);

  Cpu& cpu_;
  std::vector<Breakpoint> breakpoints_;
};

}  // namespace penumbra
