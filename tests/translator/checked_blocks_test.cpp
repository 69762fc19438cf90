// Pages of code that are written to often: their blocks compare their bytes, and the writes are trapped no more.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"
#include "translator/written_pages.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kFunction = kCode + 0x1000;
// Before it, its page is written to: blocks that check themselves from the first write on.
constexpr u32 kNowhere = kFunction + 0xF00;

struct CheckedCpu : TranslatedCpu {
  explicit CheckedCpu(bool lockstep = false, u32 promote = 0) : TranslatedCpu("p4", options(lockstep, promote)) {}
  static TranslatorOptions options(bool lockstep, u32 promote) {
    TranslatorOptions made = default_options();
    made.promote_after = promote;
    made.check_after = 1;
    made.lockstep = lockstep;
    return made;
  }
  const TranslatorCounters& counters() const { return translated.translator->counters(); }
};

template <class Do>
void each_way(Do what) {
  for (const bool lockstep : {false, true})
    for (const u32 promote : {0u, 3u}) {
      CAPTURE(lockstep);
      CAPTURE(promote);
      CheckedCpu rig(lockstep, promote);
      what(rig);
    }
}

TEST_CASE("once its blocks check themselves, writes to a page are trapped no more") {
  CheckedCpu rig;
  rig.load(kFunction, {0x83, 0xC3, 0x01, 0xC3});  // add ebx, 1; ret
  GuestCode code;
  code.mov(ECX, 1000);
  const u32 top = code.size();
  code.call(kCode, kFunction);
  code({0xFE, 0x05}).dword(kFunction + 2);     // inc byte [the immediate]
  code({0xFF, 0x05}).dword(kFunction + 0x80);  // inc dword [data beside it]
  code({0x49, 0x75, static_cast<int>(top - (code.size() + 3))}).hlt();
  CHECK(rig.run_code(code) == "");
  u32 sum = 0;
  for (u32 n = 0; n < 1000; ++n) sum += static_cast<u32>(static_cast<i8>(1 + n));
  CHECK(rig.reg(EBX) == sum);
  CHECK(rig.counters().checked_pages == 1);
  CHECK(rig.counters().soft_accesses < 10);
  CHECK(rig.counters().stale < 10);
  CHECK(rig.counters().blocks < 40);
}

