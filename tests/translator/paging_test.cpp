// Page tables that change under translated code and its windows.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kHigh = 0x9000'0000;
constexpr u32 kOne = 0x60000, kTwo = 0x61000;

// mov eax, value; ret
GuestCode answer(u32 value) { return GuestCode().mov(EAX, value)({0xC3}); }
// call eax, with eax = kHigh; then add ebx, eax
void call_high(GuestCode& code) { code.mov(EAX, kHigh)({0xFF, 0xD0, 0x01, 0xC3}); }
void invlpg(GuestCode& code, u32 linear) { code({0x0F, 0x01, 0x3D}).dword(linear); }
void reload_cr3(GuestCode& code) { code({0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8}); }  // mov eax, cr3; mov cr3, eax

TEST_CASE("code remapped, then INVLPG or a CR3 write: the old code does not run") {
  for (const bool by_cr3 : {false, true})
    for (const u32 global : {0u, pte::Global}) {
      TranslatedCpu rig;
      if (global) rig.each([](TestMachine& m) { m.cpu.cr4 |= cr4::PGE; });
      rig.load(kOne, answer(1));
      rig.load(kTwo, answer(0x100));
      rig.map(kHigh, kOne, pte::All | global);
      GuestCode code;
      for (unsigned n = 0; n < 3; ++n) call_high(code);
      code.poke(rig.entry_of(kHigh), kTwo | pte::All);
      if (by_cr3)
        reload_cr3(code);
      else
        invlpg(code, kHigh);
      for (unsigned n = 0; n < 3; ++n) call_high(code);
      code.hlt();
      CAPTURE(by_cr3);
      CAPTURE(global);
      CHECK(rig.run_code(code) == "");
      // A global page stays through the CR3 write (SDM 3A 4.10.2.4).
      CHECK(rig.reg(EBX) == (by_cr3 && global ? 6 : 0x303));
    }
}

TEST_CASE("code that remaps its own page and invalidates it goes on in the new page") {
  TranslatedCpu rig;
  rig.map(kHigh, kOne, pte::All);
  const u32 entry = rig.entry_of(kHigh);
  GuestCode code;
  code.poke(entry, kTwo | pte::All);
  invlpg(code, kHigh);
  const u32 after = code.size();
  code({0x40}).hlt();  // inc eax, which must not run
  rig.load(kOne, code);
  rig.load(kTwo + after, {0x43, 0xF4});  // inc ebx
  CHECK(rig.run_at(kHigh) == "");
  CHECK(rig.reg(EAX) == 0);
  CHECK(rig.reg(EBX) == 1);
}

TEST_CASE("direct branches to a page that changes more often than their links are made anew") {
  constexpr u32 kRounds = 600;
  // How the caller gets to kHigh: jmp, call, or jc with CF set; both answers come back by jumps or a RET.
  enum class By { jump, call, condition };
  for (const By by : {By::jump, By::call, By::condition})
    for (const bool by_cr3 : {false, true}) {
      TranslatedCpu rig;
      GuestCode code;
      code.mov(ECX, kRounds);
      const u32 loop = code.size();
      switch (by) {
        case By::jump: code.jump(kCode, kHigh); break;
        case By::call: code.call(kCode, kHigh); break;
        case By::condition: code({0xF9, 0x0F}).branch(0x82, kCode, kHigh); break;
      }
      const u32 back = code.size();
      // xor dword [entry], kOne ^ kTwo
      code({0x81, 0x35}).dword(rig.entry_of(kHigh)).dword(kOne ^ kTwo);
      by_cr3 ? reload_cr3(code) : invlpg(code, kHigh);
      code({0x49, 0x0F}).branch(0x85, kCode, kCode + loop).hlt();  // dec ecx; jnz
      const auto answer = [&](u32 step) {
        GuestCode a;
        a({0x81, 0xC3}).dword(step);  // add ebx, step
        return by == By::call ? a({0xC3}) : a.jump(kHigh, kCode + back);
      };
      rig.load(kOne, answer(1));
      rig.load(kTwo, answer(0x100));
      rig.map(kHigh, kOne, pte::All);
      CAPTURE(static_cast<int>(by));
      CAPTURE(by_cr3);
      CHECK(rig.run_code(code) == "");
      CHECK(rig.reg(EBX) == kRounds / 2 * 0x101);
    }
}

