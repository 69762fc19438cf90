// The guest's x87, MMX and SSE state is the host's own while emitted code that uses it runs. Blocks that use it make sure
// of it; whatever leaves emitted code saves it.
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

// What is certain to be needed is asked for before the block's first instruction, and not at all where a block comes
// from one that has asked.
void Emitter::need_fpu(const GuestInstruction& g) {
  const u8 missing = needs_of(g) & ~live_;
  if (branched_)
    check_live(missing, g.eip);
  else
    block_.needs |= missing;
  live_ |= missing;
}

// No flag changes.
void Emitter::check_live(u8 needs, u32 eip) {
  const u64 start = a_.size();  // once the state is in, this is asked again: SSE may still be forbidden
  for (const auto& [part, live] :
       {std::pair(live_state::kFpu, &Context::fpu_live), std::pair(live_state::kSse, &Context::sse_live)}) {
    if (!(needs & part)) continue;
    a_.move(R15, RCX);
    a_.load(RCX, context_field(live));
    const u64 missing = a_.jump_if_ecx_zero();
    a_.move(RCX, R15);
    const u64 there = a_.jump();
    a_.bind_short(missing);
    later_.push_back({Later::Kind::fpu, a_.jump(), eip, start});
    a_.bind(there);
  }
}

void Emitter::enter_not_live() {
  if (!block_.needs) return;
  block_.entry = a_.size();
  check_live(block_.needs, block_.eip);
  a_.bind(a_.jump(), 0);
}

}  // namespace penumbra
