// PUSH, POP, LEAVE, PUSHF and POPF, on stacks and with operands of both widths. The stack pointer changes after the
// access that may fault.
#include "translator/emitter.h"

namespace penumbra {

namespace {

bool is_general(const ZydisDecodedOperand& op) {
  if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
  const ZydisRegisterClass kind = ZydisRegisterGetClass(op.reg.value);
  return kind == ZYDIS_REGCLASS_GPR32 || kind == ZYDIS_REGCLASS_GPR16;
}
Host host_of(const ZydisDecodedOperand& op) {
  return host_register(static_cast<unsigned>(ZydisRegisterGetId(op.reg.value)));
}
bool is_segment(const ZydisDecodedOperand& op) {
  return op.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op.reg.value) == ZYDIS_REGCLASS_SEGMENT;
}
i32 width_of(const GuestInstruction& g) { return g.word() ? 2 : 4; }

constexpr u8 kStore[] = {0x89}, kLoad[] = {0x8B}, kStoreImmediate[] = {0xC7}, kLoadWord[] = {0x0F, 0xB7};

}  // namespace

// Words are loaded zero-extended, so that no register's upper part matters.
void Emitter::load_sized(Host to, const HostAddress& from, unsigned bytes) {
  if (bytes == 2)
    a_.with_memory({.opcode = kLoadWord}, to, from);
  else
    a_.load(to, from);
}
void Emitter::store_sized(const HostAddress& to, Host from, unsigned bytes) {
  a_.with_memory({.prefixes = {static_cast<u8>(bytes == 2 ? 0x66 : 0)}, .opcode = kStore}, from, to);
}
void Emitter::store_immediate(const HostAddress& to, u32 value, unsigned bytes) {
  if (bytes == 4) return a_.store(to, value);
  a_.with_memory({.prefixes = {0x66}, .opcode = kStoreImmediate}, 0, to);
  a_.byte(value & 0xFF);
  a_.byte(value >> 8 & 0xFF);
}
// A word leaves the upper half of `to` as it is.
void Emitter::move_sized(Host to, Host from, unsigned bytes) {
  a_.with_register({.prefixes = {static_cast<u8>(bytes == 2 ? 0x66 : 0)}, .opcode = kLoad}, to, from);
}

// `bytes` at the stack pointer plus `offset`, for the next instruction.
HostAddress Emitter::stack(const GuestInstruction& g, i32 offset, unsigned bytes, ReadWrite how) {
  return reach(g, SS, {.base = kGuestEsp, .displacement = static_cast<u32>(offset)},
               has(block_mode::kStack32) ? 32 : 16, bytes, how);
}

void Emitter::move_stack(i32 by) {
  const HostAddress moved{.base = kGuestEsp, .displacement = static_cast<u32>(by)};
  if (has(block_mode::kStack32)) return a_.address(kGuestEsp, moved);
  a_.address(R10, moved);
  move_sized(kGuestEsp, R10, 2);
}

bool Emitter::push(const GuestInstruction& g) {
  const ZydisDecodedOperand& op = g.operands[0];
  const i32 width = width_of(g);
  if (is_general(op)) {
    store_sized(stack(g, -width, static_cast<unsigned>(width), ReadWrite::write), host_of(op),
                static_cast<unsigned>(width));
  } else if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    const u32 value = op.imm.is_signed ? static_cast<u32>(op.imm.value.s) : static_cast<u32>(op.imm.value.u);
    store_immediate(stack(g, -width, static_cast<unsigned>(width), ReadWrite::write), value,
                    static_cast<unsigned>(width));
  } else if (op.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    HostAddress from;
    if (!guest_address(g, op, from)) return false;
    load_sized(R9, from, static_cast<unsigned>(width));
    store_sized(stack(g, -width, static_cast<unsigned>(width), ReadWrite::write), R9, static_cast<unsigned>(width));
  } else if (is_segment(op)) {
    // Only the selector's 16 bits are written (SDM 2, PUSH, for processors since the P6).
    HostAddress selector = context_field(&Context::segment_selector);
    selector.displacement += 4 * static_cast<u32>(ZydisRegisterGetId(op.reg.value));
    a_.load(R9, selector);
    store_sized(stack(g, -width, 2, ReadWrite::write), R9, 2);
  } else {
    return false;
  }
  move_stack(-width);
  return true;
}

