// An instruction that begins in a global page and ends in one that is not was kept through CR3 writes as if both were
// global, so that it still ran with the old second half.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

TEST_CASE("an instruction in two pages goes when the second is remapped, though the first is global") {
  constexpr u32 kEdge = 0x0040'0000, kFirst = 0x60000, kSecond = 0x61000, kOther = 0x62000;
  TranslatedCpu rig;
  rig.each([](TestMachine& m) {
    m.cpu.cr4 |= cr4::PGE;
    m.cpu.state_changed();
  });
  rig.map(kEdge, kFirst, pte::All | pte::Global);
  rig.map(kEdge + 0x1000, kSecond, pte::All);
  // mov eax, imm32, whose immediate's upper three bytes lie in the second page; ret
  rig.load(kFirst + 0xFFE, GuestCode{0xB8, 0x11});
  rig.load(kSecond, GuestCode{0x22, 0x33, 0x44, 0xC3});
  rig.load(kOther, GuestCode{0x55, 0x66, 0x77, 0xC3});
  // call it; write CR3, with the second page's entry changed in between; call it again
  const u32 entry = rig.entry_of(kEdge + 0x1000);
  GuestCode code;
  code.call(kCode, kEdge + 0xFFE)({0x89, 0xC3});             // mov ebx, eax
  code({0xC7, 0x05}).dword(entry).dword(kOther | pte::All);  // mov dword [entry], ...
  code({0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8});                // mov eax, cr3; mov cr3, eax
  code.call(kCode, kEdge + 0xFFE).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 0x4433'2211);
  CHECK(rig.reg(EAX) == 0x7766'5511);
}

}  // namespace
}  // namespace penumbra
