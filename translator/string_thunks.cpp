// REP STOS and REP MOVS by the software TLB: as much as lies in one page of each operand at a time, which the host
// repeats.
#include "translator/thunk_parts.h"
#include "translator/thunks.h"

namespace penumbra {

namespace {

using namespace thunk_parts;

constexpr unsigned kAbove = 7, kNotAbove = 6;
// A longer run would be deaf to interrupts: the interpreter's, piece by piece.
constexpr u32 kMostElements = 1 << 16;

// In `to`, how many elements begin and end in the page of `linear`.
void elements_in_page(Assembler& a, Host to, Host linear, unsigned shift_count) {
  a.move(to, linear);
  arithmetic(a, kOrImmediate, to, ~kPageMask);
  a.with_register({.opcode = kGroup3}, kNegate, to);
  if (shift_count) shift(a, kShiftRight, to, shift_count);
}

void keep_smaller(Assembler& a, Host kept, Host other) {
  a.with_register({.opcode = kCompare}, kept, other);
  const u64 smaller = a.jump_if(kNotAbove);
  a.move(kept, other);
  a.bind(smaller);
}

// `shift_count`: of an element's size.
void emit_repeat(Assembler& a, const Thunks& thunks, u64& place, bool move, unsigned shift_count) {
  place = a.size();
  const HostAddress source = context_field(&Context::string_source);
  std::vector<u64> others;  // what is the interpreter's
  save_flags(a);
  a.move(RCX, RCX);  // clears the upper half
  arithmetic(a, kCompareImmediate, RCX, kMostElements);
  others.push_back(a.jump_if(kAbove));

  const u64 next = a.size();
  arithmetic(a, kCompareImmediate, RCX, 0);
  const u64 done = a.jump_if(kEqual);
  elements_in_page(a, R9, RDI, shift_count);
  if (move) {
    elements_in_page(a, R10, RSI, shift_count);
    keep_smaller(a, R9, R10);
  }
  keep_smaller(a, R9, RCX);
  // An element in two pages.
  arithmetic(a, kCompareImmediate, R9, 0);
  others.push_back(a.jump_if(kEqual));
  // The source first: what it faults for must not have marked the destination's page dirty.
  u64 unknown_source = 0;
  if (move) {
    a.move(R8, RSI);
    unknown_source = soft_address(a, false, 1);
    a.with_memory({.opcode = kStore, .wide = true}, R8, source);
  }
  a.move(R8, RDI);
  const u64 unknown_destination = soft_address(a, true, 1);
  a.move(R10, RCX);
  a.with_register({.opcode = kSubtract}, R10, R9);  // what is left
  a.move(RCX, R9);
  if (shift_count) shift(a, kShiftLeft, R9, shift_count);
  a.address(R11, {.base = RSI, .index = R9});
  a.address(R9, {.base = RDI, .index = R9});
  if (move) a.load_wide(RSI, source);
  a.with_register({.opcode = kLoad, .wide = true}, RDI, R8);
  restore_flags(a);
  a.byte(0xF3);
  if (shift_count == 1) a.byte(0x66);
  a.byte((move ? 0xA4 : 0xAA) | (shift_count ? 1 : 0));
  a.move(RDI, R9);
  if (move) a.move(RSI, R11);
  a.move(RCX, R10);
  save_flags(a);
  a.bind(a.jump(), next);

  a.bind(done);
  restore_flags(a);
  a.move(R9, 0);
  a.ret();
  for (const u64 other : others) a.bind(other);
  restore_flags(a);
  a.move(R9, 1);
  a.ret();
  a.bind(unknown_destination);
  restore_flags(a);
  leave_for_soft_miss(a, thunks.leave, true, 1);
  if (!move) return;
  a.bind(unknown_source);
  restore_flags(a);
  leave_for_soft_miss(a, thunks.leave, false, 1);
}

}  // namespace

void emit_string_thunks(Assembler& a, Thunks& thunks) {
  for (unsigned n = 0; n < 3; ++n) {
    emit_repeat(a, thunks, thunks.repeat_store[n], false, n);
    emit_repeat(a, thunks, thunks.repeat_move[n], true, n);
  }
}

}  // namespace penumbra
