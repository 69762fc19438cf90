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
  if (thunks_.changes_gs) gs_base_ = context_.window;
}

// Before the interpreter executes an instruction whose transition did not hold.
void Translator::expect_transition() {
  expected_ = {};
  const u32 number = context_.missed;
  context_.missed = 0;
  if (!number || number > transition_sites_.size()) return;
  const TransitionSite& site = transition_sites_[number - 1];
  expected_.number = number;
  expected_.mode = mode_;
  expected_.segment = known_.segment;
  expected_.eip = site.next;
  expected_.cpl = cpu_.cpl;
  if (site.kind == Kind::sysenter) expected_.eip = cpu_.sysenter_eip, expected_.cpl = 0;
  if (site.kind == Kind::sysexit) expected_.eip = cpu_.gpr[EDX], expected_.cpl = 3;
  if (site.kind != Kind::iret) return;
  u8 frame[8];
  // With NT it reads no frame: it switches tasks.
  if ((cpu_.flags.rest & eflags::NT) || !view_.fill_supervisor(cpu_.gpr[ESP], sizeof frame) ||
      !cpu_.debug_read(cpu_.gpr[ESP], frame)) {
    expected_.number = 0;
    return;
  }
  expected_.eip = load<u32>(frame);
  expected_.cpl = frame[4] & 3;
}

// What the selector of a GDT entry names, which emitted code will ask the TLB for.
bool Translator::learn_descriptor(u16 selector, u32& linear, u64& descriptor) {
  const u32 offset = selector & 0xFFF8;
  if (selector & 4 || offset + 7 > cpu_.gdtr.limit) return false;  // the LDT changes with the task
  linear = cpu_.gdtr.base + offset;
  u8 bytes[8];
  if (!view_.fill_supervisor(linear, sizeof bytes) || !cpu_.debug_read(linear, bytes)) return false;
  descriptor = load<u64>(bytes);
  return true;
}

// The interpreter has just executed it.
void Translator::learn_transition() {
  const u32 number = expected_.number;
  if (!translatable()) return;
  load_segments();
  if (number > transition_sites_.size()) return;  // everything has been forgotten for it
  if (table_->doubtful()) settle_table();

  // Nothing else may have happened: a fault, an interrupt. Emitted code leaves DF, which is part of the mode, as it is.
  if ((mode_ ^ expected_.mode) & block_mode::kDown) return;
  TransitionSite& site = transition_sites_[number - 1];
  const bool privilege = site.kind == Kind::sysenter || site.kind == Kind::sysexit || site.kind == Kind::iret;
  if (cpu_.eip != expected_.eip || cpu_.cpl != expected_.cpl) return;
  for (unsigned name = 0; name < 6; ++name) {
    const bool loaded = privilege ? name == CS || name == SS : site.kind == Kind::segment && name == site.name;
    if (!loaded && std::memcmp(&expected_.segment[name], &cpu_.segment[name], sizeof(Segment)) != 0) return;
  }

  Transition learnt;
  learnt.selector = context_.missed_selector;
  learnt.number = number;
  if (privilege) {
    // Without FSGSBASE emitted code does not change GS. Its look-up behind the change knows no base of CS.
    const u32 supervisor = mode_ & block_mode::kUser ? expected_.mode : mode_;
    if (view_.has_windows() && !thunks_.changes_gs && !(supervisor & block_mode::kByRegister)) return;
    constexpr u32 kWanted = block_mode::kFlat << CS | block_mode::kFlat << SS | block_mode::kStack32;
    if (expected_.segment[CS].base || (mode_ & kWanted) != kWanted) return;
    site.segment = cpu_.segment[CS];
    site.stack = cpu_.segment[SS];
    learnt.code_selector = site.segment.selector;
    learnt.stack_selector = site.stack.selector;
    if (site.kind == Kind::iret) {
      learnt.gdt = context_.gdt;
      if (!learn_descriptor(site.segment.selector, learnt.linear, learnt.descriptor)) return;
      const bool outer = mode_ & block_mode::kUser;
      if (outer && !learn_descriptor(site.stack.selector, learnt.stack_linear, learnt.stack_descriptor)) return;
    } else if (learnt.selector != cpu_.sysenter_cs) {
      return;
    }
  } else {
    const u16 selector = static_cast<u16>(learnt.selector);
    learnt.gdt = context_.gdt;
    if (!is_null(selector) && !learn_descriptor(selector, learnt.linear, learnt.descriptor)) return;
    if (site.kind == Kind::verify) learnt.outcome = cpu_.flags.arithmetic() & eflags::ZF ? eflags::ZF << 8 : 0;
    if (site.kind == Kind::segment) {
      site.segment = cpu_.segment[site.name];
      if (site.segment.selector != selector) return;
      learnt.segment = site.name;
      learnt.base = site.segment.base;
      learnt.outer = survives_outer_return(site.segment);
      learnt.end[0] = segment_end(site.segment.read_end);
      learnt.end[1] = segment_end(site.segment.write_end);
    }
  }
  learnt.user = cpu_.privilege() == Privilege::user;
  learnt.mode = mode_;
  learnt.other_mode = mode_ != expected_.mode;
  learnt.lookup = table_->entries();
  learnt.doubt = table_->doubt_byte();
  context_.transitions[number - 1] = learnt;
}

}  // namespace penumbra