TEST_CASE("another page directory with other code at the same address") {
  TranslatedCpu rig;
  constexpr u32 kOtherDirectory = 0x70000, kOtherTable = 0x71000;
  rig.load(kOne, answer(1));
  rig.load(kTwo, answer(0x100));
  rig.map(kHigh, kOne, pte::All);
  rig.store(kOtherDirectory, rig.interpreted.memory.load<u32>(PhysAddr(kDirectory)));
  rig.store(kOtherDirectory + (kHigh >> 22) * 4, kOtherTable | pte::All);
  rig.store(kOtherTable, kTwo | pte::All);
  GuestCode code;
  const auto switch_to = [&](u32 directory) { code.mov(EDX, directory)({0x0F, 0x22, 0xDA}); };
  for (unsigned n = 0; n < 4; ++n) {
    call_high(code);
    switch_to(n & 1 ? kDirectory : kOtherDirectory);
  }
  code.hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 0x202);
}

TEST_CASE("data remapped, then INVLPG or a CR3 write: loads and stores go to the new page") {
  for (const bool by_cr3 : {false, true}) {
    TranslatedCpu rig;
    rig.map(kHigh, kOne, pte::All);
    rig.store(kOne, 11);
    rig.store(kTwo, 22);
    GuestCode code;
    code({0xA1}).dword(kHigh)({0xFF, 0x05}).dword(kHigh)({0x89, 0xC6});  // mov eax, []; inc []; mov esi, eax
    code.poke(rig.entry_of(kHigh), kTwo | pte::All);
    if (by_cr3)
      reload_cr3(code);
    else
      invlpg(code, kHigh + 0xFFF);
    code({0xA1}).dword(kHigh)({0xFF, 0x05}).dword(kHigh)({0x89, 0xC7}).hlt();
    CHECK(rig.run_code(code) == "");
    CHECK(rig.reg(ESI) == 11);
    CHECK(rig.reg(EDI) == 22);
    CHECK(rig.dword(kOne) == 12);
    CHECK(rig.dword(kTwo) == 23);
  }
}

