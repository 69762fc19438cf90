// The stack: PUSH POP PUSHA POPA ENTER LEAVE (SDM 2). PUSHF and POPF are with the flag operations.
#include "core/cpu/exec/stack.h"
#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

template <class T, Path path, Handler whole>
[[gnu::always_inline]] inline void push_value(Cpu& cpu, const Insn* i, T value) {
  const u32 mask = cpu.stack_mask();
  const u32 top = (cpu.gpr[ESP] - sizeof(T)) & mask;
  if (!cpu.store_at<T, path>(SS, top, value)) [[unlikely]]
    return give_up<path, whole>(cpu, i);
  cpu.gpr[ESP] = (cpu.gpr[ESP] & ~mask) | top;
  return next(cpu, i);
}

template <class T, Path path = Path::quick>
[[gnu::noinline]] void push_reg(Cpu& cpu, const Insn* i) {
  return push_value<T, path, push_reg<T, Path::whole>>(cpu, i, dst<T>(cpu, i));
}
template <class T, Path path = Path::quick>
[[gnu::noinline]] void push_imm(Cpu& cpu, const Insn* i) {
  return push_value<T, path, push_imm<T, Path::whole>>(cpu, i, static_cast<T>(i->immediate));
}
template <class T, Path path = Path::quick>
[[gnu::noinline]] void push_mem(Cpu& cpu, const Insn* i) {
  T value;
  if (!cpu.load_at<T, path>(i->segment, cpu.effective_address(i), value)) [[unlikely]]
    return give_up<path, push_mem<T, Path::whole>>(cpu, i);
  return push_value<T, path, push_mem<T, Path::whole>>(cpu, i, value);
}
// With a 32-bit operand the selector is written as 16 bits and the upper half of the slot stays (SDM 2, PUSH).
void push_segment(Cpu& cpu, const Insn& i) {
  const u32 bytes = i.operand_bits / 8;
  const u32 top = (cpu.gpr[ESP] - bytes) & cpu.stack_mask();
  cpu.write<u16>(SS, top, cpu.segment[i.dst].selector);
  cpu.set_stack_pointer(top);
}

template <class T>
Handler push_form(const Shape& shape) {
  switch (shape.a) {
    case Operand::reg: return push_reg<T>;
    case Operand::mem: return push_mem<T>;
    case Operand::imm: return push_imm<T>;
    case Operand::segment: return helper<push_segment>;
    default: return nullptr;
  }
}
Handler select_push(const Shape& shape) {
  return shape.insn->operand_bits == 16 ? push_form<u16>(shape) : push_form<u32>(shape);
}

template <class T, Path path = Path::quick>
[[gnu::noinline]] void pop_reg(Cpu& cpu, const Insn* i) {
  const u32 mask = cpu.stack_mask();
  T value;
  if (!cpu.load_at<T, path>(SS, cpu.gpr[ESP] & mask, value)) [[unlikely]]
    return give_up<path, pop_reg<T, Path::whole>>(cpu, i);
  cpu.gpr[ESP] = (cpu.gpr[ESP] & ~mask) | ((cpu.gpr[ESP] + sizeof(T)) & mask);
  dst<T>(cpu, i) = value;  // POP ESP: the value popped wins
  return next(cpu, i);
}

// The address is computed with ESP already raised (SDM 2, POP).
template <class T>
void pop_mem(Cpu& cpu, const Insn& i) {
  const T value = cpu.read<T>(SS, cpu.gpr[ESP] & cpu.stack_mask());
  const u32 before = cpu.gpr[ESP];
  cpu.set_stack_pointer(before + sizeof(T));
  const u32 offset = cpu.effective_address(&i);
  const u32 after = cpu.gpr[ESP];
  cpu.gpr[ESP] = before;
  cpu.write<T>(i.segment, offset, value);
  cpu.gpr[ESP] = after;
}

