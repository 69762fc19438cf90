// What x87 instructions share: availability, the register stack, exceptions and their reporting (SDM 1 chapter 8).
#pragma once

#include "core/cpu/exec/handlers.h"
#include "core/cpu/x87_arithmetic.h"

namespace penumbra {

inline constexpr Float80 kIndefinite{0xC000'0000'0000'0000, 0xFFFF};

// Throws #NM or #MF, or waits for IRQ13, as an x87 instruction must before it does anything; notes FIP, FCS and FOP.
void begin_waiting(Cpu& cpu, const Insn& i);
// For the control instructions that do not look at pending exceptions and leave the pointers alone.
void begin_no_wait(Cpu& cpu);
// Waits like the first, but leaves the pointers alone (FLDCW, FLDENV, FRSTOR, FWAIT).
void begin_control(Cpu& cpu);
void note_memory_operand(Cpu& cpu, const Insn& i, u32 offset);
// ES and B from flags and masks; FERR# follows.
void update_summary(Cpu& cpu);
void initialize_x87(Cpu& cpu);

class Fpu {
 public:
  explicit Fpu(Cpu& cpu) : cpu_(cpu), x_(cpu.x87) {}

  u16 control() const { return x_.control; }
  bool masked(u16 exceptions) const { return (x_.control & exceptions) == exceptions; }
  unsigned index(unsigned st) const { return (x_.top + st) & 7; }
  bool empty(unsigned st) const { return !(x_.valid >> index(st) & 1); }
  Float80 st(unsigned n) const { return x_.registers[index(n)]; }
  void set(unsigned n, Float80 value) {
    x_.registers[index(n)] = value;
    x_.valid |= static_cast<u8>(1u << index(n));
  }
  void pop() {
    x_.valid &= static_cast<u8>(~(1u << x_.top));
    x_.top = (x_.top + 1) & 7;
  }
  // Room must have been checked.
  void push(Float80 value) {
    x_.top = (x_.top - 1) & 7;
    set(0, value);
  }
  bool full() const { return !empty(7); }
  void clear_c1() { x_.status &= ~x87_bits::C1; }

  // Takes over an operation's exception flags and C1, C2; C0 and C3 too if `conditions` names them. False if an
  // unmasked exception found before the operation forbids its result.
  bool take(u16 status, u16 conditions = x87_bits::C1) {
    x_.status = static_cast<u16>((x_.status & ~conditions) | (status & (conditions | x87_bits::kExceptions)));
    update_summary(cpu_);
    return !(status & ~x_.control & (x87_bits::IE | x87_bits::DE | x87_bits::ZE));
  }
  // Stack underflow: true if masked, and the instruction goes on with the indefinite value.
  bool underflow() { return stack_fault(false); }
  bool overflow() { return stack_fault(true); }
  // The default response to an underflow of a computation that would write ST(n).
  void indefinite(unsigned n) {
    if (underflow()) set(n, kIndefinite);
  }

 private:
  bool stack_fault(bool over) {
    x_.status = static_cast<u16>((x_.status & ~x87_bits::C1) | x87_bits::IE | x87_bits::SF | (over ? x87_bits::C1 : 0));
    update_summary(cpu_);
    return masked(x87_bits::IE);
  }

  Cpu& cpu_;
  X87State& x_;
};

}  // namespace penumbra
