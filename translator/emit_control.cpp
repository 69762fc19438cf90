// Near control flow. A direct branch inside of its page is linked; one to another page, and every indirect one, goes
// through the lookup table, which holds only what stands under the current mapping.
#include "translator/emitter.h"

namespace penumbra {

namespace {

constexpr u8 kStoreWide[] = {0x89};

bool same_page(u32 a, u32 b) { return (a ^ b) >> kPageShift == 0; }

}  // namespace

void Emitter::leave(ExitReason reason, u32 eip) {
  a_.store(context_field(&Context::eip), eip);
  a_.store(context_field(&Context::reason), static_cast<u32>(reason));
  a_.jump_to(exits_.leave);
  ended_ = true;
}

// Counts down what may be executed before C++ looks at events. `eip` is where to go on. No flag changes.
void Emitter::poll(u32 eip) {
  a_.move(R15, RCX);
  a_.address(kPolls, {.base = kPolls, .displacement = ~u32{0}});
  a_.move(RCX, kPolls);
  const u64 used_up = a_.jump_if_ecx_zero();
  const auto restore = [&] { a_.move(RCX, R15); };
  restore();
  const u64 go_on = a_.jump();
  a_.bind_short(used_up);
  restore();
  later_.push_back({Later::Kind::poll, a_.jump(), eip});
  a_.bind(go_on);
}

void Emitter::link(u32 target) { later_.push_back({Later::Kind::link, a_.jump(), target}); }

void Emitter::go_to(u32 eip, u32 from) {
  if (eip <= from) poll(eip);
  if (same_page(eip, block_.eip)) {
    link(eip);
  } else {
    a_.move(R8, eip);
    look_up();
  }
  ended_ = true;
}

// Goes to the guest address in R8. Every loop that no backward direct branch closes comes by here.
void Emitter::look_up() {
  a_.move(R15, RCX);
  a_.load_wide(R10, context_field(&Context::lookup));
  a_.zero_extend_word(R9, R8);
  a_.address(R9, {.base = R9, .index = R9});  // entries are 16 bytes
  a_.load(RCX, {.base = R10, .index = R9, .scale = 3});
  a_.address(RCX, {.base = RCX, .index = R8});
  const u64 found = a_.jump_if_ecx_zero();
  a_.move(RCX, R15);
  later_.push_back({Later::Kind::miss, a_.jump(), 0});
  a_.bind_short(found);
  a_.address(kPolls, {.base = kPolls, .displacement = ~u32{0}});
  a_.move(RCX, kPolls);
  const u64 used_up = a_.jump_if_ecx_zero();
  a_.move(RCX, R15);
  constexpr u8 kJump[] = {0xFF};
  a_.with_memory({.opcode = kJump}, 4, {.base = R10, .index = R9, .scale = 3, .displacement = 8});
  a_.bind_short(used_up);
  a_.move(RCX, R15);
  later_.push_back({Later::Kind::miss, a_.jump(), 0});
  ended_ = true;
}

void Emitter::finish() {
  for (const Later& l : later_) {
    a_.bind(l.place);
    switch (l.kind) {
      case Later::Kind::poll: leave(ExitReason::poll, l.eip); break;
      case Later::Kind::link:
        a_.store(context_field(&Context::site), static_cast<u32>(sites_.size()));
        sites_.push_back({&block_, l.place, l.eip});
        leave(ExitReason::link, l.eip);
        break;
      case Later::Kind::fpu:
        a_.move(RCX, R15);
        a_.code_address(R8, l.resume);
        a_.with_memory({.opcode = kStoreWide, .wide = true}, R8, context_field(&Context::resume));
        leave(ExitReason::fpu, l.eip);
        break;
      case Later::Kind::miss:
        a_.store(context_field(&Context::eip), R8);
        a_.store(context_field(&Context::reason), static_cast<u32>(ExitReason::lookup));
        a_.jump_to(exits_.leave);
        break;
    }
  }
  block_.dead_entry = a_.size();
  leave(ExitReason::poll, block_.eip);
}

// The target of an indirect branch, in R8.
bool Emitter::branch_target(const GuestInstruction& g, const ZydisDecodedOperand& op) {
  if (op.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    a_.move(R8, host_register(static_cast<unsigned>(ZydisRegisterGetId(op.reg.value))));
    return true;
  }
  HostAddress from;
  if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || !guest_address(g, op, from)) return false;
  a_.load(R8, from);
  return true;
}

