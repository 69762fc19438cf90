// The CD drive: the PACKET protocol by PIO and DMA, sense data, media changes, and what it says of a disc.
#include "devices/atapi_drive.h"

#include <doctest/doctest.h>

#include "tests/support/ide_rig.h"

namespace penumbra {
namespace {

using Bytes = std::vector<u8>;

constexpr u32 kSectors = 300;

u32 big_32(const Bytes& bytes, std::size_t at) {
  return u32{bytes[at]} << 24 | u32{bytes[at + 1]} << 16 | u32{bytes[at + 2]} << 8 | bytes[at + 3];
}

// A CD drive as the secondary master.
struct Rig : IdeRig {
  explicit Rig(bool with_disc = true) : store(kSectors * 2048) {
    base = 0x170;
    control = 0x376;
    store.read_only = true;
    store.number_sectors(2048);
    ide.attach_cdrom(2, with_disc ? disc() : nullptr);
    ide.reset(Reset::power_on);
  }
  std::unique_ptr<BlockDevice> disc() { return std::make_unique<FakeMedium>(store); }
  // The unit attention of power-on is told and done with.
  void settle_attention() { ask({0x00}); }
  bool failed() { return status() & 1; }
  FakeStore store;
};

TEST_CASE("reset leaves the signature of a packet device, without DRDY") {
  Rig r;
  CHECK(r.status() == 0x00);
  CHECK(r.in(0x172) == 1);
  CHECK(r.in(0x173) == 1);
  CHECK(r.in(0x174) == 0x14);
  CHECK(r.in(0x175) == 0xEB);
}

TEST_CASE("disk commands abort and show the signature; DEVICE RESET works even while busy") {
  Rig r;
  for (const u8 command : {0xEC, 0x20}) {
    r.task(0xA0, 9, 9, 9, 9);
    r.command(command);
    CHECK(r.status() == 0x51);
    CHECK(r.error() == 0x04);
    CHECK(r.in(0x174) == 0x14);
    CHECK(r.in(0x175) == 0xEB);
  }
  r.out(0x177, 0xA1);
  CHECK(r.alternate() == 0x80);
  const int before = r.irq15.rises();
  r.out(0x177, 0x08);
  REQUIRE(r.settle());
  CHECK(r.status() == 0x00);
  CHECK(r.irq15.rises() == before);
  CHECK(r.in(0x175) == 0xEB);
}

TEST_CASE("IDENTIFY PACKET DEVICE") {
  Rig r;
  r.command(0xA1);
  CHECK(r.irq15.level());
  const Bytes id = r.read_data();
  CHECK(load<u16>(&id[0]) == 0x85C0);
  u8 sum = 0;
  for (const u8 byte : id) sum = static_cast<u8>(sum + byte);
  CHECK(sum == 0);
  CHECK(r.status() == 0x50);
}

TEST_CASE("the phases of a packet command, with their interrupt reasons") {
  Rig r;
  r.settle_attention();
  const int before = r.irq15.rises();
  r.task(0xA0, 0, 0, 0x00, 0x08);
  r.command(0xA0);
  CHECK(r.alternate() == 0x58);
  CHECK((r.in(0x172) & 3) == 1);  // C/D: send the packet
  CHECK(r.irq15.rises() == before);
  const u8 read[12] = {0x28, 0, 0, 0, 0, 5, 0, 0, 2};
  r.write_data(read);
  CHECK(r.alternate() == 0x80);
  REQUIRE(r.settle());
  for (u32 n = 5; n < 7; ++n) {
    CHECK(r.irq15.level());
    CHECK(r.status() == 0x58);
    CHECK((r.in(0x172) & 3) == 2);  // I/O: take data
    CHECK((r.in(0x174) | r.in(0x175) << 8) == 2048);
    CHECK(r.sector_number(r.read_data(2048)) == n);
    REQUIRE(r.settle());
  }
  CHECK(r.irq15.level());
  CHECK(r.status() == 0x50);
  CHECK((r.in(0x172) & 3) == 3);  // both: done
  CHECK(r.irq15.rises() == before + 3);
}

TEST_CASE("blocks keep below the byte count limit") {
  Rig r;
  r.settle_attention();
  const auto blocks = [&](u16 limit) {
    r.packet(Bytes{0xA8, 0, 0, 0, 0, 0, 0, 0, 0, 40}, limit);
    u32 count = 0;
    std::size_t bytes = 0;
    for (; r.alternate() & 8; ++count) {
      const std::size_t block = r.in(0x174) | r.in(0x175) << 8;
      REQUIRE(block <= (limit ? limit : 0xFFFE));
      r.read_data(block);
      bytes += block;
      r.settle();
    }
    CHECK(bytes == 40 * 2048);
    return count;
  };
  CHECK(blocks(2048) == 40);
  CHECK(blocks(0x1000) == 21);  // 31 sectors are staged at a time
  CHECK(blocks(0) == 2);
  CHECK(blocks(0xFFFF) == 2);
  CHECK(blocks(513) == 40 * 4);
}

TEST_CASE("an answer of odd length is padded to a word, and its count says so") {
  Rig r;
  r.packet(Bytes{0x12, 0, 0, 0, 7});
  CHECK((r.in(0x174) | r.in(0x175) << 8) == 7);
  r.read_data(8);
  r.settle();
  CHECK(r.status() == 0x50);
}

TEST_CASE("INQUIRY and REQUEST SENSE pass a pending unit attention; others report it once") {
  Rig r;
  const Bytes inquiry = r.ask({0x12, 0, 0, 0, 96});
  REQUIRE(inquiry.size() == 36);
  CHECK(inquiry[0] == 5);
  CHECK(inquiry[1] == 0x80);
  CHECK(std::string(inquiry.begin() + 8, inquiry.begin() + 16) == "PENUMBRA");
  r.ask({0x00});
  CHECK(r.status() == 0x51);
  CHECK(r.error() == 0x60);
  CHECK(r.sense() == 0x629);
  CHECK(r.sense() == 0x000);
  r.ask({0x00});
  CHECK(r.status() == 0x50);
}

TEST_CASE("without a disc: not ready, and MODE SENSE says so") {
  Rig r(false);
  r.settle_attention();
  r.ask({0x00});
  CHECK(r.error() == 0x20);
  CHECK(r.sense() == 0x23A);
  for (const u8 op : {0x25, 0x28, 0x43, 0x42, 0xBE, 0x51}) {
    r.ask({op});
    CHECK(r.failed());
    CHECK(r.sense() == 0x23A);
  }
  CHECK(r.ask({0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 64})[2] == 0x70);
}

TEST_CASE("READ CAPACITY, and reads at both ends of the disc") {
  Rig r;
  r.settle_attention();
  const Bytes capacity = r.ask({0x25});
  CHECK(big_32(capacity, 0) == kSectors - 1);
  CHECK(big_32(capacity, 4) == 2048);
  CHECK(r.sector_number(r.ask({0x28, 0, 0, 0, (kSectors - 1) >> 8, (kSectors - 1) & 0xFF, 0, 0, 1})) == kSectors - 1);
  r.ask({0x28, 0, 0, 0, kSectors >> 8, kSectors & 0xFF, 0, 0, 1});
  CHECK(r.error() == 0x54);
  CHECK(r.sense() == 0x521);
  r.ask({0x28, 0, 0, 0, (kSectors - 1) >> 8, (kSectors - 1) & 0xFF, 0, 0, 2});
  CHECK(r.sense() == 0x521);
  r.ask({0xA8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
  CHECK(r.sense() == 0x521);
  CHECK(r.ask({0x28}).empty());  // no sectors: nothing to do
  CHECK_FALSE(r.failed());
}

TEST_CASE("an image that ends inside of a sector is padded") {
  Rig r(false);
  FakeStore odd(5000);
  odd.content.assign(5000, 0xEE);
  r.ide.change_medium(2, std::make_unique<FakeMedium>(odd));
  r.ask({0x00});
  r.ask({0x00});
  CHECK(big_32(r.ask({0x25}), 0) == 2);
  const Bytes last = r.ask({0x28, 0, 0, 0, 0, 2, 0, 0, 1});
  REQUIRE(last.size() == 2048);
  CHECK(last[903] == 0xEE);
  CHECK(last[904] == 0);
}

TEST_CASE("a sector the host cannot read is a medium error") {
  Rig r;
  r.settle_attention();
  r.store.bad_from = 100 * 2048;
  r.store.bad_to = 101 * 2048;
  r.ask({0x28, 0, 0, 0, 0, 100, 0, 0, 1});
  CHECK(r.error() == 0x30);
  CHECK(r.sense() == 0x311);
}

TEST_CASE("READ CD gives user data and refuses the rest") {
  Rig r;
  r.settle_attention();
  CHECK(r.sector_number(r.ask({0xBE, 0, 0, 0, 0, 9, 0, 0, 1, 0x10})) == 9);
  CHECK(r.sector_number(r.ask({0xBE, 2 << 2, 0, 0, 0, 9, 0, 0, 1, 0x10})) == 9);
  CHECK(r.sector_number(r.ask({0xB9, 0, 0, 0, 2, 9, 0, 2, 10, 0x10})) == 9);
  CHECK(r.ask({0xBE, 0, 0, 0, 0, 9, 0, 0, 1, 0x00}).empty());
  CHECK_FALSE(r.failed());
  r.ask({0xBE, 0, 0, 0, 0, 9, 0, 0, 1, 0xF8});
  CHECK(r.sense() == 0x524);
  r.ask({0xBE, 1 << 2, 0, 0, 0, 9, 0, 0, 1, 0x10});
  CHECK(r.sense() == 0x564);
  r.ask({0xB9, 0, 0, 0, 0, 9, 0, 0, 10, 0x10});
  CHECK(r.sense() == 0x521);
}

TEST_CASE("READ TOC: tracks, sessions and the lead-in, in blocks and in minutes") {
  Rig r;
  r.settle_attention();
  CHECK(r.ask({0x43, 0, 0, 0, 0, 0, 0, 0, 64}) ==
        Bytes{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0, 0, 0, kSectors >> 8, kSectors & 0xFF});
  CHECK(r.ask({0x43, 2, 0, 0, 0, 0, 1, 0, 64}) ==
        Bytes{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 2, 0, 0, 0x14, 0xAA, 0, 0, 0, 6, 0});
  CHECK(r.ask({0x43, 0, 0, 0, 0, 0, 0xAA, 0, 64}).size() == 12);
  CHECK(r.ask({0x43, 0, 0, 0, 0, 0, 0, 0, 4}) == Bytes{0, 18, 1, 1});
  CHECK(r.ask({0x43, 0, 1, 0, 0, 0, 0, 0, 64}) == Bytes{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0});
  CHECK(r.ask({0x43, 0, 0, 0, 0, 0, 0, 0, 64, 0x40}) == Bytes{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0});
  const Bytes raw = r.ask({0x43, 2, 2, 0, 0, 0, 0, 1, 0});
  REQUIRE(raw.size() == 48);
  CHECK(raw[1] == 46);
  CHECK(raw[4 + 3] == 0xA0);
  CHECK(raw[4 + 22 + 3] == 0xA2);
  CHECK(raw[4 + 22 + 9] == 6);
  CHECK(raw[4 + 33 + 9] == 2);
  r.ask({0x43, 0, 0, 0, 0, 0, 2, 0, 64});
  CHECK(r.sense() == 0x524);
  r.ask({0x43, 0, 5, 0, 0, 0, 0, 0, 64});
  CHECK(r.sense() == 0x524);
}

TEST_CASE("mode pages") {
  Rig r;
  r.settle_attention();
  const Bytes caps = r.ask({0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 128});
  REQUIRE(caps.size() == 28);
  CHECK(caps[1] == 26);
  CHECK(caps[2] == 0x01);
  CHECK(caps[8] == 0x2A);
  CHECK(caps[9] == 18);
  CHECK((caps[14] & 0x02) == 0);
  CHECK(r.ask({0x5A, 0, 0x01, 0, 0, 0, 0, 0, 128}).size() == 16);
  CHECK(r.ask({0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0}).size() == 8 + 8 + 8 + 16 + 20);
  CHECK(r.ask({0x1A, 0, 0x2A, 0, 64}).size() == 24);
  r.ask({0x5A, 0, 0x05, 0, 0, 0, 0, 0, 128});
  CHECK(r.sense() == 0x524);
  r.ask({0x5A, 0, 0xC0 | 0x2A, 0, 0, 0, 0, 0, 128});
  CHECK(r.sense() == 0x539);
  // MODE SELECT sets the volume, which MODE SENSE then shows.
  r.packet(Bytes{0x55, 0x10, 0, 0, 0, 0, 0, 0, 24});
  CHECK((r.in(0x172) & 3) == 0);
  Bytes list(24);
  list[8] = 0x0E;
  list[9] = 14;
  list[8 + 9] = 0x33;
  r.write_data(list);
  r.settle();
  CHECK(r.status() == 0x50);
  CHECK(r.ask({0x5A, 0, 0x0E, 0, 0, 0, 0, 0, 128})[8 + 9] == 0x33);
  r.packet(Bytes{0x55, 0x10, 0, 0, 0, 0, 0, 0, 12});
  r.write_data(Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0x0E, 14, 0, 0});
  r.settle();
  CHECK(r.sense() == 0x51A);
}

TEST_CASE("the door: eject, load, lock") {
  Rig r;
  r.settle_attention();
  r.ask({0x1E, 0, 0, 0, 1});
  CHECK((r.ask({0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 128})[14] & 0x02) == 2);
  r.ask({0x1B, 0, 0, 0, 2});
  CHECK(r.sense() == 0x553);
  r.ask({0x1E});
  r.ask({0x1B, 0, 0, 0, 2});
  CHECK_FALSE(r.failed());
  r.ask({0x00});
  CHECK(r.sense() == 0x23A);
  CHECK(r.ask({0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8})[1] == 0x10);
  CHECK(r.ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}) == Bytes{0, 6, 4, 0x10, 3, 1, 0, 0});
  r.ask({0x1B, 0, 0, 0, 3});
  r.ask({0x00});
  CHECK(r.sense() == 0x628);
  r.ask({0x00});
  CHECK(r.status() == 0x50);
}

TEST_CASE("a disc exchanged by hand is told as attention and as event, and breaks a read under way") {
  Rig r;
  r.settle_attention();
  CHECK(r.ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}) == Bytes{0, 6, 4, 0x10, 0, 2, 0, 0});
  r.packet(Bytes{0x28, 0, 0, 0, 0, 0, 0, 0, 100});
  FakeStore other(7 * 2048);
  r.ide.change_medium(2, std::make_unique<FakeMedium>(other));
  r.answer();
  CHECK(r.status() == 0x51);
  CHECK(r.sense() == 0x628);
  CHECK(big_32(r.ask({0x25}), 0) == 6);
  CHECK(r.ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8})[4] == 2);
  CHECK(r.ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8})[4] == 0);
  r.ide.change_medium(2, nullptr);
  CHECK(r.ask({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}) == Bytes{0, 6, 4, 0x10, 3, 0, 0, 0});
  r.ask({0x00});
  CHECK(r.sense() == 0x23A);
  CHECK(r.ask({0x4A, 1, 0, 0, 0x02, 0, 0, 0, 8}) == Bytes{0, 2, 0x80, 0x10});
  r.ask({0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8});
  CHECK(r.sense() == 0x524);
}

