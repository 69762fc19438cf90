// The floppy controller against the 82077AA datasheet: registers, resets, seeks, drive and disk state.
#include "devices/floppy_82077.h"

#include <doctest/doctest.h>

#include "core/base/error.h"
#include "tests/support/floppy_rig.h"

namespace penumbra {
namespace {

using Bytes = std::vector<u8>;

TEST_CASE("formats are known by their size, odd ones fit into the next larger") {
  const auto is = [](u64 bytes, unsigned c, unsigned h, unsigned s) {
    const FloppyGeometry& g = floppy_geometry(bytes);
    return g.cylinders == c && g.heads == h && g.sectors == s;
  };
  CHECK(is(160 << 10, 40, 1, 8));
  CHECK(is(180 << 10, 40, 1, 9));
  CHECK(is(320 << 10, 40, 2, 8));
  CHECK(is(360 << 10, 40, 2, 9));
  CHECK(is(720 << 10, 80, 2, 9));
  CHECK(is(1'228'800, 80, 2, 15));
  CHECK(is(1'474'560, 80, 2, 18));
  CHECK(is(1'720'320, 80, 2, 21));
  CHECK(is(1'763'328, 82, 2, 21));
  CHECK(is(2'949'120, 80, 2, 36));
  CHECK(is(512, 40, 1, 8));
  CHECK(is(1'300'000, 80, 2, 18));
  CHECK(is(u64{1} << 40, 80, 2, 36));
}

TEST_CASE("CMOS types follow from the first disk") {
  const auto type = [](std::size_t bytes) { return FloppyRig(bytes).fdc.cmos_type(0); };
  CHECK(type(368'640) == 1);
  CHECK(type(1'228'800) == 2);
  CHECK(type(737'280) == 4);
  CHECK(type(1'474'560) == 4);
  CHECK(type(2'949'120) == 5);
  FloppyRig r;
  CHECK(r.fdc.cmos_type(1) == 0);
  CHECK_THROWS_AS(r.fdc.change_medium(1, nullptr), ConfigError);
  CHECK_THROWS_AS(r.fdc.change_medium(9, nullptr), ConfigError);
  r.fdc.attach(1, nullptr);
  CHECK(r.fdc.cmos_type(1) == 4);
}

TEST_CASE("reset: silent while held, then one interrupt and four statuses") {
  FloppyRig r;
  CHECK(r.msr() == 0);
  r.out(0x3F5, 0x10);
  CHECK(r.msr() == 0);
  r.out(0x3F2, 0x0C);
  r.clock.advance(milliseconds(1));
  CHECK(r.irq.level());
  CHECK(r.irq.rises() == 1);
  CHECK(r.msr() == 0x80);
  for (u8 i = 0; i < 4; ++i) {
    CHECK(r.run({0x08}) == Bytes{static_cast<u8>(0xC0 | i), 0});
    CHECK_FALSE(r.irq.level());
  }
  CHECK(r.irq.rises() == 1);
  CHECK(r.run({0x08}) == Bytes{0x80});
}

TEST_CASE("DSR resets too; LOCK keeps what CONFIGURE set, and without polling a reset is silent") {
  FloppyRig r;
  r.start();
  r.run({0x94});
  r.run({0x13, 0, 0x37, 0});
  const int before = r.irq.rises();
  r.out(0x3F4, 0x80);
  CHECK(r.msr() == 0);
  r.clock.advance(milliseconds(1));
  CHECK(r.msr() == 0x80);
  CHECK(r.irq.rises() == before);
  CHECK(r.run({0x0E})[8] == 0x37);
  r.run({0x14});
  r.out(0x3F4, 0x80);
  r.clock.advance(milliseconds(1));
  CHECK(r.irq.rises() == before + 1);
  CHECK(r.run({0x0E})[8] == 0x20);
}

TEST_CASE("the gate of DOR holds the interrupt back") {
  FloppyRig r;
  r.out(0x3F2, 0x04);
  r.clock.advance(milliseconds(1));
  CHECK_FALSE(r.irq.level());
  r.out(0x3F2, 0x0C);
  CHECK(r.irq.level());
}

TEST_CASE("VERSION, LOCK, DUMPREG, PERPENDICULAR, and what is invalid") {
  FloppyRig r;
  r.start();
  CHECK(r.run({0x10}) == Bytes{0x90});
  CHECK(r.run({0x94}) == Bytes{0x10});
  CHECK(r.run({0x14}) == Bytes{0x00});
  CHECK(r.run({0x18}) == Bytes{0x80});
  CHECK(r.run({0x00}) == Bytes{0x80});
  CHECK(r.run({0xFF}) == Bytes{0x80});
  CHECK(r.run({0x13, 0, 0x5A, 0x21}).empty());
  CHECK(r.run({0x12, 0x84 | 0x03}).empty());
  CHECK(r.run({0x12, 0x00}).empty());  // without OW only GAP and WGATE change
  r.seek(0, 9);
  CHECK(r.run({0x0E}) == Bytes{9, 0, 0, 0, 0xAF, 0x02, 0, 0x04, 0x5A, 0x21});
}

TEST_CASE("SEEK and RECALIBRATE: drive busy, an interrupt, and the status") {
  FloppyRig r;
  r.start();
  const int before = r.irq.rises();
  r.send({0x0F, 0x00, 40});
  CHECK(r.msr() == 0x81);
  CHECK(r.irq.rises() == before);
  r.clock.advance(milliseconds(20));
  CHECK(r.irq.rises() == before + 1);
  CHECK(r.msr() == 0x80);
  CHECK(r.run({0x08}) == Bytes{0x20, 40});
  CHECK_FALSE(r.irq.level());
  CHECK(r.run({0x04, 0x00}) == Bytes{0x28});
  r.send({0x07, 0x00});
  r.clock.advance(milliseconds(20));
  CHECK(r.run({0x08}) == Bytes{0x20, 0});
  CHECK(r.run({0x04, 0x04}) == Bytes{0x3C});
  // Relative: seven in, three out.
  r.send({0xCF, 0x00, 7});
  r.clock.advance(milliseconds(20));
  CHECK(r.run({0x08}) == Bytes{0x20, 7});
  r.send({0x8F, 0x00, 3});
  r.clock.advance(milliseconds(20));
  CHECK(r.run({0x08}) == Bytes{0x20, 4});
  CHECK(r.fdc.drive(0).cylinder() == 4);
}

TEST_CASE("a drive that is not there never reports track 0") {
  FloppyRig r;
  r.start();
  r.send({0x07, 0x01});
  r.clock.advance(milliseconds(20));
  CHECK(r.run({0x08}) == Bytes{0x71, 0});
  CHECK(r.run({0x04, 0x01}) == Bytes{0x29});
  r.out(0x3F2, 0x1D);
  CHECK(r.in(0x3F7) == 0);
}

TEST_CASE("two seeks at once end in two interrupts") {
  FloppyRig r;
  r.fdc.attach(1, nullptr);
  r.start();
  const int before = r.irq.rises();
  r.send({0x0F, 0x00, 10});
  r.send({0x0F, 0x01, 10});
  CHECK(r.msr() == 0x83);
  r.clock.advance(milliseconds(20));
  CHECK(r.run({0x08}) == Bytes{0x20, 10});
  CHECK(r.irq.level());
  CHECK(r.irq.rises() == before + 2);
  CHECK(r.run({0x08}) == Bytes{0x21, 10});
  CHECK_FALSE(r.irq.level());
}

TEST_CASE("the change line: up after a change, down after a step with a disk") {
  FloppyRig r;
  r.out(0x3F2, 0x1C);
  CHECK(r.in(0x3F7) == 0x80);
  r.start();
  CHECK(r.in(0x3F7) == 0x80);  // the head stood on track 0: no step
  r.seek(0, 1);
  CHECK(r.in(0x3F7) == 0x00);
  r.fdc.change_medium(0, nullptr);
  r.seek(0, 0);
  CHECK(r.in(0x3F7) == 0x80);
  FakeStore other(737'280);
  r.fdc.change_medium(0, std::make_unique<FakeMedium>(other));
  CHECK(r.in(0x3F7) == 0x80);
  r.seek(0, 1);
  CHECK(r.in(0x3F7) == 0x00);
}

TEST_CASE("registers that AT mode does not have float; DOR and TDR read back") {
  FloppyRig r;
  CHECK(r.in(0x3F0) == 0xFF);
  CHECK(r.in(0x3F1) == 0xFF);
  r.out(0x3F2, 0x2D);
  CHECK(r.in(0x3F2) == 0x2D);
  r.out(0x3F3, 0xFF);
  CHECK(r.in(0x3F3) == 0xFF);
  r.out(0x3F3, 0x01);
  CHECK(r.in(0x3F3) == 0xFD);
}

TEST_CASE("software that takes only one status of a reset gets its seek's status next") {
  FloppyRig r;
  r.out(0x3F2, 0x1C);
  r.clock.advance(milliseconds(1));
  r.run({0x08});
  r.send({0x0F, 0x00, 3});
  r.clock.advance(milliseconds(20));
  CHECK(r.run({0x08}) == Bytes{0x20, 3});
  CHECK(r.run({0x08}) == Bytes{0x80});
}

}  // namespace
}  // namespace penumbra
