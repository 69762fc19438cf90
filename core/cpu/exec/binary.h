// Handlers for instructions with two operands, built from one function of values: each operand form gets its own.
#pragma once

#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

// An Op has `template <class T> static T apply(Flags&, T a, T b)` and says whether the result is written back.
template <class T, class Op>
struct Binary {
  static void reg_reg(Cpu& cpu, const Insn* i) {
    const T result = Op::template apply<T>(cpu.flags, dst<T>(cpu, i), src<T>(cpu, i));
    if constexpr (Op::kWrites) dst<T>(cpu, i) = result;
    return next(cpu, i);
  }
  static void reg_imm(Cpu& cpu, const Insn* i) {
    const T result = Op::template apply<T>(cpu.flags, dst<T>(cpu, i), static_cast<T>(i->immediate));
    if constexpr (Op::kWrites) dst<T>(cpu, i) = result;
    return next(cpu, i);
  }
  static void reg_mem(Cpu& cpu, const Insn* i) {
    const Loaded<T> value = cpu.load_at<T>(i->segment, cpu.effective_address(i));
    if (!value.ok) [[unlikely]]
      return cpu.leave_with_fault(i);
    const T result = Op::template apply<T>(cpu.flags, dst<T>(cpu, i), value.value);
    if constexpr (Op::kWrites) dst<T>(cpu, i) = result;
    return next(cpu, i);
  }
  static void mem_reg(Cpu& cpu, const Insn* i) { return to_memory(cpu, i, src<T>(cpu, i)); }
  static void mem_imm(Cpu& cpu, const Insn* i) { return to_memory(cpu, i, static_cast<T>(i->immediate)); }

 private:
  [[gnu::always_inline]] static void to_memory(Cpu& cpu, const Insn* i, T b) {
    const u32 offset = cpu.effective_address(i);
    if constexpr (!Op::kWrites) {
      const Loaded<T> a = cpu.load_at<T>(i->segment, offset);
      if (!a.ok) [[unlikely]]
        return cpu.leave_with_fault(i);
      Op::template apply<T>(cpu.flags, a.value, b);
    } else if (u8* host = cpu.modify_at<T>(i->segment, offset)) [[likely]] {
      store<T>(host, Op::template apply<T>(cpu.flags, load<T>(host), b));
    } else {
      const Loaded<u64> a = cpu.load_for_write(i->segment, offset, sizeof(T));
      if (!a.ok) [[unlikely]]
        return cpu.leave_with_fault(i);
      cpu.store_at<T>(i->segment, offset, Op::template apply<T>(cpu.flags, static_cast<T>(a.value), b));
    }
    return next(cpu, i);
  }
};

// One operand, read and written: INC, DEC, NEG, NOT. Op has `template <class T> static T apply(Flags&, T)`.
template <class T, class Op>
struct Unary {
  static void in_reg(Cpu& cpu, const Insn* i) {
    T& value = dst<T>(cpu, i);
    value = Op::template apply<T>(cpu.flags, value);
    return next(cpu, i);
  }
  static void in_mem(Cpu& cpu, const Insn* i) {
    const u32 offset = cpu.effective_address(i);
    if (u8* host = cpu.modify_at<T>(i->segment, offset)) [[likely]] {
      store<T>(host, Op::template apply<T>(cpu.flags, load<T>(host)));
    } else {
      const Loaded<u64> a = cpu.load_for_write(i->segment, offset, sizeof(T));
      if (!a.ok) [[unlikely]]
        return cpu.leave_with_fault(i);
      cpu.store_at<T>(i->segment, offset, Op::template apply<T>(cpu.flags, static_cast<T>(a.value)));
    }
    return next(cpu, i);
  }
};

template <class T, class Op>
Handler binary_form(const Shape& shape) {
  using Forms = Binary<T, Op>;
  if (shape.a == Operand::reg) {
    if (shape.b == Operand::reg) return Forms::reg_reg;
    if (shape.b == Operand::imm) return Forms::reg_imm;
    if (shape.b == Operand::mem) return Forms::reg_mem;
  }
  if (shape.a == Operand::mem) {
    if (shape.b == Operand::reg) return Forms::mem_reg;
    if (shape.b == Operand::imm) return Forms::mem_imm;
  }
  return nullptr;
}

template <class Op>
Handler binary(const Shape& shape) {
  switch (shape.bits) {
    case 8: return binary_form<u8, Op>(shape);
    case 16: return binary_form<u16, Op>(shape);
    default: return binary_form<u32, Op>(shape);
  }
}

template <class T, class Op>
Handler unary_form(const Shape& shape) {
  return shape.a == Operand::reg ? Unary<T, Op>::in_reg : Unary<T, Op>::in_mem;
}

template <class Op>
Handler unary(const Shape& shape) {
  switch (shape.bits) {
    case 8: return unary_form<u8, Op>(shape);
    case 16: return unary_form<u16, Op>(shape);
    default: return unary_form<u32, Op>(shape);
  }
}

}  // namespace penumbra
