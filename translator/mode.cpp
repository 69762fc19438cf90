// What the processor's state means to emitted code: the block mode, and what the Context has of segments.
#include <algorithm>
#include <cstring>

#include "translator/translator.h"

namespace penumbra {

namespace {

constexpr u64 kWhole = u64{1} << 32;
constexpr u64 k64K = 0x10000;
// Each has a lookup table, which costs host mappings, and time at every CR3 write; a guest could make thousands. As
// each end of a code segment is some mode's, those stay few as well.
constexpr std::size_t kMostModes = 128;

bool reaches(const Segment& s, u64 end) { return s.write_end >= end && s.read_end >= end; }

}  // namespace

bool Translator::translatable() const {
  const bool privileged_or_user = cpu_.cpl == 0 || cpu_.cpl == 3;
  const bool aligned = (cpu_.cr0 & cr0::AM) && (cpu_.flags.rest & eflags::AC) && cpu_.cpl == 3;
  return privileged_or_user && !aligned;
}

u32 Translator::code_end_number() {
  const u64 end = cpu_.segment[CS].code_end;
  const auto found = std::find(code_ends_.begin(), code_ends_.end(), end);
  if (found != code_ends_.end()) return static_cast<u32>(found - code_ends_.begin());
  code_ends_.push_back(end);
  return static_cast<u32>(code_ends_.size() - 1);
}

u32 Translator::mode() {
  using namespace block_mode;
  const auto& s = cpu_.segment;
  u32 mode = code_end_number() << kCodeEndShift;
  const bool real = cpu_.real_or_v86();
  mode |= (cpu_.cpl == 3 ? kUser : 0) | (cpu_.cpl == 0 ? kPrivileged : 0) | (s[CS].big ? kCode32 : 0) |
          (s[SS].big ? kStack32 : 0) | (real ? kReal : 0) | (cpu_.v86() ? kVirtual : 0) | (s[CS].base ? kBasedCode : 0);
  if (cpu_.flags.rest & eflags::DF) mode |= kDown;
  if (!real) {
    for (const unsigned name : {ES, SS, DS})
      if (!s[name].base && reaches(s[name], kWhole)) mode |= kFlat << name;
    if (!s[CS].base && s[CS].code_end == kWhole && s[CS].read_end == kWhole) mode |= kFlat << CS;
    if (reaches(s[FS], kWhole)) mode |= kFsOpen;
    if (reaches(s[GS], kWhole)) mode |= kGsOpen;
  }
  const bool all_flat = (mode & (kFlat << ES)) && (mode & (kFlat << SS)) && (mode & (kFlat << DS));
  if (!all_flat && reaches(s[ES], k64K) && reaches(s[SS], k64K) && reaches(s[DS], k64K)) mode |= kWide64K;
  if (options_.mmu == MmuKind::registers || (supervisor_by_register_ && !(mode & kUser))) mode |= kByRegister;
  return mode;
}

void Translator::forget_modes() {
  code_forgotten();
  tables_.clear();
  recent_tables_ = {};
  table_ = nullptr;
  code_ends_.clear();
}

void Translator::choose_table() {
  if (table_ && table_mode_ == mode_) return;
  auto& recent = recent_tables_[(mode_ ^ mode_ >> 7 ^ mode_ >> 14) % recent_tables_.size()];
  if (!recent.second || recent.first != mode_) recent = {mode_, &table(mode_)};
  table_ = recent.second;
  table_mode_ = mode_;
}

void Translator::load_segments() {
  if (segments_known_) return;
  segments_known_ = true;
  const u32 flags = cpu_.flags.rest & (eflags::DF | eflags::VM);
  const u32 protection = cpu_.cr0 & cr0::PE;
  const bool same = known_.cpl == cpu_.cpl && known_.flags == flags && known_.cr0 == protection &&
                    known_.by_register == supervisor_by_register_ &&
                    std::memcmp(known_.segment.data(), cpu_.segment.data(), sizeof known_.segment) == 0;
  if (same) return;
  std::memcpy(known_.segment.data(), cpu_.segment.data(), sizeof known_.segment);
  known_.cpl = cpu_.cpl;
  known_.flags = flags;
  known_.cr0 = protection;
  known_.by_register = supervisor_by_register_;
  if (tables_.size() >= kMostModes) forget_modes();
  mode_ = mode();
  choose_table();
  context_.mode = mode_;
  context_.lookup = (lockstep_ ? knows_nothing_ : *table_).entries();
  for (unsigned n = 0; n < 6; ++n) load_segment(n);
}

void Translator::load_segment(unsigned name) {
  const Segment& s = cpu_.segment[name];
  context_.segment_base[name] = s.base;
  context_.segment_selector[name] = s.selector;
  context_.segment_loaded[name] = 0;
  context_.segment_outer[name] = survives_outer_return(s);
  context_.segment_end[0][name] = segment_end(s.read_end);
  context_.segment_end[1][name] = segment_end(s.write_end);
}

void Translator::load_context() {
  load_segments();
  for (unsigned n = 0; n < 8; ++n) context_.gpr[n] = cpu_.gpr[n];
  context_.flags = cpu_.flags.arithmetic() | eflags::kFixedOne;
  context_.interrupt_flag = cpu_.flags.rest & eflags::IF;
  context_.other_flags = cpu_.flags.rest & ~eflags::IF;
  context_.flag_before_sti = eflags::IF;
  context_.interrupt_waiting = cpu_.interrupt_waiting();
  context_.gdt = cpu_.gdtr.base | u64{cpu_.gdtr.limit} << 32;
  context_.control[0] = cpu_.cr0;
  context_.control[2] = cpu_.cr2;
  context_.control[3] = cpu_.cr3;
  context_.return_barred = cpu_.nmi_blocked || cpu_.nmi_pending;
  context_.sysenter_cs = cpu_.sysenter_cs;
  context_.sysenter_esp = cpu_.sysenter_esp;
  context_.sysenter_eip = cpu_.sysenter_eip;
}

void Translator::save_context() {
  for (unsigned n = 0; n < 8; ++n) cpu_.gpr[n] = context_.gpr[n];
  cpu_.flags.load_arithmetic(static_cast<u32>(context_.flags) & eflags::kArithmetic);
  cpu_.flags.rest = context_.other_flags | context_.interrupt_flag;
  cpu_.eip = context_.eip;
  cpu_.interrupt_shadow = !context_.flag_before_sti && context_.eip == context_.after_sti;
  if (!(mode_ & block_mode::kReal)) return;
  for (unsigned n = 0; n < 6; ++n) {
    if (!context_.segment_loaded[n]) continue;
    // Limit and size stay (segmentation.h, real mode).
    Segment& s = cpu_.segment[n];
    s.selector = static_cast<u16>(context_.segment_selector[n]);
    s.base = context_.segment_base[n];
    s.access = mode_ & block_mode::kVirtual ? 0xF3 : 0x93;
    s.derive();
    segments_known_ = false;
    known_.cpl = 0xFF;
  }
}

}  // namespace penumbra
