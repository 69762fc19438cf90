// The ATA command set through the task file: addresses and their limits, PIO blocks and their interrupts, failures.
#include "devices/ata_drive.h"

#include <doctest/doctest.h>

#include "tests/support/ide_rig.h"

namespace penumbra {
namespace {

constexpr u32 kSectors = 16 * 63 * 20 + 100;  // twenty cylinders and a rest that only LBA reaches

struct Rig : IdeRig {
  explicit Rig(u32 sectors = kSectors) : store(sectors * 512) {
    store.number_sectors(512);
    ide.attach_disk(0, std::make_unique<FakeMedium>(store));
    ide.reset(Reset::power_on);
  }
  std::array<u16, 256> identify() {
    task(0xA0, 0, 0, 0, 0);
    command(0xEC);
    std::array<u16, 256> words;
    std::memcpy(words.data(), read_data().data(), 512);
    return words;
  }
  FakeStore store;
};

TEST_CASE("reset leaves the signature of a disk") {
  Rig r;
  CHECK(r.status() == 0x50);
  CHECK(r.in(0x1F1) == 1);
  CHECK(r.in(0x1F2) == 1);
  CHECK(r.in(0x1F3) == 1);
  CHECK(r.in(0x1F4) == 0);
  CHECK(r.in(0x1F5) == 0);
}

TEST_CASE("IDENTIFY DEVICE describes the disk, and its bytes add up to zero") {
  Rig r;
  const auto id = r.identify();
  CHECK(id[0] == 0x40);
  CHECK(id[1] == 20);
  CHECK(id[3] == 16);
  CHECK(id[6] == 63);
  CHECK((id[60] | u32{id[61]} << 16) == kSectors);
  CHECK((id[100] | u32{id[101]} << 16) == kSectors);
  CHECK((id[57] | u32{id[58]} << 16) == 20 * 16 * 63);
  CHECK((id[49] & 0x300) == 0x300);
  CHECK(id[27] == ('P' << 8 | 'E'));
  u8 sum = 0;
  for (const u16 w : id) sum = static_cast<u8>(sum + (w & 0xFF) + (w >> 8));
  CHECK(sum == 0);
  CHECK(r.alternate() == 0x50);
}

TEST_CASE("a command is busy for a moment, then each block of a PIO read comes with an interrupt") {
  Rig r;
  r.task(0xE0, 3, 7, 0, 0);
  r.out(0x1F7, 0x20);
  CHECK(r.alternate() == 0x80);
  CHECK(r.irq14.rises() == 0);
  REQUIRE(r.settle());
  for (u32 n = 0; n < 3; ++n) {
    CHECK(r.irq14.level());
    CHECK(r.status() == 0x58);
    CHECK_FALSE(r.irq14.level());
    CHECK(r.sector_number(r.read_data()) == 7 + n);
    if (n < 2) {
      CHECK(r.alternate() == 0x80);
      REQUIRE(r.settle());
    }
  }
  CHECK(r.alternate() == 0x50);
  CHECK(r.irq14.rises() == 3);
  CHECK(r.in(0x1F2) == 0);
  CHECK(r.in(0x1F3) == 9);  // the last sector read
}

TEST_CASE("PIO writes: no interrupt before the first block, one after each") {
  Rig r;
  r.lba(100, 2, 0x30);
  CHECK(r.alternate() == 0x58);
  CHECK(r.irq14.rises() == 0);
  r.write_data(std::vector<u8>(512, 0xAB));
  REQUIRE(r.settle());
  CHECK(r.irq14.rises() == 1);
  CHECK(r.status() == 0x58);
  CHECK(r.store.content[100 * 512] == 0xAB);
  CHECK(r.store.content[101 * 512] == 101);
  r.write_data(std::vector<u8>(512, 0xCD));
  REQUIRE(r.settle());
  CHECK(r.irq14.rises() == 2);
  CHECK(r.status() == 0x50);
  CHECK(r.store.content[101 * 512] == 0xCD);
}

TEST_CASE("32-bit and 8-bit data accesses: two words, and half of one") {
  Rig r;
  r.lba(5, 1, 0x20);
  CHECK(r.ports.in(0x1F0, Width::dword) == 5);
  CHECK(r.ports.in(0x1F0, Width::byte) == static_cast<u8>(5 + 4));
  CHECK(r.ports.in(0x1F0, Width::word) == static_cast<u16>((5 + 6) | (5 + 7) << 8));
  r.lba(6, 1, 0x30);
  for (u32 i = 0; i < 128; ++i) r.ports.out(0x1F0, Width::dword, 0x01020304 * i);
  r.settle();
  CHECK(load<u32>(&r.store.content[6 * 512 + 8]) == 0x02040608);
}

TEST_CASE("CHS addresses follow the translation") {
  Rig r;
  const auto read_chs = [&](u16 c, u8 h, u8 s) -> std::optional<u32> {
    r.task(static_cast<u8>(0xA0 | h), 1, s, static_cast<u8>(c), static_cast<u8>(c >> 8));
    r.command(0x20);
    if (r.alternate() & 1) return {};
    return r.sector_number(r.read_data());
  };
  CHECK(read_chs(0, 0, 1) == 0);
  CHECK(read_chs(0, 0, 63) == 62);
  CHECK(read_chs(0, 1, 1) == 63);
  CHECK(read_chs(19, 15, 63) == 20 * 16 * 63 - 1);
  CHECK_FALSE(read_chs(0, 0, 0));
  CHECK(r.error() == 0x10);
  CHECK_FALSE(read_chs(0, 0, 64));
  CHECK_FALSE(read_chs(20, 0, 1));
  // INITIALIZE DEVICE PARAMETERS: 8 heads of 17 sectors.
  r.task(0xA7, 17, 0, 0, 0);
  r.command(0x91);
  CHECK(r.status() == 0x50);
  CHECK(read_chs(1, 0, 1) == 8 * 17);
  CHECK_FALSE(read_chs(0, 8, 1));
  CHECK_FALSE(read_chs(0, 0, 18));
  CHECK(r.identify()[54] == kSectors / (8 * 17));
  CHECK(r.identify()[1] == 20);
  r.task(0xA7, 0, 0, 0, 0);
  r.command(0x91);
  CHECK(r.error() == 4);
}

TEST_CASE("a CHS read that crosses tracks and cylinders shows where it ended") {
  Rig r;
  r.task(0xAF, 2, 63, 0, 0);  // last sector of cylinder 0 and the first of cylinder 1
  r.command(0x20);
  CHECK(r.sector_number(r.read_data()) == 16 * 63 - 1);
  r.settle();
  CHECK(r.sector_number(r.read_data()) == 16 * 63);
  CHECK(r.in(0x1F3) == 1);
  CHECK(r.in(0x1F4) == 1);
  CHECK((r.in(0x1F6) & 0x0F) == 0);
}

TEST_CASE("the last sector can be read, the one behind it cannot") {
  Rig r;
  r.lba(kSectors - 1, 1, 0x20);
  CHECK(r.sector_number(r.read_data()) == kSectors - 1);
  r.lba(kSectors, 1, 0x20);
  CHECK(r.status() == 0x51);
  CHECK(r.error() == 0x10);
  r.lba(kSectors - 1, 2, 0x20);
  CHECK(r.sector_number(r.read_data()) == kSectors - 1);
  r.settle();
  CHECK(r.status() == 0x51);
  CHECK(r.error() == 0x10);
  CHECK((r.in(0x1F3) | r.in(0x1F4) << 8) == kSectors);
  r.lba(kSectors, 1, 0x30);
  CHECK(r.status() == 0x51);
  r.lba(kSectors - 1, 2, 0x40);
  CHECK(r.error() == 0x10);
  r.lba(kSectors - 2, 2, 0x40);
  CHECK(r.status() == 0x50);
}

TEST_CASE("a count of zero is 256 sectors, and 65,536 with 48-bit addresses") {
  Rig r;
  r.lba(0, 0, 0x20);
  u32 blocks = 0;
  for (; r.alternate() & 8; ++blocks) {
    REQUIRE(r.sector_number(r.read_data()) == blocks);
    r.settle();
  }
  CHECK(blocks == 256);
  r.lba48(0, 0, 0x42);
  CHECK(r.status() == 0x51);  // this disk is smaller than 65,536
  CHECK((r.in(0x1F3) | r.in(0x1F4) << 8) == kSectors);
}

TEST_CASE("48-bit addresses use both halves of the registers, which HOB shows") {
  IdeRig r;
  auto medium = std::make_unique<VastMedium>(u64{3} << 40);
  VastMedium& vast = *medium;
  r.ide.attach_disk(0, std::move(medium));
  r.ide.reset(Reset::power_on);
  const u64 sector = 0x1'2345'6789;
  r.lba48(sector, 1, 0x24);
  CHECK(r.alternate() == 0x58);
  CHECK(vast.last_offset == sector * 512);
  r.read_data();
  r.lba48((u64{3} << 40) / 512 - 1, 2, 0x24);
  r.read_data();
  r.settle();
  CHECK(r.status() == 0x51);
  CHECK(r.in(0x1F5) == 0x00);
  CHECK(r.in(0x1F6) == 0xE0);
  r.out(0x3F6, 0x80);
  CHECK(r.in(0x1F3) == 0x80);  // 1'8000'0000h
  CHECK(r.in(0x1F4) == 0x01);
  r.out(0x1F3, 0);  // any write ends HOB
  CHECK(r.in(0x1F4) == 0);
  r.task(0xE0, 0, 0, 0, 0);
  r.command(0x27);
  r.out(0x3F6, 0x80);
  CHECK(r.in(0x1F4) == 0x01);
  CHECK(r.in(0x1F3) == 0x7F);
  r.task(0xE0, 0, 0, 0, 0);
  r.command(0xF8);
  CHECK(r.in(0x1F3) == 0xFF);
  CHECK((r.in(0x1F6) & 15) == 15);
}

TEST_CASE("READ and WRITE MULTIPLE move blocks of sectors and need SET MULTIPLE first") {
  Rig r;
  r.lba(0, 4, 0xC4);
  CHECK(r.status() == 0x51);
  CHECK(r.error() == 4);
  r.task(0xE0, 3, 0, 0, 0);
  r.command(0xC6);
  CHECK(r.error() == 4);
  r.task(0xE0, 4, 0, 0, 0);
  r.command(0xC6);
  CHECK(r.status() == 0x50);
  CHECK(r.identify()[59] == 0x104);
  const int before = r.irq14.rises();
  r.lba(10, 6, 0xC4);
  CHECK(r.status() == 0x58);
  CHECK(r.sector_number(r.read_data(4 * 512)) == 10);
  r.settle();
  CHECK(r.status() == 0x58);
  const std::vector<u8> rest = r.read_data(2 * 512);
  CHECK(load<u32>(&rest[512]) == 15);
  CHECK(r.alternate() == 0x50);
  CHECK(r.irq14.rises() == before + 2);
  r.lba(20, 6, 0xC5);
  r.write_data(std::vector<u8>(4 * 512, 1));
  r.settle();
  CHECK(r.status() == 0x58);
  r.write_data(std::vector<u8>(2 * 512, 2));
  r.settle();
  CHECK(r.status() == 0x50);
  CHECK(r.store.content[23 * 512] == 1);
  CHECK(r.store.content[25 * 512 + 511] == 2);
  CHECK(r.store.content[26 * 512] == 26);
}

TEST_CASE("a bad sector is named, and the ones before it are delivered") {
  Rig r;
  r.store.bad_from = 1002 * 512;
  r.store.bad_to = 1003 * 512;
  r.lba(1000, 5, 0x20);
  for (u32 n = 1000; n < 1002; ++n) {
    CHECK(r.sector_number(r.read_data()) == n);
    r.settle();
  }
  CHECK(r.status() == 0x51);
  CHECK(r.error() == 0x40);
  CHECK((r.in(0x1F3) | r.in(0x1F4) << 8) == 1002);
  CHECK(r.in(0x1F2) == 3);
  r.lba(1000, 5, 0x40);
  CHECK(r.error() == 0x40);
  CHECK((r.in(0x1F3) | r.in(0x1F4) << 8) == 1002);
}

TEST_CASE("a full host disk is a device fault at the sector, and the drive goes on working") {
  Rig r;
  r.store.full_from = 50 * 512;
  r.lba(49, 2, 0x30);
  r.write_data(std::vector<u8>(512, 1));
  r.settle();
  r.write_data(std::vector<u8>(512, 2));
  r.settle();
  CHECK(r.irq14.rises() == 1);
  CHECK(r.status() == 0x71);
  CHECK(r.error() == 4);
  CHECK(r.in(0x1F3) == 50);
  CHECK(r.store.content[50 * 512] == 50);
  r.lba(49, 1, 0x20);
  CHECK(r.read_data()[0] == 1);
  CHECK(r.status() == 0x50);
}

TEST_CASE("a flush reaches the image, and its failure the guest") {
  Rig r;
  r.lba(0, 0, 0xE7);
  CHECK(r.status() == 0x50);
  CHECK(r.irq14.rises() == 1);
  CHECK(r.store.flushes == 1);
  r.store.flush_fails = true;
  r.lba(0, 0, 0xEA);
  CHECK(r.status() == 0x71);
}

TEST_CASE("without its write cache the drive flushes at the end of each write") {
  Rig r;
  r.task(0xE0, 0, 0, 0, 0, 0x82);
  r.command(0xEF);
  CHECK((r.identify()[85] & 0x20) == 0);
  const u32 before = r.store.flushes;
  r.lba(3, 1, 0x30);
  r.write_data(std::vector<u8>(512, 1));
  r.settle();
  CHECK(r.store.flushes == before + 1);
}

TEST_CASE("a read-only disk refuses writes") {
  Rig r;
  r.store.read_only = true;
  for (const u8 command : {0x30, 0x34, 0xC5, 0xCA, 0x35}) {
    r.lba(0, 1, command);
    CHECK(r.status() == 0x51);
    CHECK(r.error() == 4);
  }
}

TEST_CASE("unknown commands abort, and those of packet devices too") {
  Rig r;
  for (const u8 command : {0x00, 0x08, 0x22, 0x50, 0xA0, 0xA1, 0xB0, 0xDA, 0xF6, 0xFF}) {
    r.lba(0, 1, command);
    CHECK(r.status() == 0x51);
    CHECK(r.error() == 4);
  }
}

TEST_CASE("SET FEATURES selects transfer modes that IDENTIFY shows") {
  Rig r;
  r.task(0xE0, 0x21, 0, 0, 0, 3);
  r.command(0xEF);
  CHECK(r.status() == 0x50);
  CHECK(r.identify()[63] == 0x0207);
  r.task(0xE0, 0x44, 0, 0, 0, 3);
  r.command(0xEF);
  CHECK(r.identify()[88] == 0x103F);
  CHECK(r.identify()[63] == 0x0007);
  for (const u8 mode : {0x0D, 0x10, 0x23, 0x46}) {
    r.task(0xE0, mode, 0, 0, 0, 3);
    r.command(0xEF);
    CHECK(r.error() == 4);
  }
}

TEST_CASE("power modes, RECALIBRATE, SEEK and the sector buffer") {
  Rig r;
  r.lba(0, 0, 0xE5);
  CHECK(r.in(0x1F2) == 0xFF);
  r.lba(0, 0, 0xE0);
  r.lba(0, 0, 0xE5);
  CHECK(r.in(0x1F2) == 0x00);
  r.lba(0, 1, 0x40);
  r.lba(0, 0, 0xE5);
  CHECK(r.in(0x1F2) == 0xFF);
  r.task(0xA0, 1, 1, 5, 0);
  r.command(0x1F);
  CHECK(r.status() == 0x50);
  CHECK(r.in(0x1F4) == 0);
  r.task(0xA0, 1, 1, 19, 0);
  r.command(0x70);
  CHECK(r.status() == 0x50);
  r.task(0xA0, 1, 1, 20, 0);
  r.command(0x70);
  CHECK(r.error() == 0x10);
  r.lba(0, 1, 0xE8);
  std::vector<u8> data(512);
  for (u32 i = 0; i < 512; ++i) data[i] = static_cast<u8>(i * 7);
  r.write_data(data);
  r.settle();
  CHECK(r.status() == 0x50);
  r.lba(0, 1, 0xE4);
  CHECK(r.read_data() == data);
}

TEST_CASE("a busy drive is deaf; one that waits for data gives up for a new command") {
  Rig r;
  r.task(0xE0, 1, 9, 0, 0);
  r.out(0x1F7, 0x20);
  r.out(0x1F3, 77);
  r.out(0x1F7, 0xEC);
  r.settle();
  CHECK(r.sector_number(r.read_data()) == 9);
  r.lba(9, 4, 0x20);
  CHECK(r.alternate() == 0x58);
  r.lba(11, 1, 0x20);
  CHECK(r.sector_number(r.read_data()) == 11);
}

TEST_CASE("the geometry of an old disk is found in its partition table") {
  FakeStore store(306 * 4 * 17 * 512);
  u8* entry = &store.content[0x1BE];
  store.content[510] = 0x55;
  store.content[511] = 0xAA;
  const u8 partition[16] = {0x80, 1, 1, 0, 1, 3, 17 | 0x40, 304 & 0xFF, 17, 0, 0, 0, 0, 0, 0, 0};
  std::memcpy(entry, partition, 16);
  penumbra::store<u32>(entry + 12, 305 * 4 * 17 - 17);
  FakeMedium medium(store);
  CHECK(geometry_of(medium) == AtaGeometry{306, 4, 17});
  penumbra::store<u32>(entry + 12, 305 * 4 * 17 - 18);  // an end that does not agree
  CHECK(geometry_of(medium) == AtaGeometry{20, 16, 63});
}

TEST_CASE("state: a PIO transfer goes on after save and load, in either direction") {
  Rig a;
  a.lba(40, 3, 0x20);
  a.read_data();
  a.settle();
  a.ports.in(0x1F0, Width::dword);
  StateWriter writer;
  a.ide.visit(writer);
  Rig b;
  b.clock.set_now(a.clock.now());
  b.lba(1, 1, 0x30);
  StateReader reader(writer.bytes());
  b.ide.visit(reader);
  StateWriter again;
  b.ide.visit(again);
  CHECK(again.bytes() == writer.bytes());
  CHECK(b.alternate() == 0x58);
  b.read_data(508);
  b.settle();
  CHECK(b.sector_number(b.read_data()) == 42);
  CHECK(b.alternate() == 0x50);

  b.lba(60, 2, 0x30);
  b.write_data(std::vector<u8>(512, 7));
  StateWriter busy;
  b.ide.visit(busy);
  a.ide.reset(Reset::hard);
  a.clock.set_now(b.clock.now());
  StateReader busy_reader(busy.bytes());
  a.ide.visit(busy_reader);
  a.settle();
  a.write_data(std::vector<u8>(512, 8));
  a.settle();
  CHECK(a.store.content[60 * 512] == 7);
  CHECK(a.store.content[61 * 512] == 8);
}

}  // namespace
}  // namespace penumbra
