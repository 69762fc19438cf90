// The guest's x87, MMX and SSE state is the host's own while emitted code that uses it runs. The first such instruction
// of a block makes sure of it; whatever leaves emitted code saves it.
#include "translator/emitter.h"

namespace penumbra {

namespace {

struct Needs {
  bool fpu = false;
  bool sse = false;
};

Needs needs_of(const GuestInstruction& g) {
  Needs needs{g.z.meta.isa_ext == ZYDIS_ISA_EXT_X87 || g.z.meta.isa_ext == ZYDIS_ISA_EXT_MMX, false};
  for (unsigned n = 0; n < g.z.operand_count; ++n) {
    if (g.operands[n].type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const ZydisRegisterClass kind = ZydisRegisterGetClass(g.operands[n].reg.value);
    needs.fpu |= kind == ZYDIS_REGCLASS_MMX;
    needs.sse |= kind == ZYDIS_REGCLASS_XMM;
  }
  // Some have memory and a general register only.
  const bool extension = g.z.meta.isa_ext == ZYDIS_ISA_EXT_SSE || g.z.meta.isa_ext == ZYDIS_ISA_EXT_SSE2;
  needs.sse |= extension && !needs.fpu;
  return needs;
}

}  // namespace

// No flag changes.
void Emitter::need_fpu(const GuestInstruction& g) {
  const Needs needs = needs_of(g);
  const auto check = [&](u32 Context::*live) {
    const u64 start = a_.size();  // once the state is in, this is asked again: SSE may still be forbidden
    a_.move(R15, RCX);
    a_.load(RCX, context_field(live));
    const u64 missing = a_.jump_if_ecx_zero();
    a_.move(RCX, R15);
    const u64 there = a_.jump();
    a_.bind_short(missing);
    later_.push_back({Later::Kind::fpu, a_.jump(), g.eip, start});
    a_.bind(there);
  };
  if (needs.fpu && !fpu_needed_) check(&Context::fpu_live);
  if (needs.sse && !sse_needed_) check(&Context::sse_live);
  fpu_needed_ |= needs.fpu;
  sse_needed_ |= needs.sse;
}

}  // namespace penumbra
