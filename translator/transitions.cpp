// What C++ has to do with transitions: it learns them from the interpreter, and hears of those that emitted code made.
#include <cstring>

#include "core/base/bits.h"
#include "core/cpu/segmentation.h"
#include "translator/translator.h"

namespace penumbra {

using Kind = TransitionSite::Kind;

void Translator::forget_transitions() {
  for (u32 n = 0; n < transition_sites_.size(); ++n) context_.transitions[n] = {};
  transition_sites_.clear();
  context_.missed = 0;
}

// Emitted code has come back from where it went by transitions.
void Translator::take_transitions() {
  context_.transited = 0;
  for (unsigned name = 0; name < 6; ++name) {
    const u32 number = context_.segment_loaded[name];
    if (!number) continue;
    const TransitionSite& site = transition_sites_[number - 1];
    const bool privilege = site.kind != Kind::segment;
    const Segment& segment = privilege && name == SS ? site.stack : site.segment;
    if (name == CS)
      set_code_segment(cpu_, segment);
    else
      cpu_.segment[name] = segment;
    known_.segment[name] = cpu_.segment[name];
    load_segment(name);
  }
  mode_ = context_.mode;
  choose_table();
  cpu_.set_cpl(mode_ & block_mode::kUser ? 3 : 0);
  known_.cpl = cpu_.cpl;
}

// The interpreter has just executed an instruction whose transition did not hold.
void Translator::learn_transition() {
  const u32 number = context_.missed;
  context_.missed = 0;
  if (number > transition_sites_.size() || !translatable()) return;
  TransitionSite& site = transition_sites_[number - 1];
  const u32 from_mode = mode_;
  const auto before = known_.segment;
  load_segments();
  if (number > transition_sites_.size()) return;  // there were too many modes
  if (table_->doubtful()) settle_table();

  // Nothing else may have happened: a fault, an interrupt.
  const bool privilege = site.kind == Kind::sysenter || site.kind == Kind::sysexit;
  const u32 eip = site.kind == Kind::sysenter  ? cpu_.sysenter_eip
                  : site.kind == Kind::sysexit ? cpu_.gpr[EDX]
                                               : site.next;
  if (cpu_.eip != eip || cpu_.cpl != (site.kind == Kind::sysexit ? 3 : 0)) return;
  for (unsigned name = 0; name < 6; ++name) {
    const bool loaded = privilege ? name == CS || name == SS : site.kind == Kind::segment && name == site.name;
    if (!loaded && std::memcmp(&before[name], &cpu_.segment[name], sizeof(Segment)) != 0) return;
  }

  Transition learnt;
  learnt.selector = context_.missed_selector;
  learnt.number = number;
  if (privilege) {
    // Emitted code does not change GS, and its look-up behind the change knows no base of CS.
    const u32 supervisor = site.kind == Kind::sysexit ? from_mode : mode_;
    if (view_.has_windows() && !(supervisor & block_mode::kByRegister)) return;
    if (before[CS].base || learnt.selector != cpu_.sysenter_cs) return;
    site.segment = cpu_.segment[CS];
    site.stack = cpu_.segment[SS];
    learnt.code_selector = site.segment.selector;
    learnt.stack_selector = site.stack.selector;
  } else {
    const u16 selector = static_cast<u16>(learnt.selector);
    learnt.gdt = context_.gdt;
    if (!is_null(selector)) {
      const u32 offset = selector & 0xFFF8;
      if (selector & 4 || offset + 7 > cpu_.gdtr.limit) return;  // the LDT changes with the task
      learnt.linear = cpu_.gdtr.base + offset;
      u8 bytes[8];
      // Emitted code finds it by the TLB. Only a supervisor's asks.
      if (!view_.fill(learnt.linear, sizeof bytes, false) || !cpu_.debug_read(learnt.linear, bytes)) return;
      learnt.descriptor = load<u64>(bytes);
    }
    if (site.kind == Kind::verify) learnt.outcome = cpu_.flags.arithmetic() & eflags::ZF ? eflags::ZF << 8 : 0;
    if (site.kind == Kind::segment) {
      site.segment = cpu_.segment[site.name];
      if (site.segment.selector != selector) return;
      learnt.segment = site.name;
      learnt.base = site.segment.base;
      learnt.end[0] = segment_end(site.segment.read_end);
      learnt.end[1] = segment_end(site.segment.write_end);
    }
  }
  learnt.soft_tlb = view_.soft().entries();
  learnt.window = view_.has_windows() ? view_.window().base() : 0;
  learnt.mode = mode_;
  learnt.other_mode = mode_ != from_mode;
  learnt.lookup = table_->entries();
  learnt.doubt = table_->doubt_byte();
  context_.transitions[number - 1] = learnt;
}

}  // namespace penumbra
