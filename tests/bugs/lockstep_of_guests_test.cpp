// Guests on which lockstep stopped though the translator was right.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kHigh = 0x9000'0000, kFrame = 0x60000;
constexpr u32 kNoMemory = 0xA000'0000;  // what is written there is lost

struct InLockstep : TranslatedCpu {
  explicit InLockstep(MmuKind mmu)
      : TranslatedCpu("p4", {.code_bytes = 8u << 20, .mmu = mmu, .promote_after = 0, .lockstep = true}) {}
};

template <class Do>
void by_windows_and_soft(Do what) {
  for (const MmuKind mmu : {MmuKind::windows, MmuKind::soft}) {
    CAPTURE(static_cast<int>(mmu));
    InLockstep rig(mmu);
    what(rig);
  }
}

// FreeDOS: the rehearsal lost the shadow of STI where the instruction in it is one that ends rehearsals.
TEST_CASE("STI before an access that is the interpreter's") {
  by_windows_and_soft([](InLockstep& rig) {
    rig.map(kHigh, kNoMemory, pte::All);
    CHECK(rig.run_code(GuestCode{0xFB, 0xA3}.dword(kHigh)({0x43}).hlt()) == "");  // sti; mov [kHigh], eax; inc ebx
    CHECK(rig.reg(EBX) == 1);
  });
}

// JemmEx: a rehearsal goes on where emitted code leaves the block, and the A bits that it had set stayed.
TEST_CASE("a page that only a rehearsal has used has no A bit") {
  by_windows_and_soft([](InLockstep& rig) {
    rig.map(kHigh, kFrame, pte::All);
    const u32 entry = rig.entry_of(kHigh);
    GuestCode code;
    code.mov(EDI, kHigh)({0x0F, 0xA2});     // cpuid
    code({0x8B, 0x35}).dword(entry);        // mov esi, [entry]
    code({0xC7, 0x07}).dword(5);            // mov dword [edi], 5
    code({0x8B, 0x2D}).dword(entry).hlt();  // mov ebp, [entry]
    CHECK(rig.run_code(code) == "");
    CHECK(rig.reg(ESI) == (kFrame | pte::All));
    CHECK(rig.reg(EBP) == (kFrame | pte::All | pte::A | pte::D));
  });
}

// GRUB: emitted code left a repeated instruction after fewer iterations than the rehearsal, which could not finish it.
TEST_CASE("a string instruction that both leave in the middle, at different places") {
  by_windows_and_soft([](InLockstep& rig) {
    rig.map(kHigh, kFrame, pte::All);
    rig.map(kHigh + 0x1000, kNoMemory, pte::All);
    GuestCode code;
    code.mov(EAX, 0x1234).mov(EDI, kHigh + 0xF00).mov(ECX, 0x80)({0xF3, 0xAB}).hlt();  // rep stosd
    CHECK(rig.run_code(code) == "");
    CHECK(rig.reg(ECX) == 0);
    CHECK(rig.dword(kFrame + 0xFFC) == 0x1234);
  });
}

}  // namespace
}  // namespace penumbra