bool Emitter::jump(const GuestInstruction& g) {
  if (g.word() || g.z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
  const ZydisDecodedOperand& op = g.operands[0];
  if (op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    go_to(g.next() + static_cast<u32>(op.imm.value.s), g.eip);
    return true;
  }
  if (!branch_target(g, op)) return false;
  look_up();
  return true;
}

bool Emitter::call(const GuestInstruction& g) {
  if (g.word() || g.z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
  const ZydisDecodedOperand& op = g.operands[0];
  const bool direct = op.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  // The operand is read before the return address is pushed (SDM 2, CALL).
  if (!direct && !branch_target(g, op)) return false;
  a_.store(stack_slot(-4), g.next());
  move_stack(-4);
  if (direct)
    go_to(g.next() + static_cast<u32>(op.imm.value.s), g.eip);
  else
    look_up();
  return true;
}

bool Emitter::ret(const GuestInstruction& g) {
  if (g.word() || g.z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
  a_.load(R8, stack_slot(0));
  const u32 release = g.z.raw.imm[0].size ? static_cast<u32>(g.z.raw.imm[0].value.u) & 0xFFFF : 0;
  move_stack(static_cast<i32>(4 + release));
  look_up();
  return true;
}

bool Emitter::conditional(const GuestInstruction& g, unsigned condition) {
  const ZydisDecodedOperand& op = g.operands[0];
  const bool jcc = (g.z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && g.z.opcode >= 0x70 && g.z.opcode <= 0x7F) ||
                   (g.z.opcode_map == ZYDIS_OPCODE_MAP_0F && g.z.opcode >= 0x80 && g.z.opcode <= 0x8F);
  if (!jcc || g.word() || op.type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return false;
  const u32 target = g.next() + static_cast<u32>(op.imm.value.s);
  // A short loop is emitted several times over: one poll for all.
  constexpr unsigned kMostCopies = 3;
  constexpr u32 kShortLoop = 48;
  if (target == block_.eip && g.next() - target <= kShortLoop && copies_ < kMostCopies && same_page(g.next(), target)) {
    later_.push_back({Later::Kind::link, a_.jump_if(condition ^ 1), g.next()});
    ++copies_;
    again_ = true;
    return true;
  }
  if (same_page(target, block_.eip) && target > g.eip) {
    later_.push_back({Later::Kind::link, a_.jump_if(condition), target});
  } else {
    const u64 not_taken = a_.jump_if(condition ^ 1);
    go_to(target, g.eip);
    a_.bind(not_taken);
  }
  go_to(g.next(), g.eip);
  return true;
}

// JECXZ and LOOP with a 32-bit count.
bool Emitter::count_jump(const GuestInstruction& g) {
  if (g.word() || g.z.address_width != 32) return false;
  const u32 target = g.next() + static_cast<u32>(g.operands[0].imm.value.s);
  const bool loop = g.z.mnemonic == ZYDIS_MNEMONIC_LOOP;
  if (loop) a_.address(RCX, {.base = RCX, .displacement = ~u32{0}});
  const u64 zero = a_.jump_if_ecx_zero();
  if (loop) {
    const u64 taken = a_.jump();
    a_.bind_short(zero);
    const u64 fall = a_.jump();
    a_.bind(taken);
    go_to(target, g.eip);
    a_.bind(fall);
  } else {
    const u64 fall = a_.jump();
    a_.bind_short(zero);
    go_to(target, g.eip);
    a_.bind(fall);
  }
  go_to(g.next(), g.eip);
  return true;
}

}  // namespace penumbra
