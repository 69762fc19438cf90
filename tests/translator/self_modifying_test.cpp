// Guests that write to code: whoever writes it, by whatever address, the old code does not run again.
#include <doctest/doctest.h>

#include "tests/support/canary_page.h"
#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

// inc eax / inc ebx, for a patch from one to the other
constexpr u8 kIncEax = 0x40, kIncEbx = 0x43;

TEST_CASE("a later instruction of the same block") {
  TranslatedCpu rig;
  GuestCode code;
  code.poke_byte(kCode + 8, kIncEbx)({0x90, kIncEax}).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EAX) == 0);
  CHECK(rig.reg(EBX) == 1);
}

TEST_CASE("the very next instruction, and the writing instruction itself") {
  TranslatedCpu rig;
  CHECK(rig.run_code(GuestCode().poke_byte(kCode + 7, kIncEbx)({kIncEax}).hlt()) == "");
  CHECK(rig.reg(EBX) == 1);
  // rep stosb over itself and what follows: one NOP after another up to the HLT.
  GuestCode code;
  code.mov(EDI, kCode + 17).mov(ECX, 4).mov(EAX, 0x90)({0xF3, 0xAA, 0x0F, 0x0B, 0x0F, 0x0B}).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(ECX) == 0);
  CHECK(rig.reg(EDI) == kCode + 21);
}

TEST_CASE("a block that has run, patched from another block of its page") {
  TranslatedCpu rig;
  constexpr u32 kFunction = kCode + 0x800;
  rig.load(kFunction, {kIncEax, 0xC3});
  GuestCode code;
  code.call(kCode, kFunction).call(kCode, kFunction).poke_byte(kFunction, kIncEbx).call(kCode, kFunction).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EAX) == 2);
  CHECK(rig.reg(EBX) == 1);
}

TEST_CASE("code of another page, linked and looked up before") {
  TranslatedCpu rig;
  constexpr u32 kFunction = kCode + 0x1000;
  rig.load(kFunction, {kIncEax, 0xC3});
  GuestCode code;
  // Twenty calls, then the patch, then twenty more.
  code.mov(ECX, 20);
  const u32 first = code.size();
  code.call(kCode, kFunction)({0xE2, static_cast<int>(first - (code.size() + 2))});
  code.poke_byte(kFunction, kIncEbx).mov(ECX, 20);
  const u32 second = code.size();
  code.call(kCode, kFunction)({0xE2, static_cast<int>(second - (code.size() + 2))}).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EAX) == 20);
  CHECK(rig.reg(EBX) == 20);
}

TEST_CASE("a write through another linear address of the page") {
  TranslatedCpu rig;
  constexpr u32 kFunction = kCode + 0x1000, kAlias = 0x9000'0000;
  rig.map(kAlias, kFunction, pte::All);
  rig.load(kFunction, {kIncEax, 0xC3});
  GuestCode code;
  // The alias is written to, and so mapped, before the page holds code.
  code.poke_byte(kAlias + 0x100, 1).call(kCode, kFunction).poke_byte(kAlias, kIncEbx).call(kCode, kFunction);
  code.poke_byte(kAlias + 1, 0xF4).call(kCode, kFunction).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EAX) == 1);
  CHECK(rig.reg(EBX) == 2);
  CHECK(rig.translated.cpu.eip == kFunction + 2);
}

TEST_CASE("code that runs at two linear addresses is patched for both") {
  TranslatedCpu rig;
  constexpr u32 kFunction = kCode + 0x1000, kAlias = 0x9000'0000;
  rig.map(kAlias, kFunction, pte::All);
  rig.load(kFunction, {kIncEax, 0xC3});
  GuestCode code;
  code.call(kCode, kFunction).call(kCode, kAlias).poke_byte(kFunction, kIncEbx).call(kCode, kFunction);
  code.call(kCode, kAlias).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EAX) == 2);
  CHECK(rig.reg(EBX) == 2);
}

TEST_CASE("a device writes, as DMA does") {
  TranslatedCpu rig;
  rig.load(kCode, {kIncEax, 0xF4});
  CHECK(rig.run_at(kCode) == "");
  rig.load(kCode, {kIncEbx, 0xF4});
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.reg(EAX) == 1);
  CHECK(rig.reg(EBX) == 1);
  // A transfer of several pages, ending in the first byte of the code.
  std::vector<u8> bytes(0x2001, 0x90);
  rig.load(kCode - 0x2000, bytes);
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.reg(EBX) == 1);
}

