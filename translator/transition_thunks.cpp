// Segment loads, VERR and VERW, SYSENTER, SYSEXIT and IRET, as transition.h remembers them.
#include "core/cpu/cpu_state.h"
#include "translator/thunk_parts.h"
#include "translator/thunks.h"

namespace penumbra {

namespace {

using namespace thunk_parts;

// A field of the Transition that R9 points at.
HostAddress known(std::size_t offset) { return {.base = R9, .displacement = static_cast<u32>(offset)}; }
// Member R10 of an array in the Context, with elements of 4 or 8 bytes.
HostAddress member(HostAddress array, unsigned bytes) {
  array.index = R10;
  array.scale = bytes == 4 ? 2 : 3;
  return array;
}
void copy(Assembler& a, const HostAddress& to, std::size_t from, bool wide) {
  a.with_memory({.opcode = kLoad, .wide = wide}, R11, known(from));
  a.with_memory({.opcode = kStore, .wide = wide}, R11, to);
}

class Misses {
 public:
  explicit Misses(Assembler& a) : a_(a) {}

  void unless_equal() { places_.push_back(a_.jump_if(kNotEqual)); }
  void add(u64 place) { places_.push_back(place); }
  // The interpreter must do it, and C++ learn of it.
  void finish() {
    for (const u64 place : places_) a_.bind(place);
    copy(a_, context_field(&Context::missed), offsetof(Transition, number), false);
    a_.move(R9, 1);
    restore_flags(a_);
    a_.ret();
  }

