// An IRET that set DF was learnt with what came behind it, code whose string instructions go down; the next one, with
// DF clear as it had been before, went there, too. Debian's installer lost its init where an interrupt had come to a
// memmove that goes down.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

TEST_CASE("IRET to code with DF set, then to code with DF clear") {
  constexpr u32 kKernel = kCode + 0x1000, kHandler = kHandlers + 16 * 3;
  for (const MmuKind mmu : {MmuKind::registers, MmuKind::soft, MmuKind::windows}) {
    TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .mmu = mmu, .promote_after = 0});
    rig.load(kKernel, GuestCode{0xFC, 0xEB, 0x00, 0x43, 0xCF});  // cld; jmp behind; inc ebx; iret
    GuestCode jump;
    rig.load(kHandler, jump.jump(kHandler, kKernel));
    rig.become_user();
    rig.set(ESI, kData + 0x100);
    rig.set(EDI, 3);
    rig.each([](TestMachine& m) { m.cpu.flags.rest |= eflags::DF; });
    const GuestCode traps{0xCC, 0xAC, 0x4F, 0x75, 0xFB};  // int3; lodsb; dec edi; jnz
    GuestCode user = traps;
    user({0xFC}).mov(EDI, 3);  // cld
    for (const u8 byte : traps.bytes()) user({byte});
    CHECK(rig.run_code(user.leave()) == "");
    CHECK(rig.reg(EBX) == 6);
    CHECK(rig.reg(ESI) == kData + 0x100);
  }
}

}  // namespace
}  // namespace penumbra