TEST_CASE("GET CONFIGURATION: a CD-ROM drive with a CD, or a DVD") {
  Rig r;
  r.settle_attention();
  const Bytes all = r.ask({0x46, 0, 0, 0, 0, 0, 0, 1, 0});
  CHECK(big_32(all, 0) == all.size() - 4);
  CHECK(all[7] == 0x08);
  const Bytes one = r.ask({0x46, 2, 0, 0x10, 0, 0, 0, 1, 0});
  REQUIRE(one.size() == 20);
  CHECK(one[9] == 0x10);
  CHECK(big_32(one, 12) == 2048);
  CHECK(r.ask({0x46, 2, 0x7F, 0, 0, 0, 0, 1, 0}).size() == 8);
  r.ask({0xAD, 0, 0, 0, 0, 0, 0, 0, 0, 64});
  CHECK(r.sense() == 0x530);
  r.ide.change_medium(2, std::make_unique<VastMedium>(u64{4} << 30));
  r.ask({0x00});
  CHECK(r.ask({0x46, 0, 0, 0, 0, 0, 0, 1, 0})[7] == 0x10);
  CHECK(r.ask({0xAD, 0, 0, 0, 0, 0, 0, 0, 0x10, 0}).size() == 2052);
}

TEST_CASE("disc and track information, position, header, speed") {
  Rig r;
  r.settle_attention();
  CHECK(r.ask({0x51, 0, 0, 0, 0, 0, 0, 0, 64}).size() == 34);
  CHECK(big_32(r.ask({0x52, 1, 0, 0, 0, 1, 0, 0, 64}), 24) == kSectors);
  CHECK(r.ask({0x44, 0, 0, 0, 0, 5, 0, 0, 8}) == Bytes{1, 0, 0, 0, 0, 0, 0, 5});
  r.ask({0x2B, 0, 0, 0, 0, 77});
  CHECK(big_32(r.ask({0x42, 0, 0x40, 1, 0, 0, 0, 0, 16}), 8) == 77);
  CHECK(r.ask({0x42, 0, 0, 0, 0, 0, 0, 0, 16}) == Bytes{0, 0x15, 0, 0});
  r.ask({0xBB, 0, 0xFF, 0xFF});
  CHECK_FALSE(r.failed());
  r.ask({0x45});
  CHECK(r.sense() == 0x564);
  r.ask({0xF0});
  CHECK(r.sense() == 0x520);
}