TEST_CASE("every instruction whose immediate is read where it stands") {
  std::vector<GuestCode> forms;
  for (int operation = 0; operation < 8; ++operation) {
    forms.push_back({operation << 3 | 4, 0});                                // al, imm8
    forms.push_back({operation << 3 | 5, 0, 0, 0, 0});                       // eax, imm32
    forms.push_back({0x66, operation << 3 | 5, 0, 0});                       // ax, imm16
    forms.push_back({0x80, 0xC3 | operation << 3, 0});                       // bl
    forms.push_back({0x80, 0xC7 | operation << 3, 0});                       // bh: not read
    forms.push_back({0x81, 0xC6 | operation << 3, 0, 0, 0, 0});              // esi
    forms.push_back({0x66, 0x81, 0xC6 | operation << 3, 0, 0});              // si
    forms.push_back({0x83, 0xC7 | operation << 3, 0});                       // edi, sign-extended
    forms.push_back({0x66, 0x83, 0xC7 | operation << 3, 0});                 // di
    forms.push_back({0x81, 0x05 | operation << 3, 0, 0, 3, 0, 0, 0, 0, 0});  // [kData]: not read
  }
  for (const int reg : {0, 1, 3, 5, 7}) {
    forms.push_back({0xB0 | reg, 0});
    forms.push_back({0xB8 | reg, 0, 0, 0, 0});
    forms.push_back({0x66, 0xB8 | reg, 0, 0});
    forms.push_back({0xC6, 0xC0 | reg, 0});
    forms.push_back({0xC7, 0xC0 | reg, 0, 0, 0, 0});
    forms.push_back({0xF6, 0xC0 | reg, 0});
    forms.push_back({0xF7, 0xC0 | reg, 0, 0, 0, 0});
    forms.push_back({0x66, 0xF7, 0xC8 | reg, 0, 0});
  }
  forms.push_back({0xA8, 0});
  forms.push_back({0xA9, 0, 0, 0, 0});
  forms.push_back({0x66, 0xA9, 0, 0});
  forms.push_back({0x6A, 0, 0x5B});  // push; pop ebx
  for (const GuestCode& form : forms) {
    CheckedCpu rig;
    CAPTURE(form.bytes()[0]);
    CAPTURE(form.bytes()[1]);
    const u32 last = form.size() - (form.bytes()[0] == 0x6A ? 2 : 1);
    rig.load(kFunction, GuestCode(form)({0xC3}));
    GuestCode code;
    code.poke(kNowhere, 1).mov(EDX, 0x81).mov(EBX, 0x1234'80FF);
    const u32 top = code.size();
    code({0xF9}).call(kCode, kFunction)({0x9F, 0x11, 0xC5});  // stc; call; lahf; adc ebp, eax
    code({0x80, 0x05}).dword(kFunction + last)({0x27});       // add byte [last], 27h
    code({0x4A, 0x75, static_cast<int>(top - (code.size() + 3))}).hlt();
    CHECK(rig.run_code(code) == "");
  }
}

TEST_CASE("an immediate at the page's end, where no dword can be read") {
  each_way([](CheckedCpu& rig) {
    rig.load(kFunction + 0xFFC, {0xB3, 0x01, 0xB7, 0x02});  // mov bl, 1; mov bh, 2
    rig.load(kFunction + 0x1000, {0xC3});
    GuestCode code;
    code.poke(kNowhere, 1);
    for (int n = 0; n < 5; ++n)
      code.call(kCode, kFunction + 0xFFC)({0x01, 0xDD}).poke_byte(kFunction + 0xFFD, static_cast<u8>(n));
    CHECK(rig.run_code(code.hlt()) == "");
  });
}

TEST_CASE("an instruction that writes is the last of its block") {
  each_way([](CheckedCpu& rig) {
    // mov dword [...], ...: over the instructions behind it, then inc eax four times
    GuestCode function;
    function.poke(kFunction + 10, 0x4343'4343)({0x40, 0x40, 0x40, 0x40, 0xC3});
    rig.load(kFunction, function);
    GuestCode code;
    code.poke(kNowhere, 1).call(kCode, kFunction).poke(kFunction + 10, 0x4141'4141).call(kCode, kFunction).hlt();
    CHECK(rig.run_code(code) == "");
    CHECK(rig.reg(EAX) == 0);
    CHECK(rig.reg(EBX) == 8);
  });
}

TEST_CASE("other instructions in place of the block's, shorter and longer") {
  each_way([](CheckedCpu& rig) {
    rig.load(kFunction, {0x40, 0x40, 0x40, 0xC3});
    GuestCode code;
    code.poke(kNowhere, 1).call(kCode, kFunction).poke(kFunction, 0x90C3'4340).call(kCode, kFunction);
    code.poke(kFunction, 0xC310'C383).call(kCode, kFunction).hlt();  // add ebx, 10h; ret
    CHECK(rig.run_code(code) == "");
    CHECK(rig.reg(EAX) == 4);
    CHECK(rig.reg(EBX) == 0x11);
  });
}

TEST_CASE("REP STOSB over itself: what is left of it is one NOP after another") {
  each_way([](CheckedCpu& rig) {
    GuestCode function;
    function.mov(EDI, kFunction + 15).mov(ECX, 6).mov(EAX, 0x90)({0xF3, 0xAA, 0x0F, 0x0B, 0x0F, 0x0B, 0xC3});
    rig.load(kFunction, function);
    CHECK(rig.run_code(GuestCode().poke(kNowhere, 1).call(kCode, kFunction).hlt()) == "");
  });
}

TEST_CASE("an instruction in two pages, of which one or both are written to often") {
  each_way([](CheckedCpu& rig) {
    for (const u32 second : {kFunction + 0x1000, kFunction}) {
      rig.load(second - 2, {0xB8, 0x11});
      rig.load(second, {0x22, 0x33, 0x44, 0xC3});
      GuestCode code;
      code.poke(kNowhere, 1).call(kCode, second - 2)({0x01, 0xC3});
      for (const u32 patch : {0xC344'3355, 0xC344'6622}) code.poke(second, patch).call(kCode, second - 2)({0x01, 0xC3});
      CHECK(rig.run_code(code.hlt()) == "");
      CHECK(rig.reg(EAX) == 0x4466'2211);
    }
  });
}

TEST_CASE("more blocks that check themselves than there are places for") {
  CheckedCpu rig;
  GuestCode function;
  for (u32 n = 0; n < 0xE00; ++n) function({0x40});
  rig.load(kFunction, function({0xC3}));
  rig.load(kFunction + 0x2000, function);
  GuestCode code;
  code.poke(kNowhere, 1).poke(kNowhere + 0x2000, 1);
  code.mov(ESI, kFunction).mov(ECX, 0xE00);
  const u32 top = code.size();
  code({0xFF, 0xD6, 0x8D, 0xBE, 0, 0x20, 0, 0, 0xFF, 0xD7,
        0x46});  // call esi; lea edi, [esi + 2000h]; call edi; inc esi
  code({0x49, 0x75, static_cast<int>(top - (code.size() + 3))}).hlt();
  CHECK(rig.run_code(code, 20'000'000) == "");
  CHECK(rig.counters().flushes > 0);
}

TEST_CASE("what a page is charged with") {
  WrittenPages pages(100);
  CHECK(!pages.checked(5, 0));
  CHECK(!pages.charge(5, 60, 1000));
  // A while later it counts anew.
  CHECK(!pages.charge(5, 60, 50'000'000));
  CHECK(pages.charge(5, 60, 50'000'001));
  CHECK(!pages.charge(5, 60, 50'000'002));  // it is already
  CHECK(pages.checked(5, 60'000'000));
  CHECK(!pages.checked(6, 60'000'000));
  pages.changed(5, 3'000'000'000);
  CHECK(pages.checked(5, 4'000'000'000));
  CHECK(!pages.checked(5, 6'000'000'000));
  CHECK(!pages.checked(5, 6'000'000'000));
  CHECK(!pages.immediate(0x1234));
  CHECK(pages.read_immediate(0x1234, 1));
  CHECK(pages.read_immediate(0x1234, 1));
  CHECK(!pages.read_immediate(0x1238, 1));
  CHECK(pages.immediate(0x1234) == 0);
  pages.forget_immediates();
  CHECK(!pages.immediate(0x1234));
  CHECK(pages.read_immediate(0x1238, 1));
}

}  // namespace
}  // namespace penumbra
