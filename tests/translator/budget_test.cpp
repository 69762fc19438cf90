// Emitted code comes back: loops of every kind end once time is up, and interrupts are taken in them.
#include <doctest/doctest.h>

#include "core/base/host_time.h"
#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

struct Loop {
  const char* what;
  GuestCode code;
};

// Both of one slot of the lookup table.
constexpr u32 kA = kCode + 0x800, kB = 0x3'0700;
static_assert(lookup_slot(kA) == lookup_slot(kB));

std::vector<Loop> loops() {
  std::vector<Loop> all;
  all.push_back({"jmp $", {0xEB, 0xFE}});
  all.push_back({"inc eax; jmp near", {0x40, 0xE9, 0xFA, 0xFF, 0xFF, 0xFF}});
  all.push_back({"jmp eax to itself", GuestCode().mov(EAX, kCode + 5)({0xFF, 0xE0})});
  all.push_back({"jmp [memory]", GuestCode().poke(kData, kCode + 10)({0xFF, 0x25}).dword(kData)});
  all.push_back({"push; ret", GuestCode{0x68}.dword(kCode)({0xC3})});
  all.push_back({"call eax to itself", GuestCode().mov(EAX, kCode + 5)({0x83, 0xC4, 0x04, 0xFF, 0xD0})});
  all.push_back({"a taken condition", {0x31, 0xC0, 0x74, 0xFE}});
  all.push_back({"loop with a count that never ends", {0x41, 0x41, 0xE2, 0xFC}});
  all.push_back({"jecxz", {0x31, 0xC9, 0xE3, 0xFE}});
  all.push_back({"two pages", GuestCode().jump(kCode, kCode + 0x1000)});
  all.push_back({"call forward, return and again", {0x40, 0xE8, 0x02, 0, 0, 0, 0xEB, 0xF8, 0xC3}});
  // jmp ebx, and jmp eax.
  all.push_back({"two that take a slot from each other",
                 GuestCode().poke(kA, 0xE3FF).poke(kB, 0xE0FF).mov(EAX, kA).mov(EBX, kB)({0xFF, 0xE0})});
  return all;
}

TEST_CASE("an endless loop returns when its time is up, again and again") {
  for (const Loop& loop : loops()) {
    TranslatedCpu rig;
    CAPTURE(std::string(loop.what));
    rig.load(kCode, loop.code);
    rig.load(kCode + 0x1000, GuestCode().jump(kCode + 0x1000, kCode));
    rig.start_at(kCode);
    for (const i64 time : {1, 100, 1000, 10'000, 100'000, 1'000'000}) {
      const i64 before = host_nanoseconds();
      CHECK(rig.translated.run(1'000'000'000, time) == RunEnd::budget);
      CHECK(host_nanoseconds() - before < 10'000'000'000);
    }
  }
}

TEST_CASE("an interrupt is taken in every loop, also in one that runs already") {
  for (const Loop& loop : loops()) {
    TranslatedCpu rig;
    CAPTURE(std::string(loop.what));
    rig.load(kCode, loop.code);
    rig.load(kCode + 0x1000, GuestCode().jump(kCode + 0x1000, kCode));
    rig.load(kHandlers + kInterrupt * 16, GuestCode{0xFF, 0x05}.dword(kData + 0x40)({0xF4}));
    rig.each([](TestMachine& m) { m.cpu.flags.load(m.cpu.flags.value() | eflags::IF); });
    rig.start_at(kCode);
    CHECK(rig.translated.run(5000, TestMachine::kShort) == RunEnd::budget);
    rig.translated.interrupts.waiting = true;
    rig.translated.cpu.stop_soon();
    CHECK(rig.translated.run(5000) == RunEnd::halted);
    CHECK(rig.dword(kData + 0x40) == 1);
    const u32 frame = rig.dword(rig.reg(ESP));
    CHECK((frame - kCode < 0x2000 || frame == kB || frame == kB + 2));
  }
}

TEST_CASE("a counting loop with interrupts counts right, and its flags survive them") {
  TranslatedCpu rig;
  constexpr u32 kRounds = 10'000'000, kTimes = 30;
  // add ebx, 1; adc esi, 0; loop: the carry must survive.
  GuestCode code;
  code.mov(ECX, kRounds).mov(EBX, 0xFFFF'F000)({0x83, 0xC3, 0x01, 0x83, 0xD6, 0x00, 0xE2, 0xF8}).hlt();
  rig.load(kCode, code);
  rig.load(kHandlers + kInterrupt * 16, GuestCode{0xFF, 0x05}.dword(kData)({0x09, 0xED, 0xCF}));  // inc; or; iret
  rig.each([](TestMachine& m) { m.cpu.flags.load(m.cpu.flags.value() | eflags::IF); });
  rig.start_at(kCode);
  unsigned given = 0;
  rig.each([&](TestMachine& m) {
    given = 0;
    while (m.run(given < kTimes ? 97 : 100'000'000, given < kTimes ? 1000 : TestMachine::kLong) != RunEnd::halted)
      if (given < kTimes && !m.interrupts.waiting && (m.cpu.flags.value() & eflags::IF)) {
        m.interrupts.waiting = true;
        ++given;
      }
  });
  // What the interrupts left below the stack depends on when they came.
  rig.load(kKernelStack - 0x800, std::vector<u8>(0x400));
  CHECK(rig.difference() == "");
  CHECK(rig.reg(EBX) == 0xFFFF'F000 + kRounds);
  CHECK(rig.reg(ESI) == 1);
  CHECK(rig.dword(kData) == kTimes);
}

TEST_CASE("STI lets one more instruction run, CLI none") {
  TranslatedCpu rig;
  rig.load(kHandlers + kInterrupt * 16, GuestCode{0x89, 0xDA}.hlt());  // mov edx, ebx
  rig.each([](TestMachine& m) { m.interrupts.waiting = true; });
  CHECK(rig.run_code({0x43, 0xFB, 0xFA, 0x43, 0xFB, 0x43, 0x43, 0xF4}) == "");  // sti; cli closes at once
  CHECK(rig.vector() == kInterrupt);
  CHECK(rig.reg(EDX) == 3);
}

TEST_CASE("a repeated string instruction with a huge count comes back when its budget is used up") {
  // 4 MiB pages over all of the address space, so that nothing ends the run but its count.
  TranslatedCpu rig;
  for (u32 n = 2; n < 1024; ++n) rig.store(kDirectory + 4 * n, 0x40'0000 | pte::All | pte::Large);
  for (const int opcode : {0xAC, 0xAA}) {  // lods, stos
    constexpr u32 kFirst = 0x80'0000, kCount = 0x7000'0000;
    rig.set(EDI, kFirst);
    rig.set(ESI, kFirst);
    rig.load(kCode, GuestCode().mov(ECX, kCount)({0xF3, opcode}).hlt());
    rig.start_at(kCode);
    CHECK(rig.translated.run(20) == RunEnd::budget);
    CHECK(rig.reg(ECX) > 0);
    CHECK(rig.reg(opcode == 0xAC ? ESI : EDI) - kFirst == kCount - rig.reg(ECX));
  }
}

}  // namespace
}  // namespace penumbra