Handler select_pop(const Shape& shape) {
  const bool word = shape.insn->operand_bits == 16;
  switch (shape.a) {
    case Operand::reg: return word ? pop_reg<u16> : pop_reg<u32>;
    case Operand::mem: return word ? helper<pop_mem<u16>> : helper<pop_mem<u32>>;
    case Operand::segment: return rows::select_pop_segment(shape);
    default: return nullptr;
  }
}

template <class T>
void pusha(Cpu& cpu, const Insn&) {
  const u32 mask = cpu.stack_mask();
  const u32 bottom = cpu.gpr[ESP];
  StackFrame<T> frame(cpu, 8);
  for (unsigned n = 0; n < 8; ++n) frame.push(static_cast<T>(n == ESP ? bottom : cpu.gpr[n]));
  cpu.gpr[ESP] = (bottom & ~mask) | (frame.top() & mask);
}

template <class T>
void popa(Cpu& cpu, const Insn&) {
  const u32 mask = cpu.stack_mask();
  T values[8];
  for (unsigned n = 0; n < 8; ++n) values[n] = cpu.read<T>(SS, (cpu.gpr[ESP] + static_cast<u32>(n * sizeof(T))) & mask);
  const u32 top = cpu.gpr[ESP] + 8 * sizeof(T);
  for (unsigned n = 0; n < 8; ++n)
    if (n != 7 - ESP) reg<T>(cpu, static_cast<u8>(4 * (7 - n))) = values[n];
  cpu.set_stack_pointer(top);
}

// SDM 2, ENTER: the frame's writes and the final stack position are checked before registers change.
template <class T>
void enter(Cpu& cpu, const Insn& i) {
  const u32 mask = cpu.stack_mask();
  const u32 size = i.immediate & 0xFFFF;
  const unsigned level = i.immediate2 & 31;
  StackFrame<T> frame(cpu, level + 1);
  frame.push(static_cast<T>(cpu.gpr[EBP]));
  const u32 frame_pointer = frame.top();
  for (unsigned n = 1; n < level; ++n)
    frame.push(cpu.read<T>(SS, (cpu.gpr[EBP] - static_cast<u32>(n * sizeof(T))) & mask));
  if (level) frame.push(static_cast<T>(frame_pointer));
  const u32 top = (frame.top() - size) & mask;
  cpu.check_write(SS, top, sizeof(T) > 2 ? 4 : 2);
  reg<T>(cpu, 4 * EBP) = static_cast<T>(frame_pointer);
  cpu.set_stack_pointer(top);
}

template <class T, Path path = Path::quick>
[[gnu::noinline]] void leave(Cpu& cpu, const Insn* i) {
  const u32 mask = cpu.stack_mask();
  const u32 frame = cpu.gpr[EBP] & mask;
  T value;
  if (!cpu.load_at<T, path>(SS, frame, value)) [[unlikely]]
    return give_up<path, leave<T, Path::whole>>(cpu, i);
  cpu.set_stack_pointer(frame + sizeof(T));
  reg<T>(cpu, 4 * EBP) = value;
  return next(cpu, i);
}
Handler select_leave(const Shape& shape) { return shape.insn->operand_bits == 16 ? leave<u16> : leave<u32>; }
Handler select_enter(const Shape& shape) {
  return shape.insn->operand_bits == 16 ? helper<enter<u16>> : helper<enter<u32>>;
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_PUSH, select_push, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_POP, select_pop, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_PUSHA, always<pusha<u16>>},
    {ZYDIS_MNEMONIC_PUSHAD, always<pusha<u32>>},
    {ZYDIS_MNEMONIC_POPA, always<popa<u16>>},
    {ZYDIS_MNEMONIC_POPAD, always<popa<u32>>},
    {ZYDIS_MNEMONIC_ENTER, select_enter},
    {ZYDIS_MNEMONIC_LEAVE, select_leave, kGoesOn, Emission::inlined},
};

}  // namespace

std::span<const Row> rows::stack() { return kRows; }

}  // namespace penumbra
