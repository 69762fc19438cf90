// A link between pages was cut in a block whose jump the guest had patched: the cut wrote over the dead block's entry,
// so that the old jump ran again. Debian's 686-pae kernel died of it.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kHigh = 0x9000'0000, kOne = 0x60000, kTwo = 0x61000;

TEST_CASE("a jump that was patched is not cut back to life when its old target's page changes") {
  constexpr u32 kCaller = kCode + 0x700, kStub = kCode + 0x800, kFurther = 0x100;
  TranslatedCpu rig;
  for (const u32 page : {kOne, kTwo}) {
    rig.load(page, {0x43, 0xC3});                         // inc ebx; ret
    rig.load(page + kFurther, {0x83, 0xC3, 0x10, 0xC3});  // add ebx, 10h; ret
  }
  rig.map(kHigh, kOne, pte::All);
  GuestCode caller, stub, code;
  rig.load(kCaller, caller.call(kCaller, kStub)({0xC3}));
  rig.load(kStub, stub.jump(kStub, kHigh));
  for (unsigned n = 0; n < 3; ++n) code.call(kCode, kCaller);
  code.poke(kStub + 1, kHigh + kFurther - (kStub + 5));
  code.poke(rig.entry_of(kHigh), kTwo | pte::All);
  code({0x0F, 0x01, 0x3D}).dword(kHigh);  // invlpg [kHigh]
  for (unsigned n = 0; n < 3; ++n) code.call(kCode, kCaller);
  code.hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 0x33);
}

}  // namespace
}  // namespace penumbra
