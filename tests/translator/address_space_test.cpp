// Many address spaces, whose tables change while others run: user code sees what the tables say after each CR3 write.
#include <doctest/doctest.h>

#include <random>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kHigh = 0x9000'0000, kPages = 6, kSpaces = 6;  // more spaces than views are kept for
constexpr u32 kDirectories = 0x200'000, kOwnTables = 0x210'000, kFrames = 0x220'000, kFrameCount = 16, kUser = 0x24000;

struct SpacesRig : TranslatedCpu {
  explicit SpacesRig(MmuKind mmu) : TranslatedCpu("p4", {.code_bytes = 8u << 20, .mmu = mmu, .promote_after = 0}) {
    each([](TestMachine& m) {
      m.cpu.cr4 |= cr4::PGE;
      m.cpu.sysenter_cs = kCode0;
    });
    for (u32 space = 0; space < kSpaces; ++space) {
      for (u32 n = 0; n < 1024; ++n) store(directory(space) + 4 * n, dword(kDirectory + 4 * n));
      store(directory(space) + (kHigh >> 22) * 4, table(space) | pte::All);
    }
    // Each frame: add ebp, n; ret. Then what is read and counted.
    for (u32 n = 0; n < kFrameCount; ++n) {
      load(kFrames + n * kPageSize, GuestCode{0x83, 0xC5, static_cast<int>(n + 1), 0xC3});
      store(kFrames + n * kPageSize + 0x800, n * 0x101);
    }
    GuestCode user;
    for (u32 page = 0; page < kPages; ++page) {
      user({0x03, 0x1D}).dword(kHigh + page * kPageSize + 0x800);                // add ebx, [page]
      if (page & 1) user({0xFF, 0x05}).dword(kHigh + page * kPageSize + 0x804);  // inc dword [page]
      if (page % 3 == 0) user.call(kUser, kHigh + page * kPageSize);
    }
    load(kUser, user.leave());
    start_at(kCode);
  }
  static u32 directory(u32 space) { return kDirectories + space * kPageSize; }
  static u32 table(u32 space) { return kOwnTables + space * kPageSize; }
  // The supervisor loads CR3 and goes to the user's code. No TLB is flushed but by that.
  void enter(u32 space) {
    GuestCode code;
    code.mov(EAX, directory(space))({0x0F, 0x22, 0xD8}).mov(EDX, kUser).mov(ECX, kUserStack)({0x0F, 0x35});
    load(kCode, code);
    each([](TestMachine& m) {
      m.cpu.eip = kCode;
      m.cpu.halted = false;
    });
  }
};

TEST_CASE("pages moved, taken away and looked at again in six address spaces") {
  for (const MmuKind mmu : {MmuKind::windows, MmuKind::registers, MmuKind::soft}) {
    CAPTURE(static_cast<int>(mmu));
    SpacesRig rig(mmu);
    std::mt19937 random(7);
    const auto below = [&](u32 end) { return static_cast<u32>(random() % end); };
    for (u32 space = 0; space < kSpaces; ++space)
      for (u32 page = 0; page < kPages; ++page)
        rig.store(SpacesRig::table(space) + 4 * page, (kFrames + below(kFrameCount) * kPageSize) | pte::All);
    u32 finished = 0;
    for (unsigned round = 0; round < 600; ++round) {
      for (u32 changes = below(3); changes > 0; --changes) {
        const u32 entry = SpacesRig::table(below(kSpaces)) + 4 * below(kPages);
        const u32 now = rig.dword(entry);
        const u32 frame = kFrames + below(kFrameCount) * kPageSize;
        const u32 choices[] = {frame | pte::All, (now & kPageMask) | frame,
                               now & ~pte::A,    now & ~pte::D,
                               now & ~pte::W,    now ^ pte::P,
                               now | pte::All,   now & ~pte::U};
        rig.store(entry, choices[below(std::size(choices))]);
      }
      const u32 space = below(4) ? round % 2 : below(kSpaces);
      // Every other time the pages may be used again, wherever they are.
      for (u32 page = 0; page < kPages && round & 2; ++page) {
        const u32 entry = SpacesRig::table(space) + 4 * page;
        rig.store(entry, rig.dword(entry) | pte::All);
      }
      rig.enter(space);
      REQUIRE(rig.run());
      finished += rig.vector() == kLeave;
      REQUIRE(rig.difference() == "");
    }
    // Enough of both: rounds that end as they should, and those that meet a page that may not be used.
    CHECK(finished > 100);
    CHECK(finished < 590);
  }
}

