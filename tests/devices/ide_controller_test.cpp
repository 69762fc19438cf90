// The channel and the PCI function: who answers for which drive, resets, interrupts, the bus master.
#include "devices/ide_controller.h"

#include <doctest/doctest.h>

#include "tests/support/ide_rig.h"

namespace penumbra {
namespace {

struct Rig : IdeRig {
  explicit Rig(bool slave = false) : first(4000 * 512), second(100 * 512) {
    first.number_sectors(512);
    second.number_sectors(512);
    ide.attach_disk(0, std::make_unique<FakeMedium>(first));
    if (slave) ide.attach_disk(1, std::make_unique<FakeMedium>(second));
    ide.reset(Reset::power_on);
  }
  FakeStore first, second;
};

TEST_CASE("an empty channel floats with BSY low") {
  Rig r;
  r.base = 0x170;
  r.control = 0x376;
  CHECK(r.status() == 0x7F);
  r.out(0x172, 0x55);
  r.out(0x173, 0xAA);
  CHECK(r.in(0x172) == 0x7F);
  r.out(0x177, 0xEC);
  CHECK(r.alternate() == 0x7F);
  CHECK(r.irq15.rises() == 0);
}

TEST_CASE("device 0 answers for a missing device 1 with status 0") {
  Rig r;
  r.out(0x1F6, 0xB0);
  CHECK(r.status() == 0);
  CHECK(r.in(0x3F6) == 0);
  r.out(0x1F2, 0x55);
  CHECK(r.in(0x1F2) == 0x55);
  CHECK(r.in(0x1F6) == 0xB0);
  r.out(0x1F7, 0xEC);
  r.settle();
  CHECK(r.status() == 0);
  CHECK(r.irq14.rises() == 0);
  r.out(0x1F6, 0xA0);
  CHECK(r.status() == 0x50);
}

TEST_CASE("a packet device does not show its signature for a missing device 1") {
  IdeRig r;
  r.ide.attach_cdrom(0, nullptr);
  r.ide.reset(Reset::power_on);
  CHECK(r.in(0x1F5) == 0xEB);
  r.out(0x1F6, 0xB0);
  CHECK(r.in(0x1F5) == 0);
  CHECK(r.status() == 0);
}

TEST_CASE("nobody answers for a missing device 0") {
  IdeRig r;
  FakeStore store(512 * 100);
  r.ide.attach_disk(1, std::make_unique<FakeMedium>(store));
  r.ide.reset(Reset::power_on);
  CHECK(r.status() == 0x7F);
  r.out(0x1F6, 0xB0);
  CHECK(r.status() == 0x50);
}

TEST_CASE("two drives have registers and interrupts of their own") {
  Rig r(true);
  r.lba(3, 1, 0x20, 1);
  CHECK(r.irq14.level());
  r.out(0x1F6, 0xE0);  // device 0 has nothing to report
  CHECK_FALSE(r.irq14.level());
  r.out(0x1F6, 0xF0);
  CHECK(r.irq14.level());
  CHECK(r.status() == 0x58);
  CHECK_FALSE(r.irq14.level());
  CHECK(r.sector_number(r.read_data()) == 3);
}

TEST_CASE("nIEN holds the interrupt back, and lets it through when cleared") {
  Rig r;
  r.out(0x3F6, 2);
  r.lba(0, 1, 0x20);
  CHECK(r.irq14.rises() == 0);
  r.out(0x3F6, 0);
  CHECK(r.irq14.level());
  CHECK(r.in(0x3F6) == 0x58);
  CHECK(r.irq14.level());  // the alternate status leaves it
  r.out(0x1F7, 0xE5);      // a new command does not
  CHECK_FALSE(r.irq14.level());
}

TEST_CASE("a software reset ends everything and selects device 0") {
  Rig r(true);
  r.lba(5, 2, 0x30, 1);
  r.out(0x3F6, 4);
  CHECK(r.in(0x3F6) == 0x80);
  r.out(0x1F7, 0xEC);
  r.clock.advance(milliseconds(5));
  CHECK(r.in(0x3F6) == 0x80);
  r.out(0x3F6, 0);
  CHECK(r.in(0x3F6) == 0x80);
  REQUIRE(r.settle());
  CHECK(r.in(0x1F6) == 0xA0);
  CHECK(r.in(0x1F2) == 1);
  CHECK(r.in(0x1F1) == 1);
  CHECK(r.status() == 0x50);
  r.out(0x1F6, 0xB0);
  CHECK(r.status() == 0x50);
  CHECK(r.in(0x1F3) == 1);
  CHECK(r.irq14.rises() == 0);
}

TEST_CASE("SET FEATURES 66h keeps the settings over a software reset") {
  Rig r;
  const auto multiple_survives = [&] {
    r.task(0xE0, 8, 0, 0, 0);
    r.command(0xC6);
    r.out(0x3F6, 4);
    r.out(0x3F6, 0);
    r.settle();
    r.lba(0, 1, 0xC4);
    return r.status() == 0x58;
  };
  CHECK_FALSE(multiple_survives());
  r.task(0xE0, 0, 0, 0, 0, 0x66);
  r.command(0xEF);
  CHECK(multiple_survives());
}

TEST_CASE("EXECUTE DEVICE DIAGNOSTIC is for both drives and interrupts once") {
  Rig r(true);
  r.out(0x1F6, 0xB0);
  r.out(0x1F7, 0x90);
  CHECK(r.in(0x3F6) == 0x80);
  REQUIRE(r.settle());
  CHECK(r.irq14.rises() == 1);
  CHECK(r.in(0x1F6) == 0xA0);
  CHECK(r.in(0x1F1) == 1);
  CHECK(r.status() == 0x50);
}

TEST_CASE("configuration space: identity, the bus master's window, the channels' decode bits") {
  Rig r;
  CHECK(r.ide.config_read(0, Width::dword) == 0x70108086);
  CHECK((r.ide.config_read(8, Width::dword) >> 8) == 0x010180);
  CHECK(r.ide.config_read(0x40, Width::dword) == 0x80008000);
  r.config(0x20, Width::dword, 0xFFFFFFFF);
  CHECK(r.ide.config_read(0x20, Width::dword) == 0xFFFFFFF1);
  r.enable_bus_master();
  r.out(0xC000 + 2, 0x60);
  CHECK(r.in(0xC000 + 2) == 0x60);
  r.ports.out(0xC00C, Width::dword, 0x12345677);
  CHECK(r.ports.in(0xC00C, Width::dword) == 0x12345674);
  r.config(0x40, Width::word, 0x0000);
  CHECK(r.status() == 0xFF);
  r.config(0x40, Width::word, 0xA307);
  CHECK(r.status() == 0x50);
  CHECK(r.ide.config_read(0x40, Width::word) == 0xA307);
}

TEST_CASE("a DMA read scatters over regions and ends with an interrupt in both status registers") {
  Rig r;
  r.enable_bus_master();
  r.describe(0x1000, 0, 0x2000, 512, false);
  r.describe(0x1000, 1, 0x8002, 1022, false);
  r.describe(0x1000, 2, 0x4000, 2, true);
  r.lba(70, 3, 0xC8);  // settles nothing: the drive waits for the bus master
  CHECK(r.in(0x3F6) == 0x80);
  CHECK(r.irq14.rises() == 0);
  r.start_bus_master(0x1000, true);
  CHECK(r.bus_master_status() == 0x01);
  CHECK(r.irq14.rises() == 0);
  r.clock.advance(microseconds(50));
  CHECK(r.irq14.level());
  CHECK(r.bus_master_status() == 0x04);
  CHECK(r.status() == 0x50);
  CHECK(r.memory.load<u32>(PhysAddr(0x2000)) == 70);
  CHECK(r.memory.load<u32>(PhysAddr(0x8002)) == 71);
  CHECK(r.memory.load<u32>(PhysAddr(0x8202)) == 72);
  CHECK(r.memory.load<u16>(PhysAddr(0x4000)) == static_cast<u16>((72 + 510) & 0xFF) + ((72 + 511) & 0xFF) * 256);
  r.out(0xC002, 0x04);
  CHECK(r.bus_master_status() == 0);
}

TEST_CASE("a DMA write gathers; started before the command it waits for the drive") {
  Rig r;
  r.enable_bus_master();
  for (u32 i = 0; i < 1024; ++i) r.memory.store<u8>(PhysAddr(0x3000 + i), static_cast<u8>(i ^ 0x77));
  r.describe(0x1000, 0, 0x3000, 1024, true);
  r.start_bus_master(0x1000, false);
  r.clock.advance(microseconds(50));
  CHECK(r.bus_master_status() == 0x01);
  r.lba(90, 2, 0xCA);
  r.clock.advance(microseconds(50));
  CHECK(r.bus_master_status() == 0x04);
  CHECK(r.status() == 0x50);
  CHECK(r.first.content[90 * 512] == 0x77);
  CHECK(r.first.content[91 * 512 + 511] == (0xFF ^ 0x77));
}

TEST_CASE("a table longer than the transfer leaves the engine active; a shorter one leaves the drive waiting") {
  Rig r;
  r.enable_bus_master();
  r.describe(0x1000, 0, 0x2000, 0, true);  // 64 KiB
  r.lba(0, 1, 0xC8);
  r.start_bus_master(0x1000, true);
  r.clock.advance(microseconds(50));
  CHECK(r.bus_master_status() == 0x05);
  CHECK(r.status() == 0x50);
  r.out(0xC000, 0);
  CHECK(r.bus_master_status() == 0x04);

  r.describe(0x1000, 0, 0x2000, 512, true);
  const int before = r.irq14.rises();
  r.lba(10, 2, 0xC8);
  r.start_bus_master(0x1000, true);
  r.clock.advance(microseconds(50));
  CHECK(r.bus_master_status() == 0x00);
  CHECK(r.in(0x3F6) == 0x80);
  CHECK(r.irq14.rises() == before);
  // A fresh table carries the rest.
  r.out(0xC000, 0);
  r.start_bus_master(0x1000, true);
  r.clock.advance(microseconds(50));
  CHECK(r.status() == 0x50);
  CHECK(r.memory.load<u32>(PhysAddr(0x2000)) == 11);
}

TEST_CASE("without bus mastering, or in the wrong direction, nothing moves") {
  Rig r;
  r.enable_bus_master();
  r.config(0x04, Width::word, 1);
  r.describe(0x1000, 0, 0x2000, 512, true);
  r.lba(10, 1, 0xC8);
  r.start_bus_master(0x1000, true);
  r.clock.advance(milliseconds(1));
  CHECK(r.in(0x3F6) == 0x80);
  r.config(0x04, Width::word, 5);
  r.clock.advance(microseconds(50));
  CHECK(r.status() == 0x50);
  CHECK(r.memory.load<u32>(PhysAddr(0x2000)) == 10);
  r.lba(11, 1, 0xC8);
  r.start_bus_master(0x1000, false);
  r.clock.advance(milliseconds(1));
  CHECK(r.in(0x3F6) == 0x80);
  CHECK(r.first.content[11 * 512] == 11);
}

TEST_CASE("a DMA transfer of 65,536 sectors, and one that ends in a bad sector") {
  IdeRig r;
  r.ide.attach_disk(0, std::make_unique<VastMedium>(u64{1} << 40));
  r.ide.reset(Reset::power_on);
  r.enable_bus_master();
  for (u32 i = 0; i < 512; ++i) r.describe(0x10000, i, 0x20000, 0, i == 511);
  r.lba48(12345, 0, 0x25);
  r.start_bus_master(0x10000, true);
  r.clock.advance(milliseconds(1));
  CHECK(r.bus_master_status() == 0x04);
  CHECK(r.status() == 0x50);

  Rig bad;
  bad.enable_bus_master();
  bad.first.bad_from = 205 * 512;
  bad.first.bad_to = 206 * 512;
  bad.describe(0x1000, 0, 0x2000, 0, true);
  bad.lba(200, 20, 0xC8);
  bad.start_bus_master(0x1000, true);
  bad.clock.advance(milliseconds(1));
  CHECK(bad.status() == 0x51);
  CHECK(bad.error() == 0x40);
  CHECK((bad.in(0x1F3) | bad.in(0x1F4) << 8) == 205);
  CHECK(bad.memory.load<u32>(PhysAddr(0x2000 + 4 * 512)) == 204);
}

TEST_CASE("a table of tiny regions without an end cannot hold the machine up") {
  Rig r;
  r.enable_bus_master();
  for (u32 i = 0; i < 0x2000; ++i) r.describe(0x10000, i, 0x2000, 2, false);
  r.lba(0, 0, 0xC8);
  r.start_bus_master(0x10000, true);
  const Ticks before = r.clock.now();
  r.clock.advance(milliseconds(1));
  CHECK(r.clock.now() - before == 1'000'000);
  CHECK(r.status() == 0x50);
  CHECK(r.irq14.rises() == 1);
}

TEST_CASE("activity is the moment of the last transfer") {
  Rig r;
  r.clock.advance(seconds(3));
  r.lba(0, 1, 0x20);
  CHECK(r.ide.last_activity() >= Ticks(3'000'000'000));
}

TEST_CASE("state: a DMA transfer that waits for its drive goes on after save and load") {
  Rig a;
  a.enable_bus_master();
  a.describe(0x1000, 0, 0x2000, 1024, true);
  a.lba(33, 2, 0xC8);
  a.start_bus_master(0x1000, true);
  StateWriter writer;
  a.ide.visit(writer);
  Rig b;
  b.clock.set_now(a.clock.now());
  b.describe(0x1000, 0, 0x2000, 1024, true);
  StateReader reader(writer.bytes());
  b.ide.visit(reader);
  StateWriter again;
  b.ide.visit(again);
  CHECK(again.bytes() == writer.bytes());
  b.clock.advance(milliseconds(1));
  CHECK(b.bus_master_status() == 0x04);
  CHECK(b.memory.load<u32>(PhysAddr(0x2200)) == 34);
}

}  // namespace
}  // namespace penumbra
