// System V AMD64 calling convention: RBX, RBP and R12 to R15 belong to the caller; the direction flag is clear.
#include "translator/thunks.h"

#include "core/base/check.h"
#include "translator/assembler.h"
#include "translator/look_up.h"

namespace penumbra {

namespace {

constexpr u8 kPushFlags[] = {0x9C}, kPopFlags[] = {0x9D}, kPushMemory[] = {0xFF}, kPopMemory[] = {0x8F},
             kStore[] = {0x89}, kLoad[] = {0x8B}, kJump[] = {0xFF}, kReturn[] = {0xC3}, kCompare[] = {0x83},
             kFxGroup[] = {0x0F, 0xAE}, kFninit[] = {0xDB, 0xE3};
constexpr Host kSaved[] = {RBX, RBP, R12, R13, R14, R15};

void push(Assembler& a, Host r) {
  if (r & 8) a.byte(0x41);
  a.byte(0x50 | (r & 7));
}
void pop(Assembler& a, Host r) {
  if (r & 8) a.byte(0x41);
  a.byte(0x58 | (r & 7));
}

// Jumps where the guest's FPU state is not the host's.
u64 unless_live(Assembler& a) {
  a.with_memory({.opcode = kCompare}, 7, context_field(&Context::fpu_live));
  a.byte(0);
  constexpr unsigned kEqual = 4;
  return a.jump_if(kEqual);
}

HostAddress gpr(unsigned n) {
  HostAddress field = context_field(&Context::gpr);
  field.displacement += 4 * n;
  return field;
}

}  // namespace

Thunks emit_thunks(CodeBuffer& buffer) {
  Thunks thunks;
  Assembler a(buffer.writable(0), 4096);
  for (const Host r : kSaved) push(a, r);
  a.with_register({.opcode = kLoad, .wide = true}, kContext, RDI);
  a.with_memory({.opcode = kStore, .wide = true}, RSP, context_field(&Context::host_stack));
  const u64 no_fpu = unless_live(a);
  a.with_memory({.opcode = kFxGroup}, 1, context_field(&Context::fx));
  a.bind(no_fpu);
  a.with_memory({.opcode = kPushMemory}, 6, context_field(&Context::flags));
  a.bytes(kPopFlags);
  a.load(kPolls, context_field(&Context::polls));
  a.load_wide(RSP, context_field(&Context::return_stack));
  for (unsigned n = 0; n < 8; ++n) a.load(host_register(n), gpr(n));
  a.with_memory({.opcode = kJump}, 4, context_field(&Context::resume));

  thunks.leave = a.size();
  for (unsigned n = 0; n < 8; ++n) a.store(gpr(n), host_register(n));
  a.store(context_field(&Context::polls), kPolls);
  // The stack of returns may be used up to its guard.
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

  // The guest address is in R8. The entry that led here must be there again for the next one.
  thunks.stray_return = a.size();
  a.code_address(R9, thunks.stray_return);
  push(a, R9);
  for (const u64 place : emit_look_up(a, Flow::jump)) {
    const u64 over = a.jump();
    a.bind(place);
    a.store(context_field(&Context::eip), R8);
    a.store(context_field(&Context::reason), static_cast<u32>(ExitReason::lookup));
    a.jump_to(static_cast<i64>(thunks.leave));
    a.bind(over);
  }
  CHECK_THAT(!a.overflow());
  thunks.bytes = a.size();
  thunks.enter = reinterpret_cast<Thunks::Enter>(reinterpret_cast<u64>(buffer.code(0)));
  return thunks;
}

}  // namespace penumbra
