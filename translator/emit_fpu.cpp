// The guest's x87, MMX and SSE state is the host's own while emitted code that uses it runs. Blocks that use it make
// sure of it; whatever leaves emitted code saves it.
#include "translator/emitter.h"

namespace penumbra {

namespace {

u8 needs_of(const GuestInstruction& g) {
  bool fpu = g.z.meta.isa_ext == ZYDIS_ISA_EXT_X87 || g.z.meta.isa_ext == ZYDIS_ISA_EXT_MMX, sse = false;
  for (unsigned n = 0; n < g.z.operand_count; ++n) {
    if (g.operands[n].type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const ZydisRegisterClass kind = ZydisRegisterGetClass(g.operands[n].reg.value);
    fpu |= kind == ZYDIS_REGCLASS_MMX;
    sse |= kind == ZYDIS_REGCLASS_XMM;
  }
  // Some have memory and a general register only.
  const bool extension = g.z.meta.isa_ext == ZYDIS_ISA_EXT_SSE || g.z.meta.isa_ext == ZYDIS_ISA_EXT_SSE2;
  sse |= extension && !fpu;
  return static_cast<u8>((fpu ? live_state::kFpu : 0) | (sse ? live_state::kSse : 0));
}

}  // namespace

// No flag changes. Returns the place of the jump taken where the state is not there; ECX is in R15 then.
u64 Emitter::ask_for_state(u8 part) {
  a_.move(R15, RCX);
  a_.load(RCX, context_field(part == live_state::kFpu ? &Context::fpu_live : &Context::sse_live));
  const u64 missing = a_.jump_if_ecx_zero();
  a_.move(RCX, R15);
  return missing;
}

void Emitter::leave_for_state(u32 eip, u64 resume) {
  a_.move(RCX, R15);
  leave_and_resume(ExitReason::fpu, eip, resume);
}

// What is needed in any case is known once a block has been made; when it is made anew, it asks on entry.
void Emitter::need_fpu(const GuestInstruction& g) {
  const u8 needs = needs_of(g);
  if (!branched_) block_.needs |= needs;
  for (const u8 part : {live_state::kFpu, live_state::kSse}) {
    if (!(needs & part & ~live_)) continue;
    const u64 start = a_.size();  // once the state is in, this is asked again: SSE may still be forbidden
    const u64 missing = ask_for_state(part);
    const u64 there = a_.jump();
    a_.bind_short(missing);
    later_.push_back({Later::Kind::fpu, a_.jump(), g.eip, start});
    a_.bind(there);
  }
  live_ |= needs;
}

// The code for what is missing comes first: a jump over it would be one for each time that the block is entered.
void Emitter::ask_on_entry(u8 parts) {
  block_.asks = live_ = parts;
  if (!parts) return;
  constexpr u64 kMissing = 0;
  leave_for_state(block_.eip, kMissing);
  ended_ = false;
  block_.entry = a_.size();
  for (const u8 part : {live_state::kFpu, live_state::kSse})
    if (parts & part) a_.bind_short(ask_for_state(part), kMissing);
  block_.live_entry = a_.size();
}

}  // namespace penumbra
