// PUSH, POP and LEAVE on a flat 32-bit stack. ESP changes after the access that may fault.
#include "translator/emitter.h"

namespace penumbra {

namespace {

bool is_general(const ZydisDecodedOperand& op) {
  return op.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op.reg.value) == ZYDIS_REGCLASS_GPR32;
}
Host host_of(const ZydisDecodedOperand& op) {
  return host_register(static_cast<unsigned>(ZydisRegisterGetId(op.reg.value)));
}

}  // namespace

bool Emitter::push(const GuestInstruction& g) {
  if (g.word()) return false;
  const ZydisDecodedOperand& op = g.operands[0];
  if (is_general(op)) {
    a_.store(stack_slot(-4), host_of(op));  // PUSH ESP writes the value before
  } else if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    a_.store(stack_slot(-4), op.imm.is_signed ? static_cast<u32>(op.imm.value.s) : static_cast<u32>(op.imm.value.u));
  } else if (op.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    HostAddress from;
    if (!guest_address(g, op, from)) return false;
    a_.load(R9, from);
    a_.store(stack_slot(-4), R9);
  } else {
    return false;
  }
  move_stack(-4);
  return true;
}

bool Emitter::pop(const GuestInstruction& g) {
  if (g.word()) return false;
  const ZydisDecodedOperand& op = g.operands[0];
  if (is_general(op)) {
    const Host to = host_of(op);
    a_.load(to, stack_slot(0));
    if (to != kGuestEsp) move_stack(4);  // POP ESP: the value popped wins
    return true;
  }
  if (op.type != ZYDIS_OPERAND_TYPE_MEMORY) return false;
  // The address is computed with ESP already raised (SDM 2, POP).
  HostAddress to;
  if (!guest_address(g, op, to, 4)) return false;
  a_.load(R10, stack_slot(0));
  a_.store(to, R10);
  move_stack(4);
  return true;
}

bool Emitter::leave_frame(const GuestInstruction& g) {
  if (g.word()) return false;
  a_.load(R8, {.base = RBP, .window = true});
  a_.address(kGuestEsp, {.base = RBP, .displacement = 4});
  a_.move(RBP, R8);
  return true;
}

}  // namespace penumbra
