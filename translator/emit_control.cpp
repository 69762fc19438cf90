// Near control flow. A direct branch is linked; an indirect one goes through the lookup table, which holds only what
// stands under the current mapping, and knows which links to cut when that changes.
#include "translator/emitter.h"

namespace penumbra {

namespace {

constexpr u8 kStoreWide[] = {0x89};

}  // namespace

bool Emitter::same_page(u32 eip) const {
  const i64 offset = i64{block_.linear & kPageMask} + static_cast<i32>(eip - block_.eip);
  return offset >= 0 && offset < kPageSize;
}

// Once the counter is at 0, the block is made anew for the window.
void Emitter::count_entries() {
  HostAddress heat = context_field(&Context::heat);
  heat.displacement += 4 * block_.heat;
  a_.move(R15, RCX);
  a_.load(RCX, heat);
  a_.address(RCX, {.base = RCX, .displacement = ~u32{0}});
  a_.store(heat, RCX);
  const u64 hot = a_.jump_if_ecx_zero();
  a_.move(RCX, R15);
  const u64 go_on = a_.jump();
  a_.bind_short(hot);
  later_.push_back({Later::Kind::heat, a_.jump(), block_.eip});
  a_.bind(go_on);
}

void Emitter::leave(ExitReason reason, u32 eip) {
  a_.store(context_field(&Context::eip), eip);
  a_.jump_to(thunk(thunks_.leave_for[static_cast<unsigned>(reason)]));
  ended_ = true;
}

void Emitter::leave_and_resume(ExitReason reason, u32 eip, u64 resume) {
  a_.code_address(R8, resume);
  a_.with_memory({.opcode = kStoreWide, .wide = true}, R8, context_field(&Context::resume));
  leave(reason, eip);
}

void Emitter::leave_to_interpreter(u32 eip, bool fpu) {
  a_.store(context_field(&Context::instruction), kBehindBlock + static_cast<u32>(helpers_.size()));
  helpers_.push_back({nullptr, fpu});
  leave(ExitReason::interpret, eip);
}

// Faults once C++ is to look at events, as if the branch had not begun: it is the first thing that one does.
void Emitter::poll(const GuestInstruction& g, u32 target) {
  if (target > g.eip) return;
  a_.load(R15, {.base = kPoll});
  // What an STI stands right before is held up only once.
  if (target == g.eip && has(block_mode::kPrivileged)) a_.store(context_field(&Context::flag_before_sti), eflags::IF);
}

Lookup Emitter::lookup_kind() const { return has(block_mode::kBasedCode) ? Lookup::based : Lookup::flat; }

void Emitter::look_up_apart(Flow flow) {
  const i64 apart = thunk(thunks_.look_up[static_cast<unsigned>(lookup_kind())]);
  flow == Flow::jump ? a_.jump_to(apart) : a_.call_to(apart);
}

void Emitter::look_up(Flow flow) {
  if (block_.reach == Reach::soft) return look_up_apart(flow);
  later_.push_back({Later::Kind::miss, emit_look_up(a_, flow, lookup_kind()), 0});
}

void Emitter::link(u64 place, u32 eip) {
  later_.push_back({.kind = Later::Kind::link, .place = place, .eip = eip, .live = live_});
}

void Emitter::jump_to(u32 eip, u32 from) {
  // The processor refuses a target beyond the segment's end at the branch.
  if (!inside(eip)) {
    later_.push_back(refusal(Later::Kind::outside, a_.jump(), from));
    return;
  }
  link(a_.jump(), eip);
}

// Where EIP has wrapped, the lookup table's code does what is to be done in every loop.
void Emitter::go_to(u32 eip, u32 from) {
  if (eip <= from && inside(eip)) return go_by_look_up(eip);
  jump_to(eip, from);
  ended_ = true;
}

void Emitter::go_by_look_up(u32 eip) {
  a_.move(R8, eip);
  look_up(Flow::jump);
  ended_ = true;
}

// Where a host RET comes to. It was made for this call if the guest returns to the address behind it.
void Emitter::returned(u32 eip) {
  a_.move(R15, RCX);
  a_.address(RCX, {.base = R8, .displacement = 0u - eip});
  const u64 paired = a_.jump_if_ecx_zero();
  a_.move(RCX, R15);
  later_.push_back({Later::Kind::stray, a_.jump(), 0});
  a_.bind_short(paired);
  a_.move(RCX, R15);
}

void Emitter::finish() {
  for (std::size_t n = 0; n < later_.size(); ++n) {
    const Later l = later_[n];
    a_.bind(l.place);
    switch (l.kind) {
      case Later::Kind::heat:
        a_.move(RCX, R15);
        leave(ExitReason::heat, l.eip);
        break;
      case Later::Kind::refused: a_.move(RCX, R15); [[fallthrough]];
      case Later::Kind::outside:
        a_.store(context_field(&Context::instruction), l.instruction);
        leave(ExitReason::interpret, l.eip);
        break;
      case Later::Kind::link:
        sites_.push_back({&block_, l.place, l.eip, static_cast<u32>(a_.size()), 0, l.live});
        a_.store(context_field(&Context::site), static_cast<u32>(sites_.size() - 1));
        leave(ExitReason::link, l.eip);
        sites_.back().exit_jump = static_cast<u32>(a_.size() - 4);
        break;
      case Later::Kind::fpu: leave_for_state(l.eip, l.resume); break;
      case Later::Kind::time: leave_and_resume(ExitReason::time, l.eip, l.resume); break;
      case Later::Kind::other_mode:
        a_.move(RCX, R15);
        a_.move(R8, l.eip);
        [[fallthrough]];
      case Later::Kind::stray: look_up_apart(Flow::jump); break;
      case Later::Kind::miss:
        a_.store(context_field(&Context::eip), R8);
        a_.jump_to(thunk(thunks_.leave_for[static_cast<unsigned>(ExitReason::lookup)]));
        break;
    }
  }
  // Whoever is linked to the block asks for the one in its place.
  block_.dead_entry = a_.size();
  a_.store(context_field(&Context::eip), block_.eip);
  a_.jump_to(thunk(thunks_.look_up_exit[static_cast<unsigned>(lookup_kind())]));
}

// The target of an indirect branch, in R8.
bool Emitter::branch_target(const GuestInstruction& g, const ZydisDecodedOperand& op) {
  const unsigned bytes = g.word() ? 2 : 4;
  if (op.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    const Host from = host_register(static_cast<unsigned>(ZydisRegisterGetId(op.reg.value)));
    g.word() ? a_.zero_extend_word(R8, from) : a_.move(R8, from);
    return true;
  }
  HostAddress from;
  if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || !guest_address(g, op, from)) return false;
  load_sized(R8, from, bytes);
  return true;
}

