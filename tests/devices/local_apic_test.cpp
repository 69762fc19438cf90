// The local APIC: virtual wire, priorities, EOI, timer, LVT, interrupts to itself, the base MSR.
#include "devices/local_apic.h"

#include <doctest/doctest.h>

#include <vector>

namespace penumbra {
namespace {

struct FakePic : InterruptSource {
  bool pending() const override { return request; }
  u8 acknowledge() override {
    request = false;
    return 0x08;
  }
  bool request = false;
};

struct FakeIoApic : EndOfInterruptListener {
  void end_of_interrupt(u8 vector) override { ended.push_back(vector); }
  std::vector<u8> ended;
};

struct Board {
  Board() { apic.connect(io_apic); }
  u32 read(u32 offset) { return memory.access_read(PhysAddr(base + offset), Width::dword); }
  void write(u32 offset, u32 value) { memory.access_write(PhysAddr(base + offset), Width::dword, value); }
  void enable() { write(0xF0, 0x1FF); }
  void self(u32 vector) { write(0x300, 0x40000 | vector); }
  void intr(bool level) {
    pic.request = level;
    apic.lint0().set(level);
  }
  bool take(u8 vector, bool level = false) { return apic.deliver({vector, ApicDelivery::fixed, 0, false, level}); }

  u64 base = 0xFEE00000;
  Trace trace;
  GuestMemory memory{1 << 20, trace};
  ManualClock clock;
  FakePic pic;
  FakeIoApic io_apic;
  int signals = 0;
  int nmis = 0;
  LocalApic apic{memory, clock, pic, trace, {[this] { ++signals; }, [this] { ++nmis; }}};
};

TEST_CASE("registers after power-up") {
  Board b;
  CHECK(b.read(0x20) == 0);
  CHECK(b.read(0x30) == 0x50014);
  CHECK(b.read(0xE0) == 0xFFFFFFFF);
  CHECK(b.read(0xF0) == 0xFF);
  for (u32 lvt = 0x320; lvt <= 0x370; lvt += 0x10) CHECK(b.read(lvt) == 0x10000);
  CHECK(b.apic.base_msr() == 0xFEE00900);
  CHECK_FALSE(b.apic.pending());
}

TEST_CASE("the 8259 reaches the CPU before software enables the APIC, and through ExtINT after") {
  Board b;
  b.intr(true);
  CHECK(b.signals == 1);
  CHECK(b.apic.pending());
  CHECK(b.apic.acknowledge() == 0x08);
  b.enable();
  b.intr(true);
  CHECK_FALSE(b.apic.pending());
  b.write(0x350, 0x700);
  CHECK(b.apic.pending());
  b.write(0x80, 0xFF);  // TPR does not hold ExtINT back
  CHECK(b.apic.acknowledge() == 0x08);
  CHECK(b.read(0x100) == 0);
  b.intr(true);
  b.write(0x350, 0x10700);
  CHECK_FALSE(b.apic.pending());
  CHECK(b.apic.deliver({0, ApicDelivery::external, 0, false, false}));
  CHECK(b.apic.acknowledge() == 0x08);
  CHECK_FALSE(b.apic.pending());
}

TEST_CASE("LINT pins: NMI, and a fixed vector by edge or by level") {
  Board b;
  b.apic.lint1().set(true);
  CHECK(b.nmis == 1);
  b.apic.lint1().set(false);
  b.enable();
  b.apic.lint1().set(true);
  CHECK(b.nmis == 1);  // masked
  b.apic.lint1().set(false);
  b.write(0x360, 0x400);
  b.apic.lint1().set(true);
  b.apic.lint1().set(true);
  CHECK(b.nmis == 2);
  b.write(0x350, 0x41);
  b.apic.lint0().set(true);
  CHECK(b.apic.acknowledge() == 0x41);
  b.write(0xB0, 0);
  b.apic.lint0().set(false);
  b.write(0x350, 0x8042);
  b.apic.lint0().set(true);
  CHECK(b.read(0x350) == 0xC042);
  CHECK(b.apic.acknowledge() == 0x42);
  b.write(0xB0, 0);  // still high: again
  CHECK(b.apic.acknowledge() == 0x42);
  b.apic.lint0().set(false);
  b.write(0xB0, 0);
  CHECK_FALSE(b.apic.pending());
  CHECK(b.read(0x350) == 0x8042);
}

TEST_CASE("interrupts nest by priority class") {
  Board b;
  b.enable();
  b.self(0x31);
  b.self(0x52);
  b.self(0x55);
  CHECK(b.read(0x210) == 1u << 17);
  CHECK(b.read(0x220) == (1u << 18 | 1u << 21));
  CHECK(b.apic.acknowledge() == 0x55);
  CHECK(b.read(0xA0) == 0x50);
  CHECK_FALSE(b.apic.pending());  // 52h is of the same class
  b.self(0x61);
  CHECK(b.apic.acknowledge() == 0x61);
  b.write(0xB0, 0);
  CHECK_FALSE(b.apic.pending());
  b.write(0xB0, 0);
  CHECK(b.apic.acknowledge() == 0x52);
  b.write(0xB0, 0);
  CHECK(b.apic.acknowledge() == 0x31);
  b.write(0xB0, 0);
  CHECK_FALSE(b.apic.pending());
  CHECK(b.apic.acknowledge() == 0xFF);  // spurious
  for (u32 reg = 0x100; reg < 0x280; reg += 0x10) CHECK(b.read(reg) == 0);
}

TEST_CASE("TPR holds its class and those below") {
  Board b;
  b.enable();
  b.write(0x80, 0x45);
  b.self(0x4F);
  CHECK_FALSE(b.apic.pending());
  CHECK(b.read(0xA0) == 0x45);
  CHECK(b.read(0x90) == 0x45);
  const int before = b.signals;
  b.write(0x80, 0x30);
  CHECK(b.signals > before);
  CHECK(b.apic.acknowledge() == 0x4F);
  b.write(0x80, 0x50);
  CHECK(b.read(0xA0) == 0x50);
  b.write(0x80, 0x3F);
  CHECK(b.read(0xA0) == 0x40);
}

TEST_CASE("EOI of a level-triggered vector goes to the I/O APIC") {
  Board b;
  b.enable();
  CHECK(b.take(0x71, true));
  CHECK(b.read(0x1B0) == 1u << 17);
  b.apic.acknowledge();
  b.write(0xB0, 0);
  CHECK(b.io_apic.ended == std::vector<u8>{0x71});
  CHECK(b.take(0x71, false));
  b.apic.acknowledge();
  b.write(0xB0, 0);
  b.write(0xB0, 0);  // nothing in service
  CHECK(b.io_apic.ended.size() == 1);
}

TEST_CASE("destinations: physical, flat and cluster logical, broadcast") {
  Board b;
  b.enable();
  b.write(0x20, 0x03000000);
  const auto reaches = [&](u8 destination, bool logical) {
    return b.apic.deliver({0x40, ApicDelivery::fixed, destination, logical, false});
  };
  CHECK(reaches(3, false));
  CHECK_FALSE(reaches(0, false));
  CHECK(reaches(0xFF, false));
  b.write(0xD0, 0x04000000);
  CHECK(reaches(0x0C, true));
  CHECK_FALSE(reaches(0x03, true));
  b.write(0xE0, 0x00000000);
  CHECK(b.read(0xE0) == 0x0FFFFFFF);
  b.write(0xD0, 0x24000000);
  CHECK(reaches(0x2C, true));
  CHECK_FALSE(reaches(0x1C, true));
  CHECK_FALSE(reaches(0x23, true));
}

TEST_CASE("commands to itself arrive, INIT and SIPI do no harm, others are nobody") {
  Board b;
  b.enable();
  b.write(0x310, 0x00000000);
  b.write(0x300, 0x4045);
  CHECK(b.apic.acknowledge() == 0x45);
  b.write(0xB0, 0);
  b.write(0x300, 0x000C4046);  // all but itself
  b.write(0x300, 0x000C4500);
  b.write(0x300, 0x000C4610);
  b.write(0x300, 0x4500);
  CHECK_FALSE(b.apic.pending());
  b.write(0x300, 0x4400);
  CHECK(b.nmis == 1);
  CHECK(b.read(0x300) == 0x4400);
  b.write(0x310, 0x07000000);
  b.write(0x300, 0x4047);
  CHECK_FALSE(b.apic.pending());
}

TEST_CASE("errors show in ESR after it is written, and interrupt once") {
  Board b;
  b.enable();
  b.write(0x370, 0xE0);
  b.write(0x300, 0x40005);
  CHECK(b.read(0x280) == 0);
  CHECK(b.apic.acknowledge() == 0xE0);
  b.write(0x280, 0);
  CHECK(b.read(0x280) == 0x20);
  b.take(0x0F);
  b.read(0x3F0 + 0x100);
  b.write(0x280, 0);
  CHECK(b.read(0x280) == 0xC0);
  b.write(0x280, 0);
  CHECK(b.read(0x280) == 0);
  b.write(0x370, 0x02);  // an error vector that is itself an error
  b.take(0x0F);
  b.write(0x280, 0);
  CHECK(b.read(0x280) == 0x40);
}

TEST_CASE("the one-shot timer counts to zero and interrupts once") {
  Board b;
  b.enable();
  b.write(0x3E0, 0x3);  // divided by 16: 160 ns
  b.write(0x320, 0x99);
  b.write(0x380, 1000);
  CHECK(b.read(0x390) == 1000);
  b.clock.advance(Ticks(160 * 400));
  CHECK(b.read(0x390) == 600);
  CHECK_FALSE(b.apic.pending());
  b.clock.advance(Ticks(160 * 600));
  CHECK(b.read(0x390) == 0);
  CHECK(b.apic.acknowledge() == 0x99);
  b.write(0xB0, 0);
  b.clock.advance(seconds(1));
  CHECK_FALSE(b.apic.pending());
  b.write(0x380, 1000);
  b.write(0x380, 0);
  b.clock.advance(seconds(1));
  CHECK_FALSE(b.apic.pending());
}

TEST_CASE("every divider") {
  const std::pair<u32, i64> dividers[] = {{0x0, 2},  {0x1, 4},  {0x2, 8},   {0x3, 16},
                                          {0x8, 32}, {0x9, 64}, {0xA, 128}, {0xB, 1}};
  for (const auto& [code, divider] : dividers) {
    Board b;
    b.write(0x3E0, code);
    b.write(0x380, 1'000'000);
    b.clock.advance(Ticks(10 * divider * 1000));
    CHECK(b.read(0x390) == 999'000);
  }
}

TEST_CASE("the periodic timer goes on, masked or not") {
  Board b;
  b.enable();
  b.write(0x3E0, 0xB);
  b.write(0x320, 0x20099);
  b.write(0x380, 100'000);  // 1 ms
  for (int i = 0; i < 3; ++i) {
    b.clock.advance(milliseconds(1));
    REQUIRE(b.apic.pending());
    CHECK(b.apic.acknowledge() == 0x99);
    b.write(0xB0, 0);
  }
  b.write(0x320, 0x30099);
  b.clock.advance(microseconds(1500));
  CHECK_FALSE(b.apic.pending());
  CHECK(b.read(0x390) == 50'000);
  b.write(0x320, 0x20099);
  b.clock.advance(microseconds(499));
  CHECK_FALSE(b.apic.pending());
  b.clock.advance(microseconds(2));
  CHECK(b.apic.pending());
}

TEST_CASE("a period of nanoseconds does not hold time up") {
  Board b;
  b.enable();
  b.write(0x3E0, 0xB);
  b.write(0x320, 0x20099);
  b.write(0x380, 1);
  b.clock.advance(milliseconds(100));
  CHECK(b.apic.pending());
  CHECK(b.signals < 10'000);
}

TEST_CASE("changing divider or mode keeps the count") {
  Board b;
  b.enable();
  b.write(0x3E0, 0xB);
  b.write(0x320, 0x20099);
  b.write(0x380, 100'000);
  b.clock.advance(microseconds(2500));
  b.write(0x320, 0x00099);
  CHECK(b.read(0x390) == 50'000);
  b.write(0x3E0, 0x0);
  CHECK(b.read(0x390) == 50'000);
  b.clock.advance(microseconds(500));
  CHECK(b.read(0x390) == 25'000);
}

TEST_CASE("an expiry that is due is not lost to a write") {
  Board b;
  b.enable();
  b.write(0x3E0, 0xB);
  b.write(0x320, 0x99);
  b.write(0x380, 100);
  b.clock.set_now(microseconds(50));
  b.write(0x320, 0x98);
  CHECK(b.apic.acknowledge() == 0x99);
}

TEST_CASE("software disabling masks the table and refuses vectors") {
  Board b;
  b.enable();
  b.write(0x350, 0x700);
  b.write(0xF0, 0xFF);
  CHECK(b.read(0x350) == 0x10700);
  b.write(0x350, 0x700);
  CHECK(b.read(0x350) == 0x10700);
  CHECK_FALSE(b.take(0x40));
  CHECK_FALSE(b.apic.pending());
}

TEST_CASE("the base MSR moves, disables and enables") {
  Board b;
  CHECK_FALSE(b.apic.set_base_msr(0xFEE00901));
  CHECK_FALSE(b.apic.set_base_msr(0xFEE00D00));
  CHECK_FALSE(b.apic.set_base_msr(0x1000FEE00900));
  CHECK(b.apic.set_base_msr(0xFED00900));
  CHECK(b.memory.kind(Ppn(0xFEE00)) == PageKind::absent);
  b.base = 0xFED00000;
  CHECK(b.read(0x30) == 0x50014);
  b.enable();
  b.self(0x50);
  CHECK(b.apic.set_base_msr(0xFED00100));
  CHECK(b.memory.kind(Ppn(0xFED00)) == PageKind::absent);
  CHECK_FALSE(b.take(0x40));
  b.intr(true);
  CHECK(b.apic.acknowledge() == 0x08);
  CHECK(b.apic.set_base_msr(0xFED00900));
  CHECK(b.read(0xF0) == 0xFF);
  b.apic.reset(Reset::hard);
  CHECK(b.apic.base_msr() == 0xFEE00900);
  // Over RAM it hides the RAM, and gives it back.
  b.memory.store<u32>(PhysAddr(0x5030), 7);
  CHECK(b.apic.set_base_msr(0x5900));
  CHECK(b.memory.access_read(PhysAddr(0x5030), Width::dword) == 0x50014);
  CHECK(b.apic.set_base_msr(0xFEE00900));
  CHECK(b.memory.load<u32>(PhysAddr(0x5030)) == 7);
}

TEST_CASE("saving, resetting and loading") {
  Board b;
  b.enable();
  b.write(0x80, 0x10);
  b.write(0xD0, 0x01000000);
  b.write(0x310, 0x02000000);
  b.self(0x31);
  b.self(0x61);
  b.apic.acknowledge();
  b.write(0x3E0, 0xB);
  b.write(0x320, 0x20099);
  b.write(0x350, 0x700);
  b.write(0x380, 100'000);
  b.clock.advance(microseconds(300));
  b.apic.set_base_msr(0xFED00900);
  StateWriter saved;
  b.apic.visit(saved);
  b.apic.reset(Reset::hard);
  StateReader reader(saved.bytes());
  b.apic.visit(reader);
  StateWriter again;
  b.apic.visit(again);
  CHECK(again.bytes() == saved.bytes());
  b.base = 0xFED00000;
  CHECK(b.read(0x390) == 70'000);
  CHECK_FALSE(b.apic.pending());
  b.write(0xB0, 0);
  CHECK(b.apic.acknowledge() == 0x31);
  b.clock.advance(microseconds(700));
  CHECK(b.apic.acknowledge() == 0x99);
}

}  // namespace
}  // namespace penumbra
