// What a debugger needs of a CPU: registers, memory by linear address, breakpoints, single steps. The gdb stub and the
// monitor's `info registers` use it; core/cpu's adapter implements it.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "core/base/types.h"

namespace penumbra {

struct DebugRegisters {
  // In gdb's order: eax ecx edx ebx esp ebp esi edi.
  std::array<u32, 8> general{};
  u32 eip = 0;  // the register itself: an offset in CS, not a linear address
  u32 eflags = 2;
  // In gdb's order: cs ss ds es fs gs.
  std::array<u16, 6> segments{};
  // The physical registers' 80-bit contents in stack order: st(0) first.
  std::array<std::array<u8, 10>, 8> st{};
  u16 fctrl = 0x37F;
  u16 fstat = 0;
  u16 ftag = 0xFFFF;  // two bits a register, as FSTENV stores it
  u32 fioff = 0;
  u16 fiseg = 0;
  u32 fooff = 0;
  u16 foseg = 0;
  u16 fop = 0;
  std::array<std::array<u8, 16>, 8> xmm{};
  u32 mxcsr = 0x1F80;
};

enum class BreakKind : u8 { execute, write, read, access };

class DebugTarget {
 public:
  virtual ~DebugTarget() = default;

  virtual DebugRegisters registers() = 0;
  // Loads everything but segment registers as it is; a changed selector is loaded as the mode wants it, and left alone
  // if it cannot be.
  virtual void set_registers(const DebugRegisters& registers) = 0;

  // Memory by linear address, through the guest's paging but past its protection (ROM excepted) and without setting
  // accessed or dirty bits. False if a page of it is not present; then nothing is written.
  virtual bool read(LinearAddr from, std::span<u8> to) = 0;
  virtual bool write(LinearAddr to, std::span<const u8> from) = 0;

  // At a linear address; `length` (1, 2, 4 or more) counts for data. False if there is no room for another.
  // When the guest goes on from an address that has an execute breakpoint, that instruction is executed first.
  // A run ends with StopReason::breakpoint before the instruction of an execute breakpoint and after the access of the
  // others.
  virtual bool add_breakpoint(BreakKind kind, LinearAddr at, u32 length) = 0;
  virtual bool remove_breakpoint(BreakKind kind, LinearAddr at, u32 length) = 0;
  virtual void remove_all_breakpoints() = 0;

  struct Hit {
    BreakKind kind;
    LinearAddr address;
  };
  // What ended the last run, if a breakpoint did.
  virtual std::optional<Hit> last_hit() = 0;

  // Makes the next run end, with StopReason::breakpoint, after one instruction.
  virtual void step_once() = 0;

  // For people: all registers with segment bases, control registers, and the mode, in lines.
  virtual std::string describe() = 0;
};

}  // namespace penumbra
