// Handlers for instructions with two operands, built from one function of values: each operand form gets its own.
#pragma once

#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

// Puts function(memory operand) in its place.
template <class T, Path path, Handler whole, class Function>
[[gnu::always_inline]] inline void modify(Cpu& cpu, const Insn* i, Function function) {
  const u32 offset = cpu.effective_address(i);
  if constexpr (path == Path::quick) {
    u8* host = cpu.modify_at<T>(i->segment, offset);
    if (!host) [[unlikely]]
      return whole(cpu, i);
    store<T>(host, function(load<T>(host)));
  } else {
    const Loaded<u64> a = cpu.load_for_write(i->segment, offset, sizeof(T));
    if (!a.ok) return cpu.leave_with_fault(i);
    cpu.store_at<T>(i->segment, offset, function(static_cast<T>(a.value)));
  }
  return next(cpu, i);
}

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
  template <Path path = Path::quick>
  [[gnu::noinline]] static void reg_mem(Cpu& cpu, const Insn* i) {
    T value;
    if (!cpu.load_at<T, path>(i->segment, cpu.effective_address(i), value)) [[unlikely]]
      return give_up<path, reg_mem<Path::whole>>(cpu, i);
    const T result = Op::template apply<T>(cpu.flags, dst<T>(cpu, i), value);
    if constexpr (Op::kWrites) dst<T>(cpu, i) = result;
    return next(cpu, i);
  }
  template <Path path = Path::quick>
  [[gnu::noinline]] static void mem_reg(Cpu& cpu, const Insn* i) {
    return to_memory<path, mem_reg<Path::whole>>(cpu, i, src<T>(cpu, i));
  }
  template <Path path = Path::quick>
  [[gnu::noinline]] static void mem_imm(Cpu& cpu, const Insn* i) {
    return to_memory<path, mem_imm<Path::whole>>(cpu, i, static_cast<T>(i->immediate));
  }

 private:
  template <Path path, Handler whole>
  [[gnu::always_inline]] static void to_memory(Cpu& cpu, const Insn* i, T b) {
    if constexpr (Op::kWrites)
      return modify<T, path, whole>(cpu, i, [&](T a) { return Op::template apply<T>(cpu.flags, a, b); });
    T a;
    if (!cpu.load_at<T, path>(i->segment, cpu.effective_address(i), a)) [[unlikely]]
      return give_up<path, whole>(cpu, i);
    Op::template apply<T>(cpu.flags, a, b);
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
  template <Path path = Path::quick>
  [[gnu::noinline]] static void in_mem(Cpu& cpu, const Insn* i) {
    return modify<T, path, in_mem<Path::whole>>(cpu, i, [&](T a) { return Op::template apply<T>(cpu.flags, a); });
  }
};

template <class T, class Op>
Handler binary_form(const Shape& shape) {
  using Forms = Binary<T, Op>;
  if (shape.a == Operand::reg) {
    if (shape.b == Operand::reg) return Forms::reg_reg;
    if (shape.b == Operand::imm) return Forms::reg_imm;
    if (shape.b == Operand::mem) return Forms::template reg_mem<>;
  }
  if (shape.a == Operand::mem) {
    if (shape.b == Operand::reg) return Forms::template mem_reg<>;
    if (shape.b == Operand::imm) return Forms::template mem_imm<>;
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
  return shape.a == Operand::reg ? Unary<T, Op>::in_reg : Unary<T, Op>::template in_mem<>;
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
