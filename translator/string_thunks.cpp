// REP STOS and REP MOVS by the software TLB: the pages are asked once, the host repeats.
#include "translator/thunk_parts.h"
#include "translator/thunks.h"

namespace penumbra {

namespace {

using namespace thunk_parts;

// `shift_count`: of an element's size.
void emit_repeat(Assembler& a, const Thunks& thunks, u64& place, bool move, unsigned shift_count) {
  place = a.size();
  constexpr unsigned kAbove = 7;
  const HostAddress source = context_field(&Context::string_source);
  std::vector<u64> others;  // what is the interpreter's: no element, or pages crossed
  save_flags(a);
  // The bytes, in R9. More elements than a page has must not overflow.
  a.move(RCX, RCX);  // clears the upper half
  a.move(R9, RCX);
  arithmetic(a, kCompareImmediate, R9, 0);
  others.push_back(a.jump_if(kEqual));
  arithmetic(a, kCompareImmediate, R9, kPageSize);
  others.push_back(a.jump_if(kAbove));
  if (shift_count) shift(a, kShiftLeft, R9, shift_count);
  const auto host_address = [&](Host linear, bool write) {
    a.move(R8, linear);
    a.move(R10, R8);
    arithmetic(a, kAnd, R10, kPageMask);
    a.address(R10, {.base = R10, .index = R9});
    arithmetic(a, kCompareImmediate, R10, kPageSize);
    others.push_back(a.jump_if(kAbove));
    return soft_address(a, write, 1);
  };
  // The source first: what it faults for must not have marked the destination's page dirty.
  u64 unknown_source = 0;
  if (move) {
    unknown_source = host_address(RSI, false);
    a.with_memory({.opcode = kStore, .wide = true}, R8, source);
  }
  const u64 unknown_destination = host_address(RDI, true);
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
