// Lockstep agrees with itself on right translations, and every kind of wrong one is caught.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/support/fuzzed_flat_code.h"
#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

// Replaces the first occurrence of some bytes of emitted code.
std::function<void(std::span<u8>)> instead_of(std::vector<u8> right, std::vector<u8> wrong) {
  return [right, wrong](std::span<u8> code) {
    const auto found = std::search(code.begin(), code.end(), right.begin(), right.end());
    if (found != code.end()) std::copy(wrong.begin(), wrong.end(), found);
  };
}

TranslatorOptions in_lockstep(std::function<void(std::span<u8>)> translated = {}) {
  TranslatorOptions options;
  options.code_bytes = u64{8} << 20;
  options.promote_after = 0;
  options.lockstep = true;
  options.translated = std::move(translated);
  return options;
}

struct LockstepCpu : TranslatedCpu {
  explicit LockstepCpu(std::function<void(std::span<u8>)> translated_code = {})
      : TranslatedCpu("p4", in_lockstep(std::move(translated_code))) {}

  // What lockstep says of the code; empty if nothing.
  std::string complaint(const GuestCode& code) {
    load(kCode, code);
    start_at(kCode);
    try {
      translated.run(kBudget);
    } catch (const EnginesDiffer& difference) {
      return difference.what();
    }
    return "";
  }
  const Lockstep::Counters& compared() { return translated.translator->lockstep()->counters(); }
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("loops, calls, stacks and strings agree, and are compared") {
  LockstepCpu rig;
  constexpr u32 kFunction = kCode + 0x400;
  rig.load(kFunction, {0x55, 0x89, 0xE5, 0x03, 0x05, 0, 0, 3, 0, 0xFF, 0x45, 4, 0xFF, 0x4D, 4, 0xC9, 0xC3});
  GuestCode code;
  code.poke(kData, 7).mov(ECX, 50);
  const u32 top = code.size();
  code.call(kCode, kFunction)({0x43, 0xE2, static_cast<int>(top - (code.size() + 3))});
  code.mov(EDI, kData + 0xF00).mov(ECX, 9000)({0xF3, 0xAA});
  code.mov(ESI, kData + 0xF00).mov(EDI, kData + 0x2F01).mov(ECX, 300)({0xF3, 0xA5});
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.reg(EAX) == 350);
  CHECK(rig.compared().blocks > 100);
  CHECK(rig.compared().instructions > 400);
  CHECK(rig.compared().writes > 9000);
}

TEST_CASE("short loops, and branches to the next instruction, taken or not") {
  LockstepCpu rig;
  GuestCode code;
  code.mov(ECX, 30);
  code({0x40, 0x49, 0x75, 0xFC});                          // a loop of two instructions
  code({0x85, 0xC9, 0x74, 0x00, 0x75, 0x00, 0x43});        // test ecx, ecx; jz +0; jnz +0; inc ebx
  code({0xE8, 0, 0, 0, 0, 0x5A, 0xE3, 0x00, 0xE2, 0x00});  // call +0; pop edx; jecxz +0; loop +0
  code({0xEB, 0x00, 0x43});
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.reg(EAX) == 30);
  CHECK(rig.reg(EBX) == 2);
  CHECK(rig.reg(ECX) == 0xFFFF'FFFF);
}

TEST_CASE("x87, MMX and SSE agree") {
  LockstepCpu rig;
  rig.each([](TestMachine& m) { m.cpu.cr4 |= cr4::OSFXSR | cr4::OSXMMEXCPT; });
  rig.store(kData, 0x4049'0FDB);
  GuestCode code;
  code({0xDB, 0xE3, 0xD9, 0x05}).dword(kData)({0xD9, 0xE8, 0xDE, 0xC1, 0xD9, 0xFA, 0xD9, 0x1D}).dword(kData + 4);
  code({0xF3, 0x0F, 0x10, 0x05}).dword(kData)({0xF3, 0x0F, 0x59, 0xC0, 0xF3, 0x0F, 0x5E, 0x05}).dword(kData + 4);
  code({0xF3, 0x0F, 0x11, 0x05}).dword(kData + 8)({0x0F, 0x6F, 0x0D}).dword(kData)({0x0F, 0xFD, 0xC9, 0x0F, 0x77});
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.dword(kData + 4) != 0);
  CHECK(rig.compared().instructions >= 10);
}

TEST_CASE("a wrong register is caught, with what both made of it") {
  LockstepCpu rig(instead_of({0x01, 0xD8}, {0x29, 0xD8}));  // add eax, ebx becomes sub
  const std::string said = rig.complaint(GuestCode().mov(EAX, 0x50).mov(EBX, 0x10)({0x01, 0xD8}).hlt());
  CHECK(says(said, "eax: interpreter 60, translator 40"));
  CHECK(says(said, "add eax, ebx"));
  CHECK(says(said, "29 d8"));
  // Only that instruction is wrong.
  CHECK(rig.complaint(GuestCode().mov(EAX, 0x50).mov(EBX, 0x10)({0x01, 0xD1}).hlt()) == "");
}

