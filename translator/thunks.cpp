// System V AMD64 calling convention: RBX, RBP and R12 to R15 belong to the caller; the direction flag is clear.
#include "translator/thunks.h"

#include <fmt/format.h>

#include "core/base/check.h"
#include "core/cpu/cpu_state.h"
#include "mmu/soft_tlb.h"
#include "translator/assembler.h"
#include "translator/look_up.h"
#include "translator/thunk_parts.h"

namespace penumbra {

namespace {

using namespace thunk_parts;

constexpr u8 kPushFlags[] = {0x9C}, kPopMemory[] = {0x8F}, kJump[] = {0xFF}, kReturn[] = {0xC3},
             kCompareSmall[] = {0x83}, kFxGroup[] = {0x0F, 0xAE}, kFninit[] = {0xDB, 0xE3}, kXor[] = {0x33},
             kSignExtendWord[] = {0x0F, 0xBF};
constexpr Host kSaved[] = {RBX, RBP, R12, R13, R14, R15};
constexpr u64 kRoom = 8192;

// Jumps where the guest's FPU state is not the host's.
u64 unless_live(Assembler& a) {
  a.with_memory({.opcode = kCompareSmall}, 7, context_field(&Context::fpu_live));
  a.byte(0);
  return a.jump_if(kEqual);
}

HostAddress gpr(unsigned n) {
  HostAddress field = context_field(&Context::gpr);
  field.displacement += 4 * n;
  return field;
}

void emit_soft(Assembler& a, Thunks& thunks, bool write, unsigned size) {
  thunks.soft[write][size] = a.size();
  const u32 bytes = kSoftSizes[size];
  save_flags(a);
  const u64 miss = soft_address(a, write, bytes);
  restore_flags(a);
  a.ret();
  a.bind(miss);
  restore_flags(a);
  leave_for_soft_miss(a, thunks.leave, write, bytes);
}

void emit_push_flags(Assembler& a, Thunks& thunks) {
  thunks.push_flags = a.size();
  save_flags(a);
  a.move(R8, RAX);
  shift(a, kShiftRight, R8, 8);
  arithmetic(a, kAnd, R8, 0xFF);
  a.move(R10, RAX);
  arithmetic(a, kAnd, R10, 1);
  shift(a, kShiftLeft, R10, kOverflowBit);
  a.with_memory({.opcode = kOr}, R8, context_field(&Context::interrupt_flag));
  a.with_memory({.opcode = kOr}, R8, context_field(&Context::other_flags));
  arithmetic(a, kAnd, R8, ~(eflags::VM | eflags::RF));
  a.with_register({.opcode = kOr}, R8, R10);
  restore_flags(a);
  a.ret();
}

// What emitted code does not keep itself must be as it is; IF may change, unless an interrupt waits for that.
void emit_pop_flags(Assembler& a, u64& place, u32 kept) {
  constexpr u8 kTestRegister[] = {0xF7};
  place = a.size();
  save_flags(a);
  a.move(R9, R8);
  a.with_memory({.opcode = kXor}, R9, context_field(&Context::other_flags));
  arithmetic(a, kAnd, R9, kept);
  const u64 different = a.jump_if(kNotEqual);
  a.move(R9, R8);
  arithmetic(a, kAnd, R9, eflags::IF);
  const u64 closed = a.jump_if(kEqual);
  a.with_memory({.opcode = kTestRegister}, 0, context_field(&Context::interrupt_waiting));
  a.dword(~u32{0});
  const u64 waiting = a.jump_if(kNotEqual);
  a.bind(closed);
  a.store(context_field(&Context::interrupt_flag), R9);
  a.move(R9, 0);
  load_flags(a);
  a.with_register({.opcode = kLoad, .wide = true}, RAX, R15);
  a.ret();
  a.bind(different);
  a.bind(waiting);
  a.move(R9, 1);
  restore_flags(a);
  a.ret();
}

void emit_unit_of_bit(Assembler& a, u64& place, unsigned unit_bits) {
  place = a.size();
  const unsigned shift_count = unit_bits == 16 ? 4 : 5;
  save_flags(a);
  if (unit_bits == 16) a.with_register({.opcode = kSignExtendWord}, R9, R9);
  a.move(R10, R9);
  shift(a, kShiftRightSigned, R10, shift_count);
  a.address(R8, {.base = R8, .index = R10, .scale = static_cast<u8>(shift_count - 3)});
  arithmetic(a, kAnd, R9, unit_bits - 1);
  restore_flags(a);
  a.ret();
}

void emit_check_code(Assembler& a, Thunks& thunks) {
  constexpr u8 kAndFrom[] = {0x23}, kTest[] = {0x85};
  static_assert(sizeof(CodeCheck) == 32 && sizeof(CheckedChunk) == 16);
  thunks.check_code = a.size();
  save_flags(a);
  shift(a, kShiftLeft, R8, 5);
  HostAddress check = context_field(&Context::checks);
  check.index = R8;
  const auto field = [&](std::size_t offset) {
    HostAddress at = check;
    at.displacement += static_cast<u32>(offset);
    return at;
  };
  a.load_wide(R10, field(offsetof(CodeCheck, guest)));
  a.load_wide(R11, field(offsetof(CodeCheck, chunks)));
  a.load_wide(R9, field(offsetof(CodeCheck, count)));
  const u64 again = a.size();
  a.load_wide(R8, {.base = R10});
  a.with_memory({.opcode = kAndFrom, .wide = true}, R8, {.base = R11, .displacement = offsetof(CheckedChunk, mask)});
  a.with_memory({.opcode = kCompare, .wide = true}, R8,
                {.base = R11, .displacement = offsetof(CheckedChunk, expected)});
  const u64 stale = a.jump_if(kNotEqual);
  a.address_wide(R10, {.base = R10, .displacement = 8});
  a.address_wide(R11, {.base = R11, .displacement = sizeof(CheckedChunk)});
  a.address(R9, {.base = R9, .displacement = ~u32{0}});
  a.with_register({.opcode = kTest}, R9, R9);
  a.bind(a.jump_if(kNotEqual), again);
  restore_flags(a);
  a.ret();
  a.bind(stale);
  restore_flags(a);
  pop(a, R10);
  a.with_memory({.opcode = kStore, .wide = true}, R10, context_field(&Context::fault_code));
  a.store(context_field(&Context::reason), static_cast<u32>(ExitReason::stale));
  a.jump_to(static_cast<i64>(thunks.leave));
}

void emit_code_immediate(Assembler& a, Thunks& thunks) {
  thunks.code_immediate = a.size();
  HostAddress place = context_field(&Context::immediates);
  place.index = R8;
  place.scale = 3;
  a.load_wide(R11, place);
  a.load(R8, {.base = R11});
  a.ret();
}

// The guest address is in R8. The stack of returns is begun anew after a miss.
void look_up_or_leave(Assembler& a, const Thunks& thunks, Lookup kind) {
  a.bind(emit_look_up(a, Flow::jump, kind));
  a.store(context_field(&Context::eip), R8);
  a.jump_to(static_cast<i64>(thunks.leave_for[static_cast<unsigned>(ExitReason::lookup)]));
}

}  // namespace

void thunk_parts::leave_for_soft_miss(Assembler& a, u64 leave, bool write, u32 bytes) {
  pop(a, R10);
  a.with_memory({.opcode = kStore, .wide = true}, R10, context_field(&Context::fault_code));
  a.with_memory({.opcode = kStore, .wide = true}, R8, context_field(&Context::fault_address));
  a.store(context_field(&Context::fault_write), write);
  a.store(context_field(&Context::fault_bytes), bytes);
  a.store(context_field(&Context::reason), static_cast<u32>(ExitReason::soft_miss));
  a.jump_to(static_cast<i64>(leave));
}

u64 thunk_parts::soft_address(Assembler& a, bool write, u32 bytes) {
  const u32 tag = write ? offsetof(SoftTlb::Entry, write_tag) : offsetof(SoftTlb::Entry, read_tag);
  static_assert(SoftTlb::kEntries == 1 << 16 && sizeof(SoftTlb::Entry) == 16);
  a.load_wide(R11, context_field(&Context::soft_tlb));
  a.move(R10, R8);
  shift(a, kShiftRight, R10, kPageShift);
  a.zero_extend_word(R10, R10);
  a.address_wide(R10, {.base = R10, .index = R10});
  a.address_wide(R11, {.base = R11, .index = R10, .scale = 3});
  // The last byte's page must be the first one's: the tag is compared with the one, the entry chosen by the other.
  a.address(R10, {.base = R8, .displacement = bytes - 1});
  shift(a, kShiftRight, R10, kPageShift);
  a.with_memory({.opcode = kAdd}, R10, {.base = R11, .displacement = tag});
  const u64 miss = a.jump_if(kNotEqual);
  a.with_memory({.opcode = kAdd, .wide = true}, R8, {.base = R11, .displacement = offsetof(SoftTlb::Entry, addend)});
  return miss;
}

Thunks::SoftAccess Thunks::soft_access(u64 offset) const {
  for (const bool write : {false, true})
    for (unsigned n = 0; n < kSoftSizes.size(); ++n)
      if (soft[write][n] == offset) return {kSoftSizes[n], write};
  return {};
}

std::vector<Thunks::Named> Thunks::names() const {
  std::vector<Named> all{{0, "enter"}, {leave, "leave"}, {abandon, "abandon"}, {stray_return, "stray_return"}};
  constexpr std::array<std::string_view, kExitReasons> kReasons = {"link",  "look_up",   "poll", "interpret", "fpu",
                                                                   "fault", "soft_miss", "heat", "time",      "stale"};
  for (unsigned n = 0; n < kExitReasons; ++n) all.push_back({leave_for[n], fmt::format("leave_{}", kReasons[n])});
  all.push_back({look_up_exit[0], "look_up_exit_flat"});
  all.push_back({look_up[0], "look_up_flat"});
  all.push_back({look_up_exit[1], "look_up_exit_based"});
  all.push_back({look_up[1], "look_up_based"});
  for (const bool write : {false, true})
    for (unsigned n = 0; n < kSoftSizes.size(); ++n)
      all.push_back({soft[write][n], fmt::format("soft_{}_{}", write ? "write" : "read", kSoftSizes[n])});
  all.push_back({push_flags, "push_flags"});
  all.push_back({pop_flags, "pop_flags"});
  all.push_back({pop_word_flags, "pop_word_flags"});
  all.push_back({word_of_bit, "word_of_bit"});
  all.push_back({dword_of_bit, "dword_of_bit"});
  all.push_back({check_code, "check_code"});
  all.push_back({code_immediate, "code_immediate"});
  all.push_back({load_segment, "load_segment"});
  all.push_back({verify_segment, "verify_segment"});
  all.push_back({sysenter, "sysenter"});
  all.push_back({sysexit, "sysexit"});
  all.push_back({iret, "iret"});
  for (unsigned n = 0; n < repeat_store.size(); ++n)
    all.push_back({repeat_store[n], fmt::format("rep_stos_{}", 1 << n)});
  for (unsigned n = 0; n < repeat_move.size(); ++n) all.push_back({repeat_move[n], fmt::format("rep_movs_{}", 1 << n)});
  return all;
}

Thunks emit_thunks(CodeBuffer& buffer, bool changes_gs) {
  Thunks thunks;
  thunks.changes_gs = changes_gs;
  Assembler a(buffer.writable(0), kRoom);
  for (const Host r : kSaved) push(a, r);
  a.with_register({.opcode = kLoad, .wide = true}, kContext, RDI);
  a.with_memory({.opcode = kStore, .wide = true}, RSP, context_field(&Context::host_stack));
  const u64 no_fpu = unless_live(a);
  a.with_memory({.opcode = kFxGroup}, 1, context_field(&Context::fx));
  a.bind(no_fpu);
  a.load(R8, context_field(&Context::flags));
  load_flags(a);
  a.load_wide(RSP, context_field(&Context::entry_stack));
  for (unsigned n = 0; n < 8; ++n) a.load(host_register(n), gpr(n));
  a.load_wide(kPoll, context_field(&Context::poll));
  thunks.polling = a.size();
  a.with_memory({.opcode = kJump}, 4, context_field(&Context::resume));

  thunks.leave = a.size();
  for (unsigned n = 0; n < 8; ++n) a.store(gpr(n), host_register(n));
  // The stack of returns may be used up to its guard.
  a.with_memory({.opcode = kStore, .wide = true}, RSP, context_field(&Context::left_stack));
  a.load_wide(RSP, context_field(&Context::host_stack));
  a.bytes(kPushFlags);
  a.with_memory({.opcode = kPopMemory}, 0, context_field(&Context::flags));

  thunks.abandon = a.size();
  a.load_wide(RSP, context_field(&Context::host_stack));
  const u64 no_state = unless_live(a);
  a.with_memory({.opcode = kFxGroup}, 0, context_field(&Context::fx));
  a.bytes(kFninit);
  a.with_memory({.opcode = kFxGroup}, 2, context_field(&Context::host_mxcsr));
  a.bind(no_state);
  for (unsigned n = std::size(kSaved); n-- > 0;) pop(a, kSaved[n]);
  a.bytes(kReturn);

  for (unsigned reason = 0; reason < kExitReasons; ++reason) {
    thunks.leave_for[reason] = a.size();
    a.store(context_field(&Context::reason), reason);
    a.jump_to(static_cast<i64>(thunks.leave));
  }

  // The guest address is in R8. The entry that led here must be there again for the next one.
  thunks.stray_return = a.size();
  a.code_address(R9, thunks.stray_return);
  push(a, R9);
  look_up_or_leave(a, thunks, Lookup::based);
  for (const Lookup kind : {Lookup::flat, Lookup::based}) {
    thunks.look_up_exit[static_cast<unsigned>(kind)] = a.size();
    a.load(R8, context_field(&Context::eip));
    thunks.look_up[static_cast<unsigned>(kind)] = a.size();
    look_up_or_leave(a, thunks, kind);
  }

  for (const bool write : {false, true})
    for (unsigned n = 0; n < kSoftSizes.size(); ++n) emit_soft(a, thunks, write, n);
  emit_push_flags(a, thunks);
  constexpr u32 kKept = eflags::TF | eflags::DF | eflags::IOPL | eflags::NT;
  emit_pop_flags(a, thunks.pop_flags, kKept | eflags::AC | eflags::ID);
  emit_pop_flags(a, thunks.pop_word_flags, kKept);
  emit_unit_of_bit(a, thunks.word_of_bit, 16);
  emit_unit_of_bit(a, thunks.dword_of_bit, 32);
  emit_check_code(a, thunks);
  emit_code_immediate(a, thunks);
  emit_transition_thunks(a, thunks);
  emit_string_thunks(a, thunks);
  CHECK_THAT(!a.overflow());
  thunks.bytes = a.size();
  thunks.enter = reinterpret_cast<Thunks::Enter>(reinterpret_cast<u64>(buffer.code(0)));
  return thunks;
}

}  // namespace penumbra
