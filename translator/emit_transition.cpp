// Protected-mode segment loads, VERR and VERW, SYSENTER, SYSEXIT and IRET: by what the interpreter did last time
// (transition.h). A selector that the place has not met, or a changed descriptor, is the interpreter's.
#include "translator/emitter.h"

namespace penumbra {

// Calls the thunk, with what it wants in R8 already. Behind this the instruction is done but for what the caller adds.
bool Emitter::transition(const GuestInstruction& g, TransitionSite::Kind kind, unsigned segment, u64 thunk_offset) {
  if (!transitions_ || transitions_->size() == kTransitions) return false;
  HostAddress record = context_field(&Context::transitions);
  record.displacement += static_cast<u32>(transitions_->size() * sizeof(Transition));
  transitions_->push_back({kind, g.next(), segment, {}, {}});
  a_.address_wide(R9, record);
  a_.call_to(thunk(thunk_offset));
  a_.move(R15, RCX);
  a_.move(RCX, R9);
  refuse_unless_zero(g);
  return true;
}

// The selector is in R8. ESP moves with the load.
bool Emitter::load_protected_segment(const GuestInstruction& g, unsigned segment, i32 stack_moves) {
  if (!has(block_mode::kPrivileged) || segment == CS || segment == SS) return false;
  if (stack_moves && !has(block_mode::kStack32)) return false;
  if (!transition(g, TransitionSite::Kind::segment, segment, thunks_.load_segment)) return false;
  if (stack_moves) move_stack(stack_moves);
  a_.move(R15, RCX);
  a_.move(RCX, R10);
  const u64 same = a_.jump_if_ecx_zero();
  later_.push_back({Later::Kind::other_mode, a_.jump(), g.next()});
  a_.bind_short(same);
  a_.move(RCX, R15);
  return true;
}

bool Emitter::verify_segment(const GuestInstruction& g) {
  if (!has(block_mode::kPrivileged) || has(block_mode::kReal)) return false;
  const ZydisDecodedOperand& op = g.operands[0];
  if (op.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    HostAddress address;
    if (!guest_address(g, op, address)) return false;
    load_sized(R8, address, 2);
  } else {
    a_.zero_extend_word(R8, host_register(static_cast<unsigned>(ZydisRegisterGetId(op.reg.value))));
  }
  return transition(g, TransitionSite::Kind::verify, 0, thunks_.verify_segment);
}

bool Emitter::change_privilege(const GuestInstruction& g) {
  const bool enter = g.z.mnemonic == ZYDIS_MNEMONIC_SYSENTER;
  if (has(block_mode::kReal) || (!enter && !has(block_mode::kPrivileged))) return false;
  if (!transition(g, enter ? TransitionSite::Kind::sysenter : TransitionSite::Kind::sysexit, CS,
                  enter ? thunks_.sysenter : thunks_.sysexit))
    return false;
  look_up(Flow::jump);
  ended_ = true;
  return true;
}

bool Emitter::return_from_interrupt(const GuestInstruction& g) {
  if (has(block_mode::kReal) || !has(block_mode::kPrivileged) || !has(block_mode::kStack32) || !flat(SS) || g.word())
    return false;
  if (!transition(g, TransitionSite::Kind::iret, CS, thunks_.iret)) return false;
  look_up(Flow::jump);
  ended_ = true;
  return true;
}

}  // namespace penumbra
