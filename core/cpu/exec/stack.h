// Several pushes that happen together or not at all.
#pragma once

#include "core/cpu/cpu.h"

namespace penumbra {

// Checks room for `count` pushes of T on the current stack, then writes them; ESP is the caller's to move.
template <class T>
class StackFrame {
 public:
  StackFrame(Cpu& cpu, unsigned count) : cpu_(cpu), top_(cpu.gpr[ESP]) {
    const u32 mask = cpu.stack_mask();
    const u32 bytes = count * static_cast<u32>(sizeof(T));
    const u32 lowest = (top_ - bytes) & mask;
    // The first push that fails is the one that is reported. A frame that wraps around the stack's end or crosses a
    // page is checked slot by slot.
    cpu.check_write(SS, (top_ - static_cast<u32>(sizeof(T))) & mask, sizeof(T));
    const bool in_page = ((cpu.segment[SS].base + lowest) & kPageMask) + bytes <= kPageSize;
    if (in_page && lowest + (bytes - 1) <= mask && lowest + (bytes - 1) >= lowest) {
      cpu.check_write(SS, lowest, bytes);
      return;
    }
    for (unsigned n = 1; n <= count; ++n)
      cpu.check_write(SS, (top_ - n * static_cast<u32>(sizeof(T))) & mask, sizeof(T));
  }

  void push(T value) {
    top_ -= sizeof(T);
    cpu_.write<T>(SS, top_ & cpu_.stack_mask(), value);
  }
  u32 top() const { return top_; }

 private:
  Cpu& cpu_;
  u32 top_;
};

}  // namespace penumbra