 private:
  Assembler& a_;
  std::vector<u64> places_;
};

void check_doubt(Assembler& a, Misses& misses) {
  a.load_wide(R10, known(offsetof(Transition, doubt)));
  a.with_memory({.opcode = kCompareByte}, 7, {.base = R10});
  a.byte(0);
  misses.unless_equal();
}

// The descriptor at a linear address must be what it was.
void check_raw(Assembler& a, Misses& misses, std::size_t linear, std::size_t descriptor) {
  a.load(R8, known(linear));
  misses.add(soft_address(a, false, 8));
  a.load_wide(R10, {.base = R8});
  a.with_memory({.opcode = kCompare, .wide = true}, R10, known(descriptor));
  misses.unless_equal();
}
void check_table(Assembler& a, Misses& misses) {
  a.load_wide(R10, context_field(&Context::gdt));
  a.with_memory({.opcode = kCompare, .wide = true}, R10, known(offsetof(Transition, gdt)));
  misses.unless_equal();
}

// The selector is in R8; it must be the one known, and its descriptor what it was.
void check_descriptor(Assembler& a, Misses& misses) {
  a.store(context_field(&Context::missed_selector), R8);
  a.with_memory({.opcode = kCompare}, R8, known(offsetof(Transition, selector)));
  misses.unless_equal();
  check_table(a, misses);
  a.load(R8, known(offsetof(Transition, linear)));
  arithmetic(a, kCompareImmediate, R8, Transition::kNone);
  const u64 null = a.jump_if(kEqual);
  check_raw(a, misses, offsetof(Transition, linear), offsetof(Transition, descriptor));
  a.bind(null);
}

void install_mode(Assembler& a) {
  copy(a, context_field(&Context::mode), offsetof(Transition, mode), false);
  copy(a, context_field(&Context::lookup), offsetof(Transition, lookup), true);
  a.store(context_field(&Context::transited), 1);
}
void install_privilege(Assembler& a, const Thunks& thunks) {
  constexpr u8 kWriteGsBase[] = {0xF3, 0x49, 0x0F, 0xAE, 0xDB};  // wrgsbase r11
  install_mode(a);
  a.load(R10, known(offsetof(Transition, user)));
  a.load_wide(R11, member(context_field(&Context::soft_tlbs), 8));
  a.with_memory({.opcode = kStore, .wide = true}, R11, context_field(&Context::soft_tlb));
  a.load_wide(R11, member(context_field(&Context::windows), 8));
  if (!thunks.changes_gs) return a.with_memory({.opcode = kStore, .wide = true}, R11, context_field(&Context::window));
  // An IRET may stay in its window, and WRGSBASE takes as long as the rest of this.
  a.with_memory({.opcode = kCompare, .wide = true}, R11, context_field(&Context::window));
  const u64 same = a.jump_if(kEqual);
  a.with_memory({.opcode = kStore, .wide = true}, R11, context_field(&Context::window));
  a.bytes(kWriteGsBase);
  a.bind(same);
}
// CS or SS: flat ones, which are their selector and what C++ knows of them.
void install_segment(Assembler& a, unsigned name, std::size_t selector) {
  const auto of_name = [&](HostAddress array) {
    array.displacement += 4 * name;
    return array;
  };
  copy(a, of_name(context_field(&Context::segment_selector)), selector, false);
  copy(a, of_name(context_field(&Context::segment_loaded)), offsetof(Transition, number), false);
}

// Returns to a caller in another mode than the guest calls that are open: they are forgotten, since a return address
// names code of the mode that its call was made in.
void return_in_other_mode(Assembler& a) {
  constexpr u8 kJump[] = {0xFF};
  pop(a, R11);
  a.load_wide(RSP, context_field(&Context::return_stack));
  a.with_register({.opcode = kJump}, 4, R11);
}

void emit_load_segment(Assembler& a, Thunks& thunks) {
  thunks.load_segment = a.size();
  Misses misses(a);
  save_flags(a);
  check_descriptor(a, misses);
  check_doubt(a, misses);
  a.load(R10, known(offsetof(Transition, segment)));
  copy(a, member(context_field(&Context::segment_selector), 4), offsetof(Transition, selector), false);
  copy(a, member(context_field(&Context::segment_base), 4), offsetof(Transition, base), false);
  copy(a, member(context_field(&Context::segment_loaded), 4), offsetof(Transition, number), false);
  copy(a, member(context_field(&Context::segment_outer), 4), offsetof(Transition, outer), false);
  HostAddress end = member(context_field(&Context::segment_end), 8);
  for (unsigned how = 0; how < 2; ++how) {
    copy(a, end, offsetof(Transition, end) + 8 * how, true);
    end.displacement += sizeof(Context::segment_end[0]);
  }
  install_mode(a);
  a.load(R10, known(offsetof(Transition, other_mode)));
  a.move(R9, 0);
  arithmetic(a, kCompareImmediate, R10, 0);
  const u64 same = a.jump_if(kEqual);
  restore_flags(a);
  return_in_other_mode(a);
  a.bind(same);
  restore_flags(a);
  a.ret();
  misses.finish();
}

void emit_verify_segment(Assembler& a, Thunks& thunks) {
  thunks.verify_segment = a.size();
  constexpr u32 kZeroInAh = 0x4000;
  Misses misses(a);
  save_flags(a);
  check_descriptor(a, misses);
  arithmetic(a, kAnd, RAX, ~kZeroInAh);
  a.with_memory({.opcode = kOr}, RAX, known(offsetof(Transition, outcome)));
  a.move(R9, 0);
  restore_flags(a);
  a.ret();
  misses.finish();
}

// R8 is the new EIP already where there is no miss.
void emit_change_privilege(Assembler& a, const Thunks& thunks, u64& place, bool enter) {
  place = a.size();
  Misses misses(a);
  save_flags(a);
  a.load(R10, context_field(&Context::sysenter_cs));
  a.store(context_field(&Context::missed_selector), R10);
  a.with_memory({.opcode = kCompare}, R10, known(offsetof(Transition, selector)));
  misses.unless_equal();
  check_doubt(a, misses);
  if (!enter) {
    // User code whose accesses may have to be aligned is the interpreter's.
    a.load(R10, context_field(&Context::other_flags));
    arithmetic(a, kAnd, R10, eflags::AC);
    misses.unless_equal();
  }
  if (enter) {
    a.store(context_field(&Context::interrupt_flag), 0);
    a.load(kGuestEsp, context_field(&Context::sysenter_esp));
    a.load(R8, context_field(&Context::sysenter_eip));
  } else {
    a.move(kGuestEsp, RCX);
    a.move(R8, RDX);
  }
  // An STI right before holds nothing up behind this.
  a.store(context_field(&Context::flag_before_sti), eflags::IF);
  install_segment(a, CS, offsetof(Transition, code_selector));
  install_segment(a, SS, offsetof(Transition, stack_selector));
  install_privilege(a, thunks);
  a.move(R9, 0);
  restore_flags(a);
  return_in_other_mode(a);
  misses.finish();
}

// IRETD of a supervisor, to the same or to user privilege (SDM 2, IRET). RF, which a fault's handler returns with,
// means nothing where no breakpoint is set, and emitted code does not run where one is.
void emit_iret(Assembler& a, Thunks& thunks) {
  thunks.iret = a.size();
  constexpr u32 kEip = 0, kCs = 4, kFlags = 8, kEsp = 12, kSs = 16, kFrame = 20;
  constexpr u32 kAsBefore = eflags::TF | eflags::DF | eflags::IOPL | eflags::NT | eflags::VM | eflags::AC |
                            eflags::VIF | eflags::VIP | eflags::ID;
  constexpr u8 kLoadWord[] = {0x0F, 0xB7}, kXor[] = {0x33}, kAndMemory[] = {0x23};
  const auto slot = [](u32 offset) { return HostAddress{.base = R8, .displacement = offset}; };
  Misses misses(a);
  const auto check_selector = [&](u32 offset, std::size_t expected) {
    a.load_wide(R8, context_field(&Context::frame));
    a.with_memory({.opcode = kLoadWord}, R10, slot(offset));
    a.with_memory({.opcode = kCompare}, R10, known(expected));
    misses.unless_equal();
  };
  const auto unless_outer = [&] {
    a.load(R10, known(offsetof(Transition, stack_linear)));
    arithmetic(a, kCompareImmediate, R10, Transition::kNone);
    return a.jump_if(kEqual);
  };
  save_flags(a);
  a.load(R10, context_field(&Context::return_barred));
  arithmetic(a, kCompareImmediate, R10, 0);
  misses.unless_equal();
  a.move(R8, kGuestEsp);
  misses.add(soft_address(a, false, kFrame));
  a.with_memory({.opcode = kStore, .wide = true}, R8, context_field(&Context::frame));
  a.load(R10, slot(kFlags));
  a.move(R11, R10);
  a.with_memory({.opcode = kXor}, R11, context_field(&Context::other_flags));
  arithmetic(a, kAnd, R11, kAsBefore);
  misses.unless_equal();
  a.load(R11, context_field(&Context::other_flags));
  arithmetic(a, kAnd, R11, eflags::NT | eflags::AC);
  misses.unless_equal();
  arithmetic(a, kAnd, R10, eflags::IF);
  const u64 closed = a.jump_if(kEqual);
  a.load(R10, context_field(&Context::interrupt_waiting));
  arithmetic(a, kCompareImmediate, R10, 0);
  misses.unless_equal();
  a.bind(closed);
  check_table(a, misses);
  check_selector(kCs, offsetof(Transition, code_selector));
  check_raw(a, misses, offsetof(Transition, linear), offsetof(Transition, descriptor));
  const u64 inner = unless_outer();
  check_selector(kSs, offsetof(Transition, stack_selector));
  check_raw(a, misses, offsetof(Transition, stack_linear), offsetof(Transition, stack_descriptor));
  a.move(R10, 1);
  for (const unsigned name : {ES, DS, FS, GS}) {
    HostAddress outer = context_field(&Context::segment_outer);
    outer.displacement += 4 * name;
    a.with_memory({.opcode = kAndMemory}, R10, outer);
  }
  misses.add(a.jump_if(kEqual));
  a.bind(inner);
  check_doubt(a, misses);

  a.load_wide(R8, context_field(&Context::frame));
  a.load(R10, slot(kFlags));
  arithmetic(a, kAnd, R10, eflags::IF);
  a.store(context_field(&Context::interrupt_flag), R10);
  a.store(context_field(&Context::flag_before_sti), eflags::IF);
  install_segment(a, CS, offsetof(Transition, code_selector));
  const u64 same_stack = unless_outer();
  install_segment(a, SS, offsetof(Transition, stack_selector));
  a.load(kGuestEsp, slot(kEsp));
  const u64 over = a.jump();
  a.bind(same_stack);
  a.address(kGuestEsp, {.base = kGuestEsp, .displacement = kEsp});
  a.bind(over);
  install_privilege(a, thunks);
  a.load(R9, slot(kEip));
  a.load(R8, slot(kFlags));
  load_flags(a);
  a.with_register({.opcode = kLoad, .wide = true}, RAX, R15);
  a.move(R8, R9);
  a.move(R9, 0);
  return_in_other_mode(a);
  misses.finish();
}

}  // namespace

void emit_transition_thunks(Assembler& a, Thunks& thunks) {
  emit_load_segment(a, thunks);
  emit_verify_segment(a, thunks);
  emit_change_privilege(a, thunks, thunks.sysenter, true);
  emit_change_privilege(a, thunks, thunks.sysexit, false);
  emit_iret(a, thunks);
}

}  // namespace penumbra
