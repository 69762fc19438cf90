// Floppy commands that move sectors: where they begin and end, what the seven result bytes say, and every way to fail.
#include <doctest/doctest.h>

#include "tests/support/floppy_rig.h"

namespace penumbra {
namespace {

using Bytes = std::vector<u8>;

TEST_CASE("READ DATA ends at TC with the next sector's ID") {
  FloppyRig r;
  r.start();
  CHECK(r.read(0, 0, 1, 512) == Bytes{0x00, 0, 0, 0, 0, 2, 2});
  CHECK(r.number_at(0) == 0);
  CHECK(r.read(0, 1, 3, 4 * 512) == Bytes{0x04, 0, 0, 0, 1, 7, 2});
  CHECK(r.number_at(0) == 20);
  CHECK(r.number_at(3) == 23);
  // The last sector of a track: with MT the other head or the next cylinder follows, without it the next cylinder.
  CHECK(r.read(0, 0, 18, 512) == Bytes{0x00, 0, 0, 0, 1, 1, 2});
  CHECK(r.read(0, 1, 18, 512) == Bytes{0x04, 0, 0, 1, 0, 1, 2});
  CHECK(r.read(0, 0, 18, 512, 18, 0x46) == Bytes{0x00, 0, 0, 1, 0, 1, 2});
  // A TC inside of a sector: it counts as read.
  CHECK(r.read(0, 0, 5, 100) == Bytes{0x00, 0, 0, 0, 0, 6, 2});
}

TEST_CASE("multi-track: one command reads both sides of a cylinder") {
  FloppyRig r;
  r.start();
  r.seek(0, 7);
  CHECK(r.read(7, 0, 1, 36 * 512) == Bytes{0x04, 0, 0, 8, 0, 1, 2});
  for (u32 n = 0; n < 36; ++n) REQUIRE(r.number_at(n) == 7 * 36 + n);
}

TEST_CASE("the interrupt comes with the result and goes with its first byte") {
  FloppyRig r;
  r.start();
  const int before = r.irq.rises();
  r.dma.program(512);
  r.send({0xE6, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF});
  CHECK(r.msr() == 0x10);
  CHECK(r.irq.rises() == before);
  r.clock.advance(milliseconds(1));
  CHECK(r.irq.rises() == before + 1);
  CHECK(r.msr() == 0xD0);
  r.in(0x3F5);
  CHECK_FALSE(r.irq.level());
  for (int i = 1; i < 7; ++i) r.in(0x3F5);
  CHECK(r.msr() == 0x80);
}

TEST_CASE("no TC before the end of the track is an error") {
  FloppyRig r;
  r.start();
  const Bytes result = r.read(0, 0, 17, 10 * 512, 18, 0x46);
  CHECK(result == Bytes{0x40, 0x80, 0, 1, 0, 1, 2});
  CHECK(r.number_at(1) == 17);
}

TEST_CASE("wrong cylinder, head, sector, size, rate and side") {
  FloppyRig r;
  r.start();
  CHECK(r.read(1, 0, 1, 512) == Bytes{0x40, 0x04, 0x10, 1, 0, 1, 2});
  CHECK(r.read(0, 0, 19, 512, 19) == Bytes{0x40, 0x04, 0, 0, 0, 19, 2});
  CHECK(r.read(0, 0, 0, 512)[1] == 0x04);
  r.dma.program(512);
  CHECK(r.run({0x46, 0x00, 0, 1, 1, 2, 18, 0x1B, 0xFF}) == Bytes{0x40, 0x04, 0, 0, 1, 1, 2});
  r.dma.program(512);
  CHECK(r.run({0x46, 0x00, 0, 0, 1, 3, 18, 0x1B, 0xFF})[1] == 0x04);
  r.out(0x3F7, 2);
  CHECK(r.read(0, 0, 1, 512) == Bytes{0x40, 0x01, 0, 0, 0, 1, 2});
  CHECK(r.run({0x4A, 0x00})[1] == 0x01);
  r.out(0x3F7, 0);
  CHECK(r.read(0, 0, 1, 512)[0] == 0x00);

  FloppyRig single(163'840);
  single.start(DataRate::k250);
  CHECK(single.read(0, 0, 8, 512, 8)[0] == 0x00);
  CHECK(single.read(0, 1, 1, 512, 8)[1] == 0x01);
  single.seek(0, 40);
  CHECK(single.read(40, 0, 1, 512, 8)[1] == 0x01);
}

TEST_CASE("no disk, and no drive") {
  FloppyRig r;
  r.start();
  r.fdc.change_medium(0, nullptr);
  CHECK(r.read(0, 0, 1, 512) == Bytes{0x40, 0x01, 0, 0, 0, 1, 2});
  r.dma.program(512);
  CHECK(r.run({0x46, 0x01, 0, 0, 1, 2, 18, 0x1B, 0xFF}) == Bytes{0x41, 0x01, 0, 0, 0, 1, 2});
  CHECK(r.run({0x4A, 0x02})[1] == 0x01);
}

TEST_CASE("WRITE DATA writes, pads a short sector with zeros, and respects the tab") {
  FloppyRig r;
  r.start();
  r.dma.memory.assign(2 * 512, 0x99);
  r.dma.program(600);
  CHECK(r.run({0xC5, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF}) == Bytes{0x00, 0, 0, 0, 0, 6, 2});
  CHECK(r.store.content[3 * 512] == 0x99);
  CHECK(r.store.content[4 * 512 + 87] == 0x99);
  CHECK(r.store.content[4 * 512 + 88] == 0);
  CHECK(r.store.content[5 * 512] == 5);
  r.store.read_only = true;
  CHECK(r.run({0x04, 0x00}) == Bytes{0x78});
  r.dma.program(512);
  CHECK(r.run({0xC5, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF}) == Bytes{0x40, 0x02, 0, 0, 0, 4, 2});
  CHECK(r.run({0x4D, 0x00, 2, 18, 0x54, 0xF6})[1] == 0x02);
}

TEST_CASE("a host that fails is a data error") {
  FloppyRig r;
  r.start();
  r.store.full_from = 0;
  r.dma.program(512);
  CHECK(r.run({0xC5, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF}) == Bytes{0x40, 0x20, 0x20, 0, 0, 4, 2});
  CHECK(r.store.content[3 * 512] == 3);
  r.store.bad_from = 0;
  r.store.bad_to = 512;
  CHECK(r.read(0, 0, 1, 512) == Bytes{0x40, 0x20, 0x20, 0, 0, 1, 2});
  CHECK(r.read(0, 0, 2, 512)[0] == 0);
}

TEST_CASE("an image shorter than its format reads as zeros behind its end") {
  FloppyRig r(1'300'480);
  r.start();
  r.seek(0, 79);
  CHECK(r.read(79, 1, 18, 512)[0] == 0x04);
  CHECK(r.dma.memory[100] == 0);
}

TEST_CASE("READ TRACK takes sectors from the index hole on; READ ID shows them passing") {
  FloppyRig r;
  r.start();
  r.dma.program(18 * 512);
  CHECK(r.run({0x42, 0x04, 0, 1, 1, 2, 18, 0x1B, 0xFF})[0] == 0x04);
  CHECK(r.number_at(0) == 18);
  CHECK(r.number_at(17) == 35);
  r.dma.program(18 * 512);
  const Bytes differing = r.run({0x42, 0x04, 9, 1, 1, 2, 18, 0x1B, 0xFF});
  CHECK(differing[1] == 0x04);
  CHECK(r.number_at(17) == 35);
  r.seek(0, 5);
  std::array<bool, 19> seen{};
  for (int i = 0; i < 18; ++i) {
    const Bytes id = r.run({0x4A, 0x04});
    REQUIRE(id.size() == 7);
    CHECK(id[0] == 0x04);
    CHECK(id[3] == 5);
    CHECK(id[4] == 1);
    CHECK(id[6] == 2);
    REQUIRE(id[5] <= 18);
    seen[id[5]] = true;
  }
  for (int i = 1; i <= 18; ++i) CHECK(seen[i]);
}

TEST_CASE("deleted data: a normal mark ends the read, or is skipped") {
  FloppyRig r;
  r.start();
  CHECK(r.read(0, 0, 1, 4 * 512, 18, 0x4C) == Bytes{0x00, 0, 0x40, 0, 0, 2, 2});
  CHECK(r.number_at(0) == 0);
  const Bytes skipped = r.read(0, 0, 1, 512, 18, 0x6C);
  CHECK((skipped[2] & 0x40) == 0x40);
  CHECK(r.dma.at == 0);
  r.dma.memory.assign(512, 0x31);
  r.dma.program(512);
  CHECK(r.run({0x49, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF})[0] == 0x00);
  CHECK(r.store.content[512] == 0x31);
}

TEST_CASE("VERIFY moves nothing and ends at EOT or after its count") {
  FloppyRig r;
  r.start();
  CHECK(r.run({0x56, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF}) == Bytes{0x00, 0, 0, 1, 0, 1, 2});
  CHECK(r.run({0x56, 0x80, 0, 0, 1, 2, 18, 0x1B, 3}) == Bytes{0x00, 0, 0, 0, 0, 4, 2});
  r.store.bad_from = 10 * 512;
  r.store.bad_to = 11 * 512;
  CHECK(r.run({0x56, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF}) == Bytes{0x40, 0x20, 0x20, 0, 0, 11, 2});
}

TEST_CASE("FORMAT TRACK fills the sectors whose IDs it is given") {
  FloppyRig r;
  r.start();
  r.seek(0, 2);
  for (u8 i = 0; i < 18; ++i) {
    const u8 id[4] = {2, 1, static_cast<u8>(i + 1), 2};
    r.dma.memory.insert(r.dma.memory.end(), id, id + 4);
  }
  r.dma.program(72);
  const Bytes result = r.run({0x4D, 0x04, 2, 18, 0x54, 0xF6});
  CHECK(result[0] == 0x04);
  CHECK(result[1] == 0);
  CHECK(r.store.content[(2 * 36 + 18) * 512] == 0xF6);
  CHECK(r.store.content[(2 * 36 + 36) * 512 - 1] == 0xF6);
  CHECK(load<u32>(&r.store.content[(2 * 36 + 17) * 512]) == 2 * 36 + 17);
  CHECK(load<u32>(&r.store.content[(2 * 36 + 36) * 512]) == 2 * 36 + 36);
  // Another format does not fit into the image.
  r.dma.memory = {2, 1, 19, 2};
  r.dma.program(4);
  CHECK(r.run({0x4D, 0x04, 2, 21, 0x54, 0xF6})[0] == 0x44);
}

TEST_CASE("SCAN compares the host's bytes with the disk's") {
  FloppyRig r;
  r.start();
  // The third sector's content, once for each sector that is compared with it.
  for (int i = 0; i < 3; ++i)
    r.dma.memory.insert(r.dma.memory.end(), &r.store.content[2 * 512], &r.store.content[3 * 512]);
  r.dma.program(3 * 512);
  CHECK(r.run({0x51, 0x00, 0, 0, 1, 2, 9, 0x1B, 1}) == Bytes{0x00, 0, 0x08, 0, 0, 4, 2});
  r.dma.program(2 * 512);
  CHECK(r.run({0x51, 0x00, 0, 0, 1, 2, 2, 0x1B, 1})[2] == 0x04);
  r.dma.program(512);
  CHECK(r.run({0x59, 0x00, 0, 0, 1, 2, 9, 0x1B, 1})[2] == 0x00);  // sector 1 begins with 0, below 2
  r.dma.program(512);
  CHECK(r.run({0x5D, 0x00, 0, 0, 4, 2, 9, 0x1B, 1})[2] == 0x00);  // sector 4 begins with 3, above 2
  r.dma.program(512);
  CHECK(r.run({0x5D, 0x00, 0, 0, 1, 2, 9, 0x1B, 1})[2] == 0x04);
}

TEST_CASE("implied seek") {
  FloppyRig r;
  r.start();
  r.run({0x13, 0, 0x57, 0});
  CHECK(r.read(33, 1, 2, 512) == Bytes{0x04, 0, 0, 33, 1, 3, 2});
  CHECK(r.number_at(0) == 33 * 36 + 18 + 1);
  CHECK(r.run({0x0E})[0] == 33);
}

TEST_CASE("a channel that is not programmed yet holds the transfer, not the machine") {
  FloppyRig r;
  r.start();
  r.send({0xE6, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF});
  r.clock.advance(seconds(1));
  CHECK(r.msr() == 0x10);
  CHECK(r.dma.requested);
  r.dma.program(512);
  r.clock.advance(milliseconds(1));
  CHECK(r.result() == Bytes{0x00, 0, 0, 0, 0, 2, 2});
  CHECK_FALSE(r.dma.requested);
}

TEST_CASE("without DMA each byte asks for itself, and the end of the track ends the read") {
  FloppyRig r;
  r.start();
  r.run({0x03, 0xAF, 0x03});
  const int before = r.irq.rises();
  r.send({0x46, 0, 0, 0, 18, 2, 18, 0x1B, 0xFF});
  r.clock.advance(milliseconds(1));
  Bytes data;
  while ((r.msr() & 0xF0) == 0xF0) data.push_back(r.in(0x3F5));
  CHECK(data.size() == 512);
  CHECK(data[0] == 17);
  CHECK(r.irq.rises() == before + 512 + 1);
  CHECK(r.result() == Bytes{0x40, 0x80, 0, 1, 0, 1, 2});
  r.send({0x45, 0, 0, 0, 18, 2, 18, 0x1B, 0xFF});
  r.clock.advance(milliseconds(1));
  for (int i = 0; i < 512; ++i) {
    REQUIRE((r.msr() & 0xF0) == 0xB0);
    r.out(0x3F5, 0xE7);
  }
  CHECK(r.result()[1] == 0x80);
  CHECK(r.store.content[17 * 512 + 511] == 0xE7);
}

TEST_CASE("a 1.2 MB drive steps twice for each cylinder of a 360 KB disk") {
  FloppyRig r(1'228'800);
  FakeStore old(368'640);
  old.number_sectors(512);
  r.fdc.change_medium(0, std::make_unique<FakeMedium>(old));
  r.start(DataRate::k300);
  r.seek(0, 20);
  CHECK(r.read(10, 0, 1, 512, 9)[0] == 0x00);
  CHECK(r.number_at(0) == 10 * 18);
}

TEST_CASE("state: a read that waits for DMA goes on after save and load") {
  FloppyRig a;
  a.start();
  a.seek(0, 3);
  a.send({0xE6, 0, 3, 0, 1, 2, 18, 0x1B, 0xFF});
  a.clock.advance(milliseconds(1));
  StateWriter writer;
  a.fdc.visit(writer);
  FloppyRig b;
  b.start(DataRate::k250);
  b.clock.set_now(a.clock.now());
  StateReader reader(writer.bytes());
  b.fdc.visit(reader);
  StateWriter again;
  b.fdc.visit(again);
  CHECK(again.bytes() == writer.bytes());
  b.dma.requested = true;
  b.dma.program(1024);
  b.clock.advance(milliseconds(2));
  CHECK(b.result() == Bytes{0x00, 0, 0, 3, 0, 3, 2});
  CHECK(b.number_at(1) == 3 * 36 + 1);
}

}  // namespace
}  // namespace penumbra
