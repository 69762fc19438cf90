// Blocks go from the software TLB to the window when they are hot, and back when the window does not pay.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

// 500 times: load from `address`, add to EBX.
GuestCode loop_over(u32 address) {
  GuestCode code;
  code.mov(ECX, 500);
  const u32 loop = code.size();
  code({0x03, 0x1D}).dword(address)({0x49, 0x0F, 0x85}).dword(loop - (code.size() + 4));  // add ebx, [..]; dec; jnz
  return code.hlt();
}

TEST_CASE("a hot block becomes window code") {
  TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .promote_after = 20});
  rig.store(kData, 3);
  CHECK(rig.run_code(loop_over(kData)) == "");
  CHECK(rig.reg(EBX) == 1500);
  CHECK(rig.translated.translator->counters().promoted > 0);
  CHECK(rig.translated.translator->counters().demoted == 0);
}

TEST_CASE("a block whose accesses only the interpreter can make goes back to the software TLB") {
  // Behind RAM there is nothing: each read is the interpreter's.
  constexpr u32 kNothing = 0x0050'0000;
  TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .promote_after = 20});
  rig.map(kNothing, kRam + 0x10'0000, pte::All);
  CHECK(rig.run_code(loop_over(kNothing)) == "");
  CHECK(rig.translated.translator->counters().promoted > 0);
  CHECK(rig.translated.translator->counters().demoted > 0);
}

TEST_CASE("pages that the guest hands out one by one cost a block no window") {
  constexpr u32 kFresh = 0x9000'0000, kPages = 100;
  TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .promote_after = 20});
  for (u32 n = 0; n < kPages; ++n) rig.map(kFresh + n * kPageSize, 0x10'0000 + n * kPageSize, pte::All & ~pte::P);
  // push eax; mov eax, cr2; shr eax, 12; and eax, 3FFh; or [entries + eax * 4], P; pop eax; add esp, 4; iret
  GuestCode handler;
  handler({0x50, 0x0F, 0x20, 0xD0, 0xC1, 0xE8, 0x0C, 0x25}).dword(0x3FF)({0x83, 0x0C, 0x85});
  handler.dword(rig.entry_of(kFresh))({pte::P, 0x58, 0x83, 0xC4, 0x04, 0xCF});
  rig.load(kHandlers + 0x600, handler);
  rig.each([](TestMachine& m) { m.memory.store<u16>(PhysAddr(kIdt + 8 * 14), static_cast<u16>(kHandlers + 0x600)); });
  GuestCode code;
  code.mov(EDI, kFresh).mov(ECX, kPages);
  const u32 loop = code.size();
  code({0x8B, 0x07, 0x89, 0x0F, 0x81, 0xC7}).dword(kPageSize);  // mov eax, [edi]; mov [edi], ecx; add edi, 1000h
  code({0x49, 0x0F, 0x85}).dword(loop - (code.size() + 4));     // dec ecx; jnz
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.reg(EDI) == kFresh + kPages * kPageSize);
  CHECK(rig.translated.translator->counters().promoted > 0);
  CHECK(rig.translated.translator->counters().demoted == 0);
}

TEST_CASE("code segments of many lengths") {
  TranslatedCpu rig;
  rig.load(kCode, GuestCode{0x40}.hlt());  // inc eax
  u32 runs = 0;
  for (u32 round = 0; round < 3; ++round)
    for (u32 limit = kCode + 1; limit < kCode + 400; ++limit) {
      rig.each([&](TestMachine& m) {
        m.cpu.segment[CS].limit = limit;
        m.cpu.segment[CS].derive();
      });
      REQUIRE(rig.run_at(kCode).empty());
      ++runs;
    }
  CHECK(rig.reg(EAX) == runs);
}

}  // namespace
}  // namespace penumbra
