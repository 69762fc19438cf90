// How an instruction is executed: handlers that call the next one, and the adapter that turns a plain function into
// one.
#pragma once

#include "core/cpu/cpu.h"
#include "core/cpu/insn.h"

namespace penumbra {

// Ends a handler: the next instruction of the block. A tail call, so no object with a destructor may be alive.
[[gnu::always_inline]] inline void next(Cpu& cpu, const Insn* i) { return i[1].handler(cpu, i + 1); }

// A handler that accesses memory comes in two halves, so that the one for most cases needs no stack frame: the quick
// half, and the whole one that it jumps to where the TLB has no answer. This is how a failed access ends either.
template <Path path, Handler whole>
[[gnu::always_inline]] inline void give_up(Cpu& cpu, const Insn* i) {
  if constexpr (path == Path::quick)
    return whole(cpu, i);
  else
    return cpu.leave_with_fault(i);
}

// Register operands, by the byte offset that decoding stored.
template <class T>
T& reg(Cpu& cpu, u8 offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<u8*>(cpu.gpr) + offset);
}
template <class T>
T& dst(Cpu& cpu, const Insn* i) {
  return reg<T>(cpu, i->dst);
}
template <class T>
T& src(Cpu& cpu, const Insn* i) {
  return reg<T>(cpu, i->src);
}

// A helper is an instruction's meaning as a plain function: EIP is already the next instruction's; it throws faults
// before it has changed anything. `Ends` says whether execution may go on in this block.
using Helper = void (*)(Cpu&, const Insn&);

enum class After : u8 { next, leave };

template <Helper function, After after = After::next>
void helper(Cpu& cpu, const Insn* i) {
  cpu.eip = cpu.eip_after(i);
  cpu.set_current(i);
  function(cpu, *i);
  if constexpr (after == After::next) return next(cpu, i);
  return cpu.continue_after_helper();
}

// The operand of a helper that may be a register or memory.
template <class T>
T operand(Cpu& cpu, const Insn& i) {
  return i.memory ? cpu.read<T>(i.segment, cpu.effective_address(&i)) : reg<T>(cpu, i.dst);
}
template <class T>
T source_operand(Cpu& cpu, const Insn& i) {
  return i.memory ? cpu.read<T>(i.segment, cpu.effective_address(&i)) : reg<T>(cpu, i.src);
}
template <class T>
void set_operand(Cpu& cpu, const Insn& i, T value) {
  if (i.memory)
    cpu.write<T>(i.segment, cpu.effective_address(&i), value);
  else
    reg<T>(cpu, i.dst) = value;
}

// The pseudo-instruction after a block that no branch ends.
void fall_through(Cpu& cpu, const Insn* i);
// What all instructions of an invalidated block become.
void leave_invalidated(Cpu& cpu, const Insn* i);
void undefined_instruction(Cpu& cpu, const Insn& i);
void too_long_instruction(Cpu& cpu, const Insn& i);

}  // namespace penumbra
