// See LookupEntry for why a hit is a sum of 0.
#include "translator/look_up.h"

#include "core/cpu/cpu_state.h"
#include "translator/context.h"

namespace penumbra {

namespace {

// Tells them from the polls at the beginning of an instruction.
constexpr Host kPolled = R11;

}  // namespace

u64 emit_look_up(Assembler& a, Flow flow, Lookup kind) {
  constexpr u8 kGroup5[] = {0xFF};
  const Host linear = kind == Lookup::flat ? R8 : R11;
  if (kind == Lookup::based) {
    HostAddress base = context_field(&Context::segment_base);
    base.displacement += 4 * CS;
    a.load(R11, base);
    a.address(R11, {.base = R11, .index = R8});
  }
  a.move(R15, RCX);
  a.load_wide(R10, context_field(&Context::lookup));
  // As lookup_slot has it. A shift would change flags.
  a.move(R9, linear);
  a.swap_bytes(R9);
  a.address(R9, {.base = R9, .index = linear});
  a.zero_extend_word(R9, R9);
  a.address(R9, {.base = R9, .index = R9});  // entries are 16 bytes
  a.load(RCX, {.base = R10, .index = R9, .scale = 3});
  a.address(RCX, {.base = RCX, .index = linear});
  u64 found = a.jump_if_ecx_zero();
  const u64 elsewhere = kind == Lookup::based ? a.size() : 0;
  a.move(RCX, R15);
  const u64 unknown = a.jump();
  a.bind_short(found);
  if (kind == Lookup::based) {
    a.load(RCX, {.base = R10, .index = R9, .scale = 3, .displacement = 4});
    a.address(RCX, {.base = RCX, .index = R8});
    found = a.jump_if_ecx_zero();
    a.bind(a.jump(), elsewhere);
    a.bind_short(found);
  }
  a.move(RCX, R15);
  // Every loop that no backward direct branch closes comes by here.
  a.load(kPolled, {.base = kPoll});
  a.with_memory({.opcode = kGroup5}, flow == Flow::jump ? 4 : 2,
                {.base = R10, .index = R9, .scale = 3, .displacement = 8});
  return unknown;
}

bool is_look_up_poll(const u8* poll) { return (poll[2] >> 3 & 7) == (kPolled & 7); }

}  // namespace penumbra
