// Near control flow: JMP Jcc CALL RET LOOPcc JCXZ (SDM 2), and the ends of blocks that no branch makes.
#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

void fall_through(Cpu& cpu, const Insn* i) { return cpu.continue_at(cpu.eip_of(i), cpu.block()->fallthrough); }
void leave_invalidated(Cpu& cpu, const Insn* i) { return cpu.leave_before(i); }
void undefined_instruction(Cpu&, const Insn&) { raise_ud(); }
void too_long_instruction(Cpu&, const Insn&) { raise_gp(); }

namespace {

// A branch target: with a 16-bit operand size the upper half of EIP is cleared.
template <class T>
u32 relative_target(Cpu& cpu, const Insn* i) {
  return static_cast<T>(cpu.eip_after(i) + i->immediate);
}

// A target beyond the code segment's limit is a #GP of the branch, not of what follows (SDM 2, JMP).
bool beyond_limit(Cpu& cpu, u32 target) { return target >= cpu.segment[CS].code_end; }

[[gnu::noinline]] void fault_at(Cpu& cpu, const Insn* i) {
  cpu.set_fault({Vector::GP, 0});
  return cpu.leave_with_fault(i);
}

template <class T>
void jmp_relative(Cpu& cpu, const Insn* i) {
  const u32 target = relative_target<T>(cpu, i);
  if (beyond_limit(cpu, target)) [[unlikely]]
    return fault_at(cpu, i);
  return cpu.continue_at(target, cpu.block()->taken);
}

template <class T>
[[gnu::always_inline]] inline void branch(Cpu& cpu, const Insn* i, bool taken) {
  if (!taken) return cpu.continue_at(cpu.eip_after(i), cpu.block()->fallthrough);
  return jmp_relative<T>(cpu, i);
}

template <class T, unsigned Code>
void jcc(Cpu& cpu, const Insn* i) {
  return branch<T>(cpu, i, cpu.flags.condition<Code>());
}
template <unsigned Code>
Handler select_jcc(const Shape& shape) {
  return shape.insn->operand_bits == 16 ? jcc<u16, Code> : jcc<u32, Code>;
}

template <class T>
void jmp_reg(Cpu& cpu, const Insn* i) {
  cpu.eip = dst<T>(cpu, i);
  if (beyond_limit(cpu, cpu.eip)) [[unlikely]]
    return fault_at(cpu, i);
  return cpu.continue_indirect();
}
template <class T, Path path = Path::quick>
[[gnu::noinline]] void jmp_mem(Cpu& cpu, const Insn* i) {
  T target;
  if (!cpu.load_at<T, path>(i->segment, cpu.effective_address(i), target)) [[unlikely]]
    return give_up<path, jmp_mem<T, Path::whole>>(cpu, i);
  cpu.eip = target;
  if (beyond_limit(cpu, cpu.eip)) [[unlikely]]
    return fault_at(cpu, i);
  return cpu.continue_indirect();
}

Handler select_jmp(const Shape& shape) {
  const bool word = shape.insn->operand_bits == 16;
  if (shape.a == Operand::far || shape.a_bits == 48 || (shape.a == Operand::mem && shape.a_bits == 32 && word))
    return rows::select_jmp_far(shape);
  switch (shape.a) {
    case Operand::imm: return word ? jmp_relative<u16> : jmp_relative<u32>;
    case Operand::reg: return word ? jmp_reg<u16> : jmp_reg<u32>;
    default: return word ? jmp_mem<u16> : jmp_mem<u32>;
  }
}

// Pushes the return address; false with the fault noted.
template <class T, Path path>
[[gnu::always_inline]] inline bool push_return(Cpu& cpu, const Insn* i) {
  const u32 mask = cpu.stack_mask();
  const u32 top = (cpu.gpr[ESP] - sizeof(T)) & mask;
  if (!cpu.store_at<T, path>(SS, top, static_cast<T>(cpu.eip_after(i)))) [[unlikely]]
    return false;
  cpu.gpr[ESP] = (cpu.gpr[ESP] & ~mask) | top;
  return true;
}

template <class T, Path path = Path::quick>
[[gnu::noinline]] void call_relative(Cpu& cpu, const Insn* i) {
  const u32 target = relative_target<T>(cpu, i);
  if (beyond_limit(cpu, target)) [[unlikely]]
    return fault_at(cpu, i);
  if (!push_return<T, path>(cpu, i)) [[unlikely]]
    return give_up<path, call_relative<T, Path::whole>>(cpu, i);
  return cpu.continue_at(target, cpu.block()->taken);
}

template <class T, Path path = Path::quick>
[[gnu::noinline]] void call_reg(Cpu& cpu, const Insn* i) {
  const T target = dst<T>(cpu, i);
  if (beyond_limit(cpu, target)) [[unlikely]]
    return fault_at(cpu, i);
  if (!push_return<T, path>(cpu, i)) [[unlikely]]
    return give_up<path, call_reg<T, Path::whole>>(cpu, i);
  cpu.eip = target;
  return cpu.continue_indirect();
}

template <class T, Path path = Path::quick>
[[gnu::noinline]] void call_mem(Cpu& cpu, const Insn* i) {
  T target;
  if (!cpu.load_at<T, path>(i->segment, cpu.effective_address(i), target)) [[unlikely]]
    return give_up<path, call_mem<T, Path::whole>>(cpu, i);
  if (beyond_limit(cpu, target)) [[unlikely]]
    return fault_at(cpu, i);
  if (!push_return<T, path>(cpu, i)) [[unlikely]]
    return give_up<path, call_mem<T, Path::whole>>(cpu, i);
  cpu.eip = target;
  return cpu.continue_indirect();
}

Handler select_call(const Shape& shape) {
  const bool word = shape.insn->operand_bits == 16;
  if (shape.a == Operand::far || shape.a_bits == 48 || (shape.a == Operand::mem && shape.a_bits == 32 && word))
    return rows::select_call_far(shape);
  switch (shape.a) {
    case Operand::imm: return word ? call_relative<u16> : call_relative<u32>;
    case Operand::reg: return word ? call_reg<u16> : call_reg<u32>;
    default: return word ? call_mem<u16> : call_mem<u32>;
  }
}

template <class T, Path path = Path::quick>
[[gnu::noinline]] void ret_near(Cpu& cpu, const Insn* i) {
  const u32 mask = cpu.stack_mask();
  T target;
  if (!cpu.load_at<T, path>(SS, cpu.gpr[ESP] & mask, target)) [[unlikely]]
    return give_up<path, ret_near<T, Path::whole>>(cpu, i);
  if (beyond_limit(cpu, target)) [[unlikely]]
    return fault_at(cpu, i);
  cpu.set_stack_pointer(cpu.gpr[ESP] + sizeof(T) + (i->immediate & 0xFFFF));
  cpu.eip = target;
  return cpu.continue_indirect();
}

Handler select_ret(const Shape& shape) {
  if (shape.opcode == 0xCA || shape.opcode == 0xCB) return rows::select_ret_far(shape);
  return shape.insn->operand_bits == 16 ? ret_near<u16> : ret_near<u32>;
}

// LOOPcc counts in CX or ECX by the address size.
enum class LoopIf : u8 { always, zero, not_zero };
template <class T, LoopIf when>
void loop(Cpu& cpu, const Insn* i) {
  const u32 count = (i->address16 ? cpu.gpr[ECX] & 0xFFFF : cpu.gpr[ECX]) - 1;
  const bool done = i->address16 ? !(count & 0xFFFF) : !count;
  const bool go = !done && (when == LoopIf::always || cpu.flags.zf() == (when == LoopIf::zero));
  if (go && beyond_limit(cpu, relative_target<T>(cpu, i))) [[unlikely]]
    return fault_at(cpu, i);
  if (i->address16)
    reg<u16>(cpu, 4 * ECX) = static_cast<u16>(count);
  else
    cpu.gpr[ECX] = count;
  return branch<T>(cpu, i, go);
}
template <LoopIf when>
Handler select_loop(const Shape& shape) {
  return shape.insn->operand_bits == 16 ? loop<u16, when> : loop<u32, when>;
}

template <class T>
void jcxz(Cpu& cpu, const Insn* i) {
  return branch<T>(cpu, i, (i->address16 ? cpu.gpr[ECX] & 0xFFFF : cpu.gpr[ECX]) == 0);
}
Handler select_jcxz(const Shape& shape) { return shape.insn->operand_bits == 16 ? jcxz<u16> : jcxz<u32>; }

constexpr bool kEnds = true;
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_JMP, select_jmp, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_CALL, select_call, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_RET, select_ret, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_LOOP, select_loop<LoopIf::always>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_LOOPE, select_loop<LoopIf::zero>, kEnds},
    {ZYDIS_MNEMONIC_LOOPNE, select_loop<LoopIf::not_zero>, kEnds},
    {ZYDIS_MNEMONIC_JCXZ, select_jcxz, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JECXZ, select_jcxz, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JO, select_jcc<0>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNO, select_jcc<1>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JB, select_jcc<2>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNB, select_jcc<3>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JZ, select_jcc<4>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNZ, select_jcc<5>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JBE, select_jcc<6>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNBE, select_jcc<7>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JS, select_jcc<8>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNS, select_jcc<9>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JP, select_jcc<10>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNP, select_jcc<11>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JL, select_jcc<12>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNL, select_jcc<13>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JLE, select_jcc<14>, kEnds, Emission::inlined},
    {ZYDIS_MNEMONIC_JNLE, select_jcc<15>, kEnds, Emission::inlined},
};

}  // namespace

std::span<const Row> rows::branch() { return kRows; }

}  // namespace penumbra