TEST_CASE("wrong flags, a wrong branch and a wrong way out are caught") {
  GuestCode code;
  code.mov(EAX, 3)({0x83, 0xF8, 0x03, 0x74, 0x02, 0x40}).hlt().hlt();  // cmp eax, 3; jz +2; inc eax
  CHECK(says(LockstepCpu(instead_of({0x83, 0xF8, 0x03}, {0x83, 0xF8, 0x04})).complaint(code), "eip"));
  CHECK(says(LockstepCpu(instead_of({0x0F, 0x84}, {0x0F, 0x85})).complaint(code), "eip"));
  GuestCode flags;
  flags.mov(EAX, 3)({0x39, 0xC0}).hlt();  // cmp eax, eax becomes test
  CHECK(says(LockstepCpu(instead_of({0x39, 0xC0}, {0x85, 0xC0})).complaint(flags), "eflags"));
}

TEST_CASE("wrong writes are caught: another value, another place, and one too many") {
  GuestCode code;
  code.mov(EAX, 0x1234)({0x89, 0x05}).dword(kData + 0x100).hlt();
  const std::vector<u8> place{0x00, 0x01, 0x03, 0x00};
  const auto byte = [](u32 at) { return static_cast<u8>(at); };
  CHECK(says(LockstepCpu(instead_of({0xB8, 0x34}, {0xB8, 0x35})).complaint(code), "memory at 300f8"));
  CHECK(says(LockstepCpu(instead_of(place, {byte(0x04), 1, 3, 0})).complaint(code), "memory at 300f8"));
  // The value is right, but more of it is written.
  GuestCode narrow;
  narrow.mov(EAX, 0x1234'5678)({0x88, 0x05}).dword(kData + 0x100)({0x90}).hlt();
  const auto wider = [&](std::span<u8> emitted) {
    for (std::size_t n = 0; n + 8 < emitted.size(); ++n)
      if (emitted[n] == 0x88 && std::equal(place.begin(), place.end(), emitted.begin() + static_cast<long>(n) + 3))
        emitted[n] = 0x89;
  };
  CHECK(says(LockstepCpu(wider).complaint(narrow), "memory at 300f8"));
  CHECK(LockstepCpu().complaint(code) == "");
  CHECK(LockstepCpu().complaint(narrow) == "");
}

TEST_CASE("wrong x87 arithmetic is caught") {
  LockstepCpu rig(instead_of({0xD8, 0xC1}, {0xD8, 0xE1}));  // fadd st, st(1) becomes fsub
  CHECK(says(rig.complaint(GuestCode({0xDB, 0xE3, 0xD9, 0xEB, 0xD9, 0xE8, 0xD8, 0xC1}).hlt()), "x87.R6"));
}

TEST_CASE("code that changed behind everybody's back is caught") {
  LockstepCpu rig;
  const GuestCode code = GuestCode().mov(EAX, 1).hlt();
  CHECK(rig.complaint(code) == "");
  rig.translated.memory.ram().data()[kCode + 1] = 2;
  rig.translated.cpu.eip = kCode;
  rig.translated.cpu.halted = false;
  CHECK_THROWS_AS(rig.translated.run(100), EnginesDiffer);
}

TEST_CASE("what emitted code leaves to the interpreter happens once") {
  struct Counter final : PortHandler {
    u32 port_in(u16, Width) override { return ++reads; }
    void port_out(u16, Width, u32) override {}
    u32 reads = 0;
  } counter[2];
  LockstepCpu rig;
  rig.interpreted.ports.claim({0x300, 0x300}, counter[0]);
  rig.translated.ports.claim({0x300, 0x300}, counter[1]);
  GuestCode code;
  code.mov(EDX, 0x300).mov(ECX, 5)({0x90, 0xEC, 0x00, 0xC3, 0xE2, 0xFA});  // in al, dx; add bl, al; loop
  code({0x9C, 0x58});                                                      // pushf; pop eax
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(counter[1].reads == 5);
  CHECK((rig.reg(EBX) & 0xFF) == 15);
}

TEST_CASE("faults in the middle of a block, and pages that get mapped then") {
  LockstepCpu rig;
  // The handler of #PF makes the page present and goes on; the block's second store faults.
  constexpr u32 kHole = 0x9000'0000;
  rig.map(kHole, kData + 0x5000, 0);
  GuestCode handler;
  handler({0x83, 0xC4, 0x04}).poke(rig.entry_of(kHole), (kData + 0x5000) | pte::All)({0xCF});
  rig.load(kHandlers + 0x600, handler);
  rig.each([](TestMachine& m) { m.memory.store<u16>(PhysAddr(kIdt + 8 * 14), static_cast<u16>(kHandlers + 0x600)); });
  GuestCode code;
  code.poke(kData, 1).poke(kHole + 4, 2)({0xFF, 0x05}).dword(kHole + 4)({0x8B, 0x1D}).dword(kHole + 4);
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.reg(EBX) == 3);
  // A division's fault, and one by a string that has run half its way.
  CHECK(rig.run_code(GuestCode().poke(kData, 9).mov(ECX, 0)({0xF7, 0xF1}).hlt()) == "");
  CHECK(rig.vector() == 0);
  rig.map(kHole + 0x1000, kData, 0);
  GuestCode copy;
  copy.mov(ESI, kData).mov(EDI, kHole + 0xF01).mov(ECX, 0x80)({0x43, 0xF3, 0xA5});
  rig.each([](TestMachine& m) { m.memory.store<u16>(PhysAddr(kIdt + 8 * 14), kHandlers + 16 * 14); });
  CHECK(rig.run_code(copy.hlt()) == "");
  CHECK(rig.vector() == 14);
}