TEST_CASE("a large page: all of it is mapped, and INVLPG of any address drops all of it") {
  TranslatedCpu rig;
  const u32 directory_entry = kDirectory + (kHigh >> 22) * 4;
  rig.store(directory_entry, 0x40'0000 | pte::All | pte::Large);
  rig.store(0x40'0000, 1);
  rig.store(0x7F'FFFC, 2);
  GuestCode code;
  code({0xA1}).dword(kHigh)({0x03, 0x05}).dword(kHigh + 0x3F'FFFC)({0x89, 0xC6});  // mov, add, mov esi, eax
  code.poke(kHigh + 0x1234, 0xABCD);
  code.poke(directory_entry, 0 | pte::All | pte::Large);
  invlpg(code, kHigh + 0x20'0000);
  code({0xA1}).dword(kHigh + kData).poke(kHigh + kData + 4, 0x5678).hlt();
  rig.store(kData, 0x77);
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(ESI) == 3);
  CHECK(rig.reg(EAX) == 0x77);
  CHECK(rig.dword(0x40'1234) == 0xABCD);
  CHECK(rig.dword(kData + 4) == 0x5678);
}

TEST_CASE("accessed and dirty bits appear when the interpreter sets them") {
  TranslatedCpu rig;
  rig.map(kHigh, kOne, pte::All);
  const u32 entry = rig.entry_of(kHigh);
  CHECK(rig.run_code(GuestCode{0xA1}.dword(kHigh).hlt()) == "");
  CHECK(rig.dword(entry) == (kOne | pte::All | pte::A));
  CHECK(rig.run_code(GuestCode().poke(kHigh, 1).hlt()) == "");
  CHECK(rig.dword(entry) == (kOne | pte::All | pte::A | pte::D));
  // Cleared with INVLPG, they come again with the next read and the next write.
  GuestCode code;
  code.poke(entry, kOne | pte::All);
  invlpg(code, kHigh);
  code({0xA1}).dword(kHigh)({0x8B, 0x1D}).dword(entry).poke(kHigh, 2)({0x8B, 0x35}).dword(entry).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == (kOne | pte::All | pte::A));
  CHECK(rig.reg(ESI) == (kOne | pte::All | pte::A | pte::D));
  // A large page's stand in the directory.
  const u32 large = kDirectory + (0xA000'0000u >> 22) * 4;
  rig.store(large, 0x40'0000 | pte::All | pte::Large);
  CHECK(rig.run_code(GuestCode{0xA1}.dword(0xA000'0000)({0x8B, 0x1D}).dword(large).poke(0xA000'5000, 1).hlt()) == "");
  CHECK(rig.reg(EBX) == (0x40'0000 | pte::All | pte::Large | pte::A));
  CHECK(rig.dword(large) == (0x40'0000 | pte::All | pte::Large | pte::A | pte::D));
}

TEST_CASE("neighbours mapped along with a page: only used ones, and only dirty ones to write to") {
  TranslatedCpu rig;
  const u32 used = pte::All | pte::A;
  const u32 bits[] = {used | pte::D, pte::All, used, used | pte::D};
  for (u32 page = 0; page < 4; ++page) rig.map(kHigh + page * kPageSize, kOne + page * kPageSize, bits[page]);
  // The first and the last, whose use shows nowhere.
  CHECK(rig.run_code(GuestCode{0xA1}.dword(kHigh).poke(kHigh + 0x3000, 5)({0xA1}).dword(kHigh + 0x3000).hlt()) == "");
  CHECK(rig.reg(EAX) == 5);
  CHECK(rig.translated.translator->counters().hidden_faults <= 1);
  // The interpreter sets the same bits for the others, or there is a difference.
  CHECK(rig.run_code(GuestCode{0xA1}.dword(kHigh)({0xA1}).dword(kHigh + 0x1000).poke(kHigh + 0x2000, 6).hlt()) == "");
  CHECK(rig.dword(rig.entry_of(kHigh + 0x1000)) == (kTwo | used));
  CHECK(rig.dword(rig.entry_of(kHigh + 0x2000)) == ((kOne + 0x2000) | used | pte::D));
}

TEST_CASE("CR0.WP: the supervisor writes to read-only pages until it is set") {
  TranslatedCpu rig;
  rig.map(kHigh, kOne, pte::P | pte::U);
  GuestCode code;
  code.poke(kHigh, 1)({0x0F, 0x20, 0xC0, 0x0D}).dword(cr0::WP)({0x0F, 0x22, 0xC0});  // or eax; mov cr0, eax
  code({0x8B, 0x1D}).dword(kHigh).poke(kHigh, 2).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.vector() == 14);
  CHECK(rig.reg(EBX) == 1);
  CHECK(rig.dword(kOne) == 1);
  CHECK(rig.translated.cpu.cr2 == kHigh);
  CHECK(rig.dword(rig.reg(ESP)) == (pf::P | pf::W));
  // Cleared again, it writes again.
  CHECK(rig.run_code(GuestCode{0x0F, 0x20, 0xC0, 0x25}.dword(~cr0::WP)({0x0F, 0x22, 0xC0}).poke(kHigh, 3).hlt()) == "");
  CHECK(rig.dword(kOne) == 3);
}

TEST_CASE("a user neither reads a supervisor page that the supervisor has used, nor writes a read-only one") {
  for (const bool write : {false, true}) {
    TranslatedCpu rig;
    rig.map(kHigh, kOne, write ? pte::P | pte::U : pte::P | pte::W);
    CHECK(rig.run_code(GuestCode().poke(kHigh, 0x55)({0xA1}).dword(kHigh).hlt()) == "");
    rig.become_user();
    GuestCode code;
    if (write)
      code({0xA1}).dword(kHigh).poke(kHigh, 6).leave();
    else
      code({0xA1}).dword(kHigh).leave();
    CHECK(rig.run_code(code) == "");
    CHECK(rig.vector() == 14);
    CHECK(rig.dword(rig.reg(ESP)) == (write ? pf::P | pf::W | pf::U : pf::P | pf::U));
    CHECK(rig.dword(kOne) == 0x55);
  }
}

TEST_CASE("rights only grow: no flush is needed") {
  TranslatedCpu rig;
  const u32 entry = rig.entry_of(kHigh);
  rig.each([](TestMachine& m) { m.cpu.cr0 |= cr0::WP; });
  rig.start_at(kCode);
  // The handler maps the page writable, drops the error code and returns.
  GuestCode handler;
  handler.poke(entry, kOne | pte::All)({0x83, 0xC4, 0x04, 0xCF});
  rig.load(kHandlers + 14 * 16, handler);
  rig.map(kHigh, kOne, pte::P);
  CHECK(rig.run_code(GuestCode{0xA1}.dword(kHigh).poke(kHigh + 8, 7)({0x8B, 0x1D}).dword(kHigh + 8).hlt()) == "");
  CHECK(rig.reg(EBX) == 7);
  rig.store(entry, 0);
  rig.each([](TestMachine& m) { m.cpu.flush_tlb(); });
  CHECK(rig.run_code(GuestCode().poke(kHigh + 8, 9)({0x8B, 0x1D}).dword(kHigh + 8).hlt()) == "");
  CHECK(rig.reg(EBX) == 9);
}

TEST_CASE("paging off and on again") {
  TranslatedCpu rig;
  rig.map(kData, kOne, pte::All);
  rig.store(kOne, 1);
  rig.store(kData, 2);
  GuestCode code;
  const auto read = [&](int reg) { code({0x8B, 0x05 | reg << 3}).dword(kData); };
  read(EBX);
  code({0x0F, 0x20, 0xC0, 0x25}).dword(~cr0::PG)({0x0F, 0x22, 0xC0});
  read(ESI);
  code({0x0D}).dword(cr0::PG)({0x0F, 0x22, 0xC0});
  read(EDI);
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.reg(EBX) == 1);
  CHECK(rig.reg(ESI) == 2);
  CHECK(rig.reg(EDI) == 1);
}

TEST_CASE("PAE: other tables at the same address, 2 MiB pages, and no execution where NX forbids") {
  TranslatedCpu rig;
  constexpr u32 kPointers = 0x70000, kPaeDirectory = 0x71000, kPaeTable = 0x72000;
  const auto store64 = [&](u32 at, u64 value) {
    rig.store(at, static_cast<u32>(value)), rig.store(at + 4, value >> 32);
  };
  store64(kPointers, kPaeDirectory | pte::P);
  store64(kPaeDirectory, 0 | pte::All | pte::Large);
  store64(kPaeDirectory + 8, 0x40'0000 | pte::All | pte::Large);
  store64(kPaeDirectory + 16, kPaeTable | pte::All);
  store64(kPaeTable, (u64{1} << 63) | kOne | pte::All);
  rig.each([](TestMachine& m) {
    m.cpu.cr4 |= cr4::PAE;
    m.cpu.cr3 = kPointers;
    m.cpu.efer = efer::NXE;
    m.cpu.pdpte = {kPaeDirectory | pte::P, 0, 0, 0};
    m.cpu.flush_tlb();
  });
  rig.store(0x5F'FFFC, 42);
  rig.load(kOne, answer(1));
  GuestCode code;
  code({0x8B, 0x1D}).dword(0x3F'FFFC)({0x8B, 0x35}).dword(0x40'0001)({0x68}).dword(kCode + 0x100);
  code.jump(kCode, 0x40'0000);
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 42);
  CHECK(rig.reg(ESI) == 1);
  CHECK(rig.vector() == 14);
  CHECK(rig.dword(rig.reg(ESP)) == (pf::P | pf::I));
  CHECK(rig.translated.cpu.cr2 == 0x40'0000);
}

}  // namespace
}  // namespace penumbra
