// Breakpoints and watchpoints: the guest's in DR0 to DR7 (SDM 3B 17.2), and those of a debugger from outside.
#include "core/cpu/cpu.h"
#include "core/cpu/interrupt.h"

namespace penumbra {

bool Cpu::code_breakpoint(RunEnd& end) {
  const u32 linear = segment[CS].base + eip;
  if (!(resumed_ && resumed_at_ == linear)) {
    for (const u32 at : breakpoints_)
      if (at == linear) {
        resumed_ = true;
        resumed_at_ = linear;
        watch_hit_ = -1;
        end = RunEnd::breakpoint;
        return true;
      }
  }
  resumed_ = false;
  if ((dr[7] & 0xFF) && !(flags.rest & eflags::RF) && !debug_shadow) {
    u32 causes = 0;
    for (unsigned n = 0; n < 4; ++n) {
      const bool execution = bits(dr[7], 17 + 4 * n, 16 + 4 * n) == 0;
      if (execution && bits(dr[7], 2 * n + 1, 2 * n) && dr[n] == linear) causes |= 1u << n;
    }
    if (causes) {
      dr[6] |= causes;
      deliver({Vector::DB, kCodeBreakpoint});
      --remaining_;  // a handler that stands on its own breakpoint must not keep the loop for ever
      end = RunEnd::budget;
      return true;
    }
  }
  return false;
}

void Cpu::note_data_access(u32 linear, u32 bytes, bool write) {
  for (unsigned n = 0; n < 4 && (dr[7] & 0xFF); ++n) {
    const u32 kind = bits(dr[7], 17 + 4 * n, 16 + 4 * n);
    if (!bits(dr[7], 2 * n + 1, 2 * n) || !(kind == 3 || (kind == 1 && write))) continue;
    const u32 span = bits(dr[7], 19 + 4 * n, 18 + 4 * n) == 2 ? 8 : bits(dr[7], 19 + 4 * n, 18 + 4 * n) + 1;
    const u32 first = dr[n] & ~(span - 1);
    if (linear < first + span && first < linear + bytes) data_breaks_ |= 1u << n;
  }
  for (const Watchpoint& w : watchpoints_) {
    const u8 wanted = write ? 2 : 1;
    if ((static_cast<u8>(w.kind) & wanted) && linear < w.linear + w.bytes && w.linear < linear + bytes) {
      watch_hit_ = w.linear;
      debugger_stop_ = true;
      stop_soon();
    }
  }
}

void Cpu::note_io_access(u16 port, u32 bytes) {
  if (!(cr4 & cr4::DE) || !(dr[7] & 0xFF)) return;
  for (unsigned n = 0; n < 4; ++n) {
    if (bits(dr[7], 17 + 4 * n, 16 + 4 * n) != 2 || !bits(dr[7], 2 * n + 1, 2 * n)) continue;
    const u32 span = bits(dr[7], 19 + 4 * n, 18 + 4 * n) + 1;
    const u32 first = dr[n] & ~(span - 1);
    if (port < first + span && first < port + bytes) data_breaks_ |= 1u << n;
  }
}

void Cpu::set_breakpoint(u32 linear, bool on) {
  std::erase(breakpoints_, linear);
  if (on) breakpoints_.push_back(linear);
  update_mode();
}

void Cpu::set_watchpoint(u32 linear, u32 bytes, Watch kind, bool on) {
  std::erase_if(watchpoints_,
                [&](const Watchpoint& w) { return w.linear == linear && w.bytes == bytes && w.kind == kind; });
  if (on) watchpoints_.push_back({linear, bytes, kind});
  update_mode();
}

}  // namespace penumbra
