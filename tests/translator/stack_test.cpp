// Stacks at the ends of the address space and of their pages, calls and returns that do not pair, and paired ones.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kEdge = 0x9000'0000, kLast = 0xFFFF'F000;
constexpr u32 kFrame = 0x60000, kOther = 0x62000;

struct StackRig : TranslatedCpu {
  StackRig() {
    map(kLast, kFrame, pte::All);
    map(0, kOther, pte::All);
    for (u32 n = 0; n < 0x1000; n += 4) store(kFrame + n, 0x4040'4040 + n), store(kOther + n, 0x5050'5050 + n);
    each([](TestMachine& m) { m.cpu.flush_tlb(); });
  }
  std::string with_stack(u32 esp, const GuestCode& code) {
    set(ESP, esp);
    set(EBP, esp);
    set(EAX, 0x1234'5678);
    set(EBX, kData);
    return run_code(code);
  }
};

// A fault's frame stands on the same stack, so that some of these end in a double fault and a shutdown.
bool alike(StackRig& rig, u32 esp, const GuestCode& code) {
  rig.each([](TestMachine& m) { m.cpu.shutdown = false; });
  rig.set(ESP, esp);
  rig.set(EBP, esp);
  rig.set(EAX, 0x1234'5678);
  rig.set(EBX, kData);
  rig.load(kCode, code);
  rig.start_at(kCode);
  const RunEnd a = rig.interpreted.run(1000), b = rig.translated.run(1000, TestMachine::long_enough(a));
  const std::string difference = rig.difference();
  CHECK(difference == "");
  CHECK(a == b);
  return a == b && difference.empty();
}

TEST_CASE("every stack instruction with ESP at the ends") {
  const GuestCode codes[] = {
      {0x50, 0xF4},                                      // push eax
      {0x54, 0xF4},                                      // push esp
      {0x6A, 0x85, 0xF4},                                // push -123
      {0x68, 0x78, 0x56, 0x34, 0x92, 0xF4},              // push imm32
      {0xFF, 0x33, 0xF4},                                // push [ebx]
      {0xFF, 0x34, 0x24, 0xF4},                          // push [esp]
      {0xFF, 0x74, 0x24, 0x04, 0xF4},                    // push [esp + 4]
      {0x58, 0xF4},                                      // pop eax
      {0x5C, 0xF4},                                      // pop esp
      {0x8F, 0x03, 0xF4},                                // pop [ebx]
      {0x8F, 0x04, 0x24, 0xF4},                          // pop [esp]
      {0x8F, 0x44, 0x24, 0x08, 0xF4},                    // pop [esp + 8]
      {0xC9, 0xF4},                                      // leave
      {0xC8, 0x10, 0x00, 0x00, 0xF4},                    // enter
      {0xC8, 0x10, 0x00, 0x02, 0xF4},                    // enter with a level
      {0x60, 0xF4},                                      // pusha
      {0x61, 0xF4},                                      // popa
      {0x9C, 0xF4},                                      // pushf
      {0x66, 0x50, 0xF4},                                // push ax
      {0x66, 0x58, 0xF4},                                // pop ax
      {0xE8, 0x01, 0x00, 0x00, 0x00, 0xF4, 0x90, 0xF4},  // call
      {0x89, 0x04, 0x24, 0xF4},                          // mov [esp], eax
      {0x8B, 0x45, 0xFE, 0xF4},                          // mov eax, [ebp - 2]
      {0x83, 0xC4, 0xFC, 0x50, 0x58, 0xF4},              // add esp, -4; push; pop
  };
  for (const GuestCode& code : codes) {
    StackRig rig;
    rig.compared_bytes = 0x80000;
    rig.audited = false;
    for (const u32 esp : {0u, 1u, 2u, 3u, 4u, 8u, 0x20u, 0xFFFF'FFFCu, 0xFFFF'FFFDu, 0xFFFF'FFFEu, 0xFFFF'FFFFu,
                          0xFFFF'FFF0u, 0xFFFF'F000u, 0xFFFF'F002u, 0x8000'0000u}) {
      CAPTURE(esp);
      CAPTURE(static_cast<int>(code.bytes()[0]));
      CHECK(alike(rig, esp, code));
    }
    rig.translated.translator->audit();
  }
}

TEST_CASE("a push at 0 goes to the end of the address space, and a pop there comes back to 0") {
  StackRig rig;
  CHECK(rig.with_stack(0, GuestCode{0x50, 0x5A}.hlt()) == "");  // push eax; pop edx
  CHECK(rig.dword(kFrame + 0xFFC) == 0x1234'5678);
  CHECK(rig.reg(EDX) == 0x1234'5678);
  CHECK(rig.reg(ESP) == 0);
  CHECK(rig.with_stack(0xFFFF'FFFC, GuestCode{0x58}.hlt()) == "");
  CHECK(rig.reg(ESP) == 0);
  CHECK(rig.reg(EAX) == 0x1234'5678);
}

TEST_CASE("a call into an unmapped stack page changes nothing but is repeated once the page is there") {
  TranslatedCpu rig;
  rig.map(kEdge + 0x1000, kFrame, pte::All);
  const u32 entry = rig.entry_of(kEdge);
  rig.become_user();
  // The handler runs on the kernel's stack, maps the page and returns.
  rig.load(kHandlers + 14 * 16, GuestCode().poke(entry, kOther | pte::All)({0x46, 0x83, 0xC4, 0x04, 0xCF}));
  rig.set(ESP, kEdge + 0x1000);
  GuestCode code;
  code.call(kCode, kCode + 0x100).leave();
  rig.load(kCode + 0x100, {0x43, 0xC3});
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(ESI) == 1);
  CHECK(rig.reg(EBX) == 1);
  CHECK(rig.dword(kOther + 0xFFC) == kCode + 5);
}

TEST_CASE("returns that no call belongs to, and calls that never return") {
  TranslatedCpu rig;
  // push target; ret
  GuestCode code{0x68};
  code.dword(kCode + 0x200)({0xC3});
  rig.load(kCode + 0x200, {0x43, 0xF4});
  for (unsigned n = 1; n < 5; ++n) {
    CHECK(rig.run_code(code) == "");
    CHECK(rig.reg(EBX) == n);
  }
  // Calls whose return address is thrown away, more than any stack of returns would hold: call +0; pop eax; loop.
  code = GuestCode().mov(ECX, 30'000)({0xE8, 0, 0, 0, 0, 0x58, 0xE2, 0xF8}).hlt();
  CHECK(rig.run_code(code, 2'000'000) == "");
  CHECK(rig.reg(EAX) == kCode + 10);
  // A function that returns to its caller's caller: add esp, 4; ret.
  code = GuestCode().mov(ECX, 1000);
  const u32 top = code.size();
  code.call(kCode, kCode + 0x300)({0xE2, static_cast<int>(top - (code.size() + 2))}).hlt();
  rig.load(kCode + 0x300, GuestCode().call(kCode + 0x300, kCode + 0x340)({0x0F, 0x0B}));
  rig.load(kCode + 0x340, {0x43, 0x83, 0xC4, 0x04, 0xC3});
  rig.set(EBX, 0);
  CHECK(rig.run_code(code, 2'000'000) == "");
  CHECK(rig.reg(EBX) == 1000);
  // And one that changes its return address: inc dword [esp]; ret, over one byte.
  code = GuestCode().mov(ECX, 1000);
  code.call(kCode, kCode + 0x380)({0xCC, 0xE2, static_cast<int>(top - (code.size() + 3))}).hlt();
  rig.load(kCode + 0x380, {0xFF, 0x04, 0x24, 0xC3});
  CHECK(rig.run_code(code, 2'000'000) == "");
  CHECK(rig.vector() == -1);
}

TEST_CASE("deep recursion, with and without arguments released by RET") {
  for (const bool release : {false, true}) {
    TranslatedCpu rig;
    // f: dec ecx; jz +n; [push ecx]; call f; inc ebx; ret
    GuestCode f{0x49, 0x74};
    if (release)
      f({0x06, 0x51})({0xE8}).dword(0u - 9)({0x43, 0xC2, 0x04, 0x00});
    else
      f({0x05})({0xE8}).dword(0u - 8)({0x43, 0xC3});
    // ESP far down in the mapped memory above the code: 3,000 frames of 8 bytes.
    rig.load(kCode + 0x400, f);
    rig.set(ESP, 0x30'0000);
    GuestCode code;
    code.mov(ECX, 3000);
    if (release) code({0x51});
    code.call(kCode, kCode + 0x400).hlt();
    CHECK(rig.run_code(code, 2'000'000) == "");
    CHECK(rig.reg(EBX) == 3000);
    if (!release) CHECK(rig.reg(ESP) == 0x30'0000);
  }
}

TEST_CASE("a call through the stack reads its target before it pushes") {
  TranslatedCpu rig;
  const u32 esp = rig.reg(ESP);
  rig.load(kCode + 0x200, {0x43, 0xC3});
  rig.store(esp - 4, kCode + 0x200);
  CHECK(rig.run_code(GuestCode{0xFF, 0x54, 0x24, 0xFC}.hlt()) == "");  // call [esp - 4], where it pushes
  CHECK(rig.reg(EBX) == 1);
  CHECK(rig.dword(esp - 4) == kCode + 4);
  rig.set(ESP, esp);
  rig.store(esp, kCode + 0x200);
  CHECK(rig.run_code(GuestCode{0xFF, 0x14, 0x24}.hlt()) == "");  // call [esp]
  CHECK(rig.reg(EBX) == 2);
}

TEST_CASE("the function called is another one after the page behind it has changed") {
  TranslatedCpu rig;
  constexpr u32 kFunction = kEdge;
  rig.map(kFunction, kFrame, pte::All);
  rig.load(kFrame, {0x43, 0xC3});
  // It remaps itself and the return goes to a caller that stands in the remapped page too.
  rig.load(kFrame + 0x100, GuestCode().call(kEdge + 0x100, kCode + 0x800)({0x43}).hlt());
  rig.load(kOther + 0x100, GuestCode().call(kEdge + 0x100, kCode + 0x800)({0x46}).hlt());
  GuestCode remap;
  remap.poke(rig.entry_of(kEdge), kOther | pte::All)({0x0F, 0x01, 0x3D}).dword(kEdge)({0xC3});
  rig.load(kCode + 0x800, remap);
  GuestCode code;
  code.call(kCode, kFunction).call(kCode, kFunction).jump(kCode, kEdge + 0x100);
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 2);
  CHECK(rig.reg(ESI) == 1);
}

}  // namespace
}  // namespace penumbra