bool Emitter::pop(const GuestInstruction& g) {
  const ZydisDecodedOperand& op = g.operands[0];
  const unsigned width = static_cast<unsigned>(width_of(g));
  if (is_segment(op)) {
    const unsigned segment = static_cast<unsigned>(ZydisRegisterGetId(op.reg.value));
    if (segment == SS) return false;
    if (!has(block_mode::kReal)) {
      load_sized(R8, stack(g, 0, 2, ReadWrite::read), 2);
      return load_protected_segment(g, segment, static_cast<i32>(width));
    }
    load_sized(R9, stack(g, 0, 2, ReadWrite::read), 2);
    if (!load_segment(g, segment, R9)) return false;
    move_stack(static_cast<i32>(width));
    return true;
  }
  if (is_general(op)) {
    const Host to = host_of(op);
    const HostAddress from = stack(g, 0, width, ReadWrite::read);
    if (width == 4 && to != kGuestEsp) {
      a_.load(to, from);
      move_stack(4);
    } else {
      load_sized(R9, from, width);
      move_stack(static_cast<i32>(width));
      move_sized(to, R9, width);  // POP ESP: the value popped wins
    }
    return true;
  }
  if (op.type != ZYDIS_OPERAND_TYPE_MEMORY) return false;
  const bool moved = op.mem.base == ZYDIS_REGISTER_ESP;
  if (moved && !has(block_mode::kStack32)) return false;
  load_sized(R9, stack(g, 0, width, ReadWrite::read), width);
  // The address is computed with ESP already raised (SDM 2, POP).
  HostAddress to;
  if (!guest_address(g, op, to, width)) return false;
  store_sized(to, R9, width);
  move_stack(static_cast<i32>(width));
  return true;
}

bool Emitter::leave_frame(const GuestInstruction& g) {
  const bool wide_stack = has(block_mode::kStack32);
  const unsigned width = static_cast<unsigned>(width_of(g));
  load_sized(R9, reach(g, SS, {.base = RBP}, wide_stack ? 32 : 16, width, ReadWrite::read), width);
  const HostAddress above{.base = RBP, .displacement = width};
  if (wide_stack) {
    a_.address(kGuestEsp, above);
  } else {
    a_.address(R10, above);
    move_sized(kGuestEsp, R10, 2);
  }
  move_sized(RBP, R9, width);
  return true;
}

// Virtual-8086 mode may be refused, or sees IF and IOPL otherwise.
bool Emitter::push_flags(const GuestInstruction& g) {
  if (has(block_mode::kVirtual)) return false;
  const i32 width = width_of(g);
  a_.call_to(thunk(thunks_.push_flags));
  a_.move(R9, R8);
  store_sized(stack(g, -width, static_cast<unsigned>(width), ReadWrite::write), R9, static_cast<unsigned>(width));
  move_stack(-width);
  return true;
}

bool Emitter::pop_flags(const GuestInstruction& g) {
  if (!has(block_mode::kPrivileged)) return false;
  const unsigned width = static_cast<unsigned>(width_of(g));
  load_sized(R9, stack(g, 0, width, ReadWrite::read), width);
  a_.move(R8, R9);
  a_.call_to(thunk(width == 2 ? thunks_.pop_word_flags : thunks_.pop_flags));
  a_.move(R15, RCX);
  a_.move(RCX, R9);
  refuse_unless_zero(g);
  move_stack(static_cast<i32>(width));
  return true;
}

}  // namespace penumbra