TEST_CASE("only the last byte of a block is written") {
  TranslatedCpu rig;
  // mov eax, imm32 as the last instruction before HLT: its last byte, then the HLT itself.
  GuestCode code;
  code.mov(EAX, 0x0011'2233).hlt()({0xF4});
  CHECK(rig.run_code(code) == "");
  rig.load(kCode + 4, {0x77});
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.reg(EAX) == 0x7711'2233);
  rig.load(kCode + 5, {kIncEbx});
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.reg(EBX) == 1);
  // And by the guest: a byte behind the block changes nothing.
  CHECK(rig.run_code(GuestCode().mov(EAX, 5).poke_byte(kCode + 4, 0).poke_byte(kCode + 13, 0x90).hlt()) == "");
}

TEST_CASE("a dword write that only touches the block's first byte") {
  TranslatedCpu rig;
  constexpr u32 kFunction = kCode + 0x103;
  rig.load(kFunction, {kIncEax, 0xC3});
  GuestCode code;
  code.call(kCode, kFunction).poke(kFunction - 3, 0x4390'9090).call(kCode, kFunction).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EAX) == 1);
  CHECK(rig.reg(EBX) == 1);
}

TEST_CASE("an instruction across the end of a page, patched in either page") {
  TranslatedCpu rig;
  constexpr u32 kSplit = kCode + 0x1FFD;
  // mov eax, imm32: three bytes here, two there.
  rig.load(kSplit, GuestCode().mov(EAX, 0x1111'1111)({0xC3}));
  GuestCode code;
  code.call(kCode, kSplit).poke_byte(kSplit + 1, 0x22).call(kCode, kSplit)({0x89, 0xC3});  // mov ebx, eax
  code.poke_byte(kSplit + 4, 0x33).call(kCode, kSplit)({0x89, 0xC6});                      // mov esi, eax
  code.poke_byte(kSplit, 0xB9).call(kCode, kSplit).hlt();                                  // mov ecx, imm32
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 0x1111'1122);
  CHECK(rig.reg(ESI) == 0x3311'1122);
  CHECK(rig.reg(ECX) == 0x3311'1122);
}

TEST_CASE("a write across a page's end into two pages of code") {
  TranslatedCpu rig;
  constexpr u32 kFirst = kCode + 0x1FFE, kSecond = kCode + 0x2000;
  rig.load(kFirst, {kIncEax, 0xC3, kIncEax, 0xC3});
  GuestCode code;
  code.call(kCode, kFirst).call(kCode, kSecond).poke(kFirst, 0xC343'C343).call(kCode, kFirst).call(kCode, kSecond);
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.reg(EAX) == 2);
  CHECK(rig.reg(EBX) == 2);
}

TEST_CASE("a loop that patches its own body at every turn") {
  TranslatedCpu rig;
  GuestCode code;
  code.mov(ECX, 200);
  const u32 top = code.size();
  code({0x81, 0xC3}).dword(0);                                    // add ebx, imm32
  code({0x83, 0x05}).dword(kCode + top + 2)({0x01});              // add dword [that imm32], 1
  code({0xE2, static_cast<int>(top - (code.size() + 2))}).hlt();  // loop
  CHECK(rig.run_code(code, 1'000'000) == "");
  CHECK(rig.reg(EBX) == 199 * 200 / 2);
  CHECK(rig.translated.translator->counters().invalidated > 0);
}

TEST_CASE("data beside code stays writable, and code made by a string instruction runs") {
  TranslatedCpu rig;
  GuestCode code;
  code.mov(ECX, 50).mov(EDI, kCode + 0x400).mov(EAX, kIncEbx)({0xF3, 0xAA, 0xC6, 0x07, 0xC3});  // 50 times inc; ret
  code.call(kCode, kCode + 0x400)({0xFF, 0x05}).dword(kCode + 0x800).hlt();                     // inc dword [data]
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 50);
  CHECK(rig.dword(kCode + 0x800) == 1);
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.reg(EBX) == 100);
}

TEST_CASE("code that is a page table entry too, changed by the walk for an access of the same block") {
  TranslatedCpu rig;
  // The table of 9000_0000h stands where the code does; entry 3 is the immediate of the last instruction.
  constexpr u32 kTarget = 0x9000'3004;
  rig.store(kDirectory + (kTarget >> 22) * 4, kCode | pte::All);
  GuestCode code;
  code({0x89, 0xD8, 0x89, 0x05}).dword(kTarget).nops(3).mov(ECX, kData | pte::All).hlt();  // mov eax, ebx; mov [], eax
  // What stands at that address in the host's own memory is none of the guest's business.
  constexpr u32 kValue = 0x1234'5678;
  const CanaryPage canary(kValue);
  rig.set(EBX, kValue);
  CHECK(rig.run_code(code) == "");
  CHECK(canary.whole());
  CHECK(rig.reg(ECX) == (kData | pte::All | pte::A | pte::D));
  CHECK(rig.dword(kData + 4) == kValue);
}

}  // namespace
}  // namespace penumbra