// As kernels have it that keep themselves from user code: half of the address spaces show all of the supervisor's
// pages, half of them a few.
TEST_CASE("a supervisor that changes between address spaces with all of its pages and with few of them") {
  constexpr u32 kArea = 0xA000'0000, kAreaPages = 40, kLarge = 0xB000'0000, kAreaTables = 0x260'000;
  for (const MmuKind mmu : {MmuKind::windows, MmuKind::registers, MmuKind::soft}) {
    CAPTURE(static_cast<int>(mmu));
    SpacesRig rig(mmu);
    std::mt19937 random(11);
    const auto below = [&](u32 end) { return static_cast<u32>(random() % end); };
    const auto area = [&](u32 space, u32 page) { return kAreaTables + space % 2 * kPageSize + 4 * page; };
    for (u32 space = 0; space < kSpaces; ++space) {
      rig.store(SpacesRig::directory(space) + (kArea >> 22) * 4, (kAreaTables + space % 2 * kPageSize) | pte::All);
      if (space % 2 == 0) rig.store(SpacesRig::directory(space) + (kLarge >> 22) * 4, pte::All | pte::Large);
    }
    for (u32 page = 0; page < kAreaPages; ++page)
      for (u32 space = 0; space < 2; ++space)
        if (space == 0 || page % 8 == 0)
          rig.store(area(space, page), (kFrames + below(kFrameCount) * kPageSize) | pte::P | pte::W | pte::A);
    rig.each([](TestMachine& m) { m.cpu.cr4 |= cr4::PSE; });
    u32 finished = 0;
    for (unsigned round = 0; round < 600; ++round) {
      GuestCode code;
      for (unsigned n = 0; n < 3; ++n) {
        const u32 space = below(4) ? n % 2 : below(kSpaces);
        code.mov(EAX, SpacesRig::directory(space))({0x0F, 0x22, 0xD8});
        for (unsigned accesses = 0; accesses < 4; ++accesses) {
          const u32 page = space % 2 == 0 ? below(kAreaPages) : below(kAreaPages) / 8 * 8;
          const u32 at = below(40) ? kArea + page * kPageSize : kLarge + kFrames + page % kFrameCount * kPageSize;
          code({below(3) ? 0x03 : 0x01, 0x1D}).dword(at + 0x800 + 4 * below(4));  // add ebx, [..] or [..], ebx
        }
      }
      rig.load(kCode, code.hlt());
      for (u32 changes = below(3); changes > 0; --changes) {
        const u32 entry = area(below(2), below(kAreaPages));
        const u32 frame = kFrames + below(kFrameCount) * kPageSize;
        const u32 now = rig.dword(entry);
        const u32 choices[] = {frame | pte::All, now & ~pte::A, now & ~pte::D, below(8) ? now : now ^ pte::P};
        if (now) rig.store(entry, choices[below(std::size(choices))]);
      }
      if (below(20) == 0) {
        const u32 entry = SpacesRig::directory(below(kSpaces) / 2 * 2) + (kLarge >> 22) * 4;
        rig.store(entry, rig.dword(entry) ^ (below(2) ? pte::P : 0x40'0000));
      }
      rig.each([](TestMachine& m) {
        m.cpu.eip = kCode;
        m.cpu.halted = false;
      });
      REQUIRE(rig.run());
      finished += rig.vector() < 0;
      REQUIRE(rig.difference() == "");
    }
    CHECK(finished > 100);
    CHECK(finished < 590);
  }
}

}  // namespace
}  // namespace penumbra