// An indirect branch beyond the code segment's end is refused at the branch, before anything has changed.
void Emitter::check_target(const GuestInstruction& g, Host target) {
  const u64 reachable = g.word() ? u64{0x10000} : u64{1} << 32;
  if (code_end_ >= reachable) return;
  a_.move(R10, static_cast<u32>(code_end_));
  a_.complement_wide(R10);
  // Below 0 where it is inside.
  a_.address_wide(R10, {.base = R10, .index = target, .displacement = 1});
  refuse_unless_negative(g);
}

bool Emitter::jump(const GuestInstruction& g) {
  if (g.z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
  const ZydisDecodedOperand& op = g.operands[0];
  if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    if (!inside(g.target(op))) return false;
    poll(g, g.target(op));
    jump_to(g.target(op), g.eip);
    ended_ = true;
    return true;
  }
  if (!branch_target(g, op)) return false;
  check_target(g, R8);
  look_up(Flow::jump);
  ended_ = true;
  return true;
}

// A guest call is a host call too, on a stack of its own, so that the host predicts the return. The block goes on
// behind it.
bool Emitter::call(const GuestInstruction& g) {
  if (g.z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
  const ZydisDecodedOperand& op = g.operands[0];
  const bool direct = op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  const u32 target = direct ? g.target(op) : 0;
  if (direct && !inside(target)) return false;
  if (direct) poll(g, target);
  const i32 width = g.word() ? 2 : 4;
  const u32 back = g.word() ? g.next() & 0xFFFF : g.next();
  // The stack's guard page is met before anything has changed.
  constexpr u32 kProbe = 256;
  a_.load_wide(R9, {.base = RSP, .displacement = 0u - kProbe});
  // The operand is read before the return address is pushed (SDM 2, CALL).
  if (!direct) {
    if (!branch_target(g, op)) return false;
    a_.move(R9, R8);
  }
  if (!direct) check_target(g, R9);
  store_immediate(stack(g, -width, static_cast<unsigned>(width), ReadWrite::write), back, static_cast<unsigned>(width));
  move_stack(-width);
  branched_ = true;
  if (direct) {
    link(a_.call(), target);
  } else {
    a_.move(R8, R9);
    look_up(Flow::call);
  }
  returned(back);
  // In 16-bit code the block's next instruction is where IP is, unless IP wrapped.
  if (back != g.next()) go_to(back, g.eip);
  return true;
}

bool Emitter::ret(const GuestInstruction& g) {
  if (g.z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
  const unsigned width = g.word() ? 2 : 4;
  load_sized(R9, stack(g, 0, width, ReadWrite::read), width);
  check_target(g, R9);
  const u32 release = g.z.raw.imm[0].size ? static_cast<u32>(g.z.raw.imm[0].value.u) & 0xFFFF : 0;
  move_stack(static_cast<i32>(width + release));
  a_.move(R8, R9);
  a_.ret();
  ended_ = true;
  return true;
}

// The block goes on behind it.
bool Emitter::conditional(const GuestInstruction& g, unsigned condition) {
  const ZydisDecodedOperand& op = g.operands[0];
  const bool jcc = (g.z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && g.z.opcode >= 0x70 && g.z.opcode <= 0x7F) ||
                   (g.z.opcode_map == ZYDIS_OPCODE_MAP_0F && g.z.opcode >= 0x80 && g.z.opcode <= 0x8F);
  if (!jcc || op.type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return false;
  const u32 target = g.target(op);
  // A short loop is emitted several times over: one poll for all.
  branched_ = true;
  constexpr unsigned kMostCopies = 3;
  const u32 kShortLoop = block_.reach == Reach::window ? 160 : 48;
  if (target == block_.eip && g.next() - target <= kShortLoop && copies_ < kMostCopies && same_page(g.next()) &&
      inside(g.next())) {
    link(a_.jump_if(condition ^ 1), g.next());
    ++copies_;
    again_ = true;
  } else if (inside(target)) {
    poll(g, target);
    link(a_.jump_if(condition), target);
  } else {
    const u64 not_taken = a_.jump_if(condition ^ 1);
    jump_to(target, g.eip);
    a_.bind(not_taken);
  }
  return true;
}

// JCXZ, JECXZ and LOOP, with a count of both widths.
bool Emitter::count_jump(const GuestInstruction& g) {
  const u32 target = g.target(g.operands[0]);
  const bool loop = g.z.mnemonic == ZYDIS_MNEMONIC_LOOP;
  const bool word = g.z.address_width == 16;
  // The interpreter refuses a target outside with the count as it was.
  if (!inside(target)) return false;
  poll(g, target);
  branched_ = true;
  if (loop) {
    a_.address(R10, {.base = RCX, .displacement = ~u32{0}});
    move_sized(RCX, R10, word ? 2 : 4);
  }
  if (word) {
    a_.move(R15, RCX);
    a_.zero_extend_word(RCX, RCX);
  }
  const u64 zero = a_.jump_if_ecx_zero();
  if (word) a_.move(RCX, R15);
  const u64 not_zero = a_.jump();
  a_.bind_short(zero);
  if (word) a_.move(RCX, R15);
  if (loop) {
    const u64 fall = a_.jump();
    a_.bind(not_zero);
    jump_to(target, g.eip);
    a_.bind(fall);
  } else {
    jump_to(target, g.eip);
    a_.bind(not_zero);
  }
  return true;
}

}  // namespace penumbra