TEST_CASE("memory that only the interpreter may write for the translator: rehearsals are shortened") {
  LockstepCpu rig;
  constexpr u32 kFrames = 0xE000'0000, kLinear = kData + 0x6000;
  std::vector<u8> frames[2] = {std::vector<u8>(0x2000), std::vector<u8>(0x2000)};
  rig.interpreted.memory.map_device_memory(PhysAddr(kFrames), frames[0], "frames");
  rig.translated.memory.map_device_memory(PhysAddr(kFrames), frames[1], "frames");
  rig.map(kLinear + 0x1000, kFrames, pte::All);
  GuestCode code;
  code.mov(EAX, 0xA5A5'A5A5).poke(kData, 5).poke(kLinear + 0x1010, 6)({0x43});
  code.mov(EDI, kLinear + 0xF00).mov(ECX, 0x100)({0xF3, 0xAB, 0x43}).poke(kLinear + 0x1020, 7)({0x43});
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(frames[0] == frames[1]);
  CHECK(frames[1][0x20] == 7);
  CHECK(rig.reg(EBX) == 3);
  CHECK(rig.compared().shortened >= 2);
}

TEST_CASE("a string instruction that is too long for emitted code is not rehearsed anew for each of its pages") {
  LockstepCpu rig;
  constexpr u32 kCount = 0x2'0000, kTo = 0x20'0000;
  GuestCode code;
  code.mov(EDI, kTo).mov(ECX, kCount).mov(EAX, 7)({0xF3, 0xAB}).hlt();
  CHECK(rig.run_code(code, 2'000'000) == "");
  CHECK(rig.reg(ECX) == 0);
  CHECK(rig.dword(kTo + 4 * kCount - 4) == 7);
  CHECK(rig.compared().writes < 3 * kCount);
}

TEST_CASE("code that writes over itself agrees") {
  LockstepCpu rig;
  GuestCode code;
  code.mov(ECX, 100);
  const u32 top = code.size();
  code({0x81, 0xC3}).dword(0)({0x83, 0x05}).dword(kCode + top + 2)({0x01});
  code({0xE2, static_cast<int>(top - (code.size() + 2))}).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 99 * 100 / 2);
}

TEST_CASE("so many instructions are executed as were asked for") {
  LockstepCpu rig;
  rig.load(kCode, GuestCode({0x40, 0x43, 0x41, 0x42, 0xEB, 0xFA}));
  rig.start_at(kCode);
  for (const u64 budget : {1u, 3u, 100u, 997u, 5u}) {
    rig.each([&](TestMachine& m) { CHECK(m.run(budget) == RunEnd::budget); });
    CHECK(rig.translated.translator->instructions() == rig.interpreted.cpu.instructions());
    CHECK(rig.difference() == "");
  }
}

TEST_CASE("random flat code agrees") {
  std::mt19937 random(20);
  for (unsigned round = 0; round < 30; ++round) {
    LockstepCpu rig;
    rig.audited = false;
    for (u32 page = 0; page < kData; page += kPageSize)
      if (page != kKernelStack - kPageSize) rig.map(page, page, pte::P | pte::U);
    constexpr u32 kAlias = 0xB000'0000;
    for (const u32 at : {0u, kPageSize}) rig.map(kAlias + at, kCode + at, pte::All);
    rig.each([](TestMachine& m) { m.cpu.cr0 |= cr0::WP; });
    std::vector<u8> bytes(400);
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<u8>(random()); });
    FuzzInput input(bytes);
    for (unsigned n = 0; n < 8; ++n) rig.set(n, n == ESP ? kKernelStack - 0x400 : kData + (random() & 0xFFFF));
    const std::vector<u8> code = FuzzedFlatCode(input, kAlias).make(40, kPageSize);
    rig.load(kCode, code);
    rig.start_at(kCode);
    const RunEnd a = rig.interpreted.run(20'000), b = rig.translated.run(20'000);
    if (a == RunEnd::budget || b == RunEnd::budget) continue;
    CAPTURE(round);
    CHECK(a == b);
    CHECK(rig.difference() == "");
  }
}

}  // namespace
}  // namespace penumbra