TEST_CASE("packets by DMA") {
  Rig r;
  r.settle_attention();
  r.enable_bus_master();
  r.describe(0x1000, 0, 0x10000, 0, false);
  r.describe(0x1000, 1, 0x20000, 0x4000, true);
  r.packet(Bytes{0x28, 0, 0, 0, 0, 3, 0, 0, 40}, 0, 1);
  CHECK(r.alternate() == 0x80);
  r.ports.out(0xC00C, Width::dword, 0x1000);
  r.out(0xC008, 0x08);
  r.out(0xC008, 0x09);
  r.clock.advance(milliseconds(1));
  CHECK(r.in(0xC00A) == 0x04);
  CHECK(r.status() == 0x50);
  CHECK((r.in(0x172) & 3) == 3);
  CHECK(r.memory.load<u32>(PhysAddr(0x10000)) == 3);
  CHECK(r.memory.load<u32>(PhysAddr(0x20000 + 7 * 2048)) == 42);
  // A command that fails or has no data needs no DMA.
  r.packet(Bytes{0x28, 0, 0xFF, 0, 0, 3, 0, 0, 40}, 0, 1);
  CHECK(r.status() == 0x51);
  r.packet(Bytes{0x00}, 0, 1);
  CHECK(r.status() == 0x50);
}

TEST_CASE("state: a read in the middle of its blocks goes on after save and load") {
  Rig a;
  a.settle_attention();
  a.packet(Bytes{0x28, 0, 0, 0, 0, 0, 0, 0, 70}, 2048);
  for (u32 n = 0; n < 33; ++n) {
    REQUIRE(a.sector_number(a.read_data(2048)) == n);
    a.settle();
  }
  a.ports.in(0x170, Width::word);
  StateWriter writer;
  a.ide.visit(writer);
  Rig b;
  b.clock.set_now(a.clock.now());
  StateReader reader(writer.bytes());
  b.ide.visit(reader);
  StateWriter again;
  b.ide.visit(again);
  CHECK(again.bytes() == writer.bytes());
  b.read_data(2046);
  b.settle();
  for (u32 n = 34; n < 70; ++n) {
    REQUIRE(b.sector_number(b.read_data(2048)) == n);
    b.settle();
  }
  CHECK(b.status() == 0x50);
}

}  // namespace
}  // namespace penumbra
