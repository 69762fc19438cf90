// The real-time clock against the MC146818 datasheet: calendar, update timing, the three interrupts, CMOS memory.
#include "devices/rtc.h"

#include <doctest/doctest.h>

#include <string>

#include "core/base/bits.h"
#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

struct Bench {
  Trace trace;
  PortBus ports{trace};
  ManualClock clock;
  RecordingLine irq8;
  Rtc rtc;

  explicit Bench(i64 epoch = 946684800, i64 offset = 0) : rtc(ports, with_epoch(epoch), irq8, trace, offset) {
    rtc.reset(Reset::power_on);
  }
  ManualClock& with_epoch(i64 epoch) {
    clock.set_epoch(epoch);
    return clock;
  }
  u8 get(u8 index) {
    ports.out(0x70, Width::byte, index);
    return static_cast<u8>(ports.in(0x71, Width::byte));
  }
  void put(u8 index, u8 value) {
    ports.out(0x70, Width::byte, index);
    ports.out(0x71, Width::byte, value);
  }
  // Century, year, month, day, hours, minutes, seconds as the registers hold them.
  std::string shown() {
    return fmt::format("{:02x}{:02x}-{:02x}-{:02x} {:02x}:{:02x}:{:02x}", get(0x32), get(9), get(8), get(7), get(4),
                       get(2), get(0));
  }
  void set_time(u8 hours, u8 minutes, u8 seconds) {
    put(0xB, get(0xB) | 0x80);
    put(4, hours);
    put(2, minutes);
    put(0, seconds);
    put(0xB, get(0xB) & 0x7F);
  }
};

TEST_CASE("rtc: the calendar starts at the epoch and runs") {
  Bench b(1709251199);  // 2024-02-29 23:59:59
  CHECK(b.shown() == "2024-02-29 23:59:59");
  CHECK(b.get(6) == 5);  // Thursday
  b.clock.advance(seconds(1));
  CHECK(b.shown() == "2024-03-01 00:00:00");
  CHECK(b.get(6) == 6);
  b.clock.advance(seconds(365 * 86400));
  CHECK(b.shown() == "2025-03-01 00:00:00");
}

TEST_CASE("rtc: local time is an offset") {
  Bench b(946684800, 3600);
  CHECK(b.shown() == "2000-01-01 01:00:00");
}

TEST_CASE("rtc: the century rolls over, and 1900 style non-leap years are none") {
  Bench b(946684799);
  CHECK(b.shown() == "1999-12-31 23:59:59");
  b.clock.advance(seconds(1));
  CHECK(b.shown() == "2000-01-01 00:00:00");
  CHECK(b.get(6) == 7);  // Saturday
  Bench c(4107542399);
  CHECK(c.shown() == "2100-02-28 23:59:59");
  c.clock.advance(seconds(1));
  CHECK(c.shown() == "2100-03-01 00:00:00");
}

TEST_CASE("rtc: binary mode and 12-hour mode change how registers are read, not their content") {
  Bench b(946684800 + 13 * 3600 + 45 * 60 + 59);
  CHECK(b.get(2) == 0x45);
  b.put(0xB, 0x06);  // binary, 24 hours
  CHECK(b.get(2) == 0x45);
  b.put(2, 45);
  b.put(4, 13);
  b.put(0, 59);
  for (const u8 index : {7, 8}) b.put(index, 1);
  b.put(9, 99);
  b.put(0x32, 20);
  b.clock.advance(seconds(1));
  CHECK(b.get(2) == 46);
  CHECK(b.get(0) == 0);
  CHECK(b.get(9) == 99);
}

TEST_CASE("rtc: 12-hour mode: 12 am, 12 pm and both crossings, in BCD and binary") {
  Bench b;
  b.put(0xB, 0x00);
  b.set_time(0x12, 0x59, 0x59);  // 12:59:59 am
  b.clock.advance(seconds(1));
  CHECK(b.get(4) == 0x01);
  b.set_time(0x11, 0x59, 0x59);
  b.clock.advance(seconds(1));
  CHECK(b.get(4) == 0x92);  // noon
  b.clock.advance(seconds(3600));
  CHECK(b.get(4) == 0x81);
  const u8 day = b.get(7);
  b.set_time(0x91, 0x59, 0x59);
  b.clock.advance(seconds(1));
  CHECK(b.get(4) == 0x12);  // midnight
  CHECK(b.get(7) == day + 1);
  b.put(0xB, 0x04);
  b.set_time(0x8B, 59, 59);  // 11:59:59 pm
  b.clock.advance(seconds(1));
  CHECK(b.get(4) == 12);
}

TEST_CASE("rtc: SET stops updates; the clock goes on from what was written") {
  Bench b;
  b.clock.advance(milliseconds(300));
  b.put(0xB, 0x82);
  b.put(0x32, 0x19);
  b.put(9, 0x85);
  b.put(8, 0x10);
  b.put(7, 0x26);
  b.put(4, 0x01);
  b.put(2, 0x21);
  b.put(0, 0x00);
  b.clock.advance(seconds(10));
  CHECK(b.shown() == "1985-10-26 01:21:00");
  CHECK((b.get(0xA) & 0x80) == 0);
  b.put(0xB, 0x02);
  b.clock.advance(milliseconds(699));
  CHECK(b.shown() == "1985-10-26 01:21:00");
  b.clock.advance(milliseconds(1));
  CHECK(b.shown() == "1985-10-26 01:21:01");
}

TEST_CASE("rtc: nonsense in the registers becomes a date with the next update") {
  Bench b;
  b.put(0xB, 0x82);
  for (const u8 index : {0, 2, 4, 6, 7, 8, 9, 0x32}) b.put(index, 0xFF);
  b.put(0xB, 0x02);
  b.clock.advance(seconds(1));
  CHECK(b.get(2) <= 0x59);
  CHECK(b.get(8) <= 0x12);
  CHECK(b.get(6) >= 1);
  CHECK(b.get(6) <= 7);
  b.put(8, 0);
  b.put(7, 0);
  b.clock.advance(seconds(1));
  CHECK(b.get(8) >= 1);
}

TEST_CASE("rtc: update in progress rises 2,228 us before each update") {
  Bench b;
  b.clock.advance(microseconds(1'000'000 - 2'229));
  CHECK((b.get(0xA) & 0x80) == 0);
  b.clock.advance(microseconds(1));
  CHECK((b.get(0xA) & 0x80) == 0x80);
  b.clock.advance(microseconds(2'227));
  CHECK((b.get(0xA) & 0x80) == 0x80);
  CHECK(b.get(0) == 0);
  b.clock.advance(microseconds(1));
  CHECK((b.get(0xA) & 0x80) == 0);
  CHECK(b.get(0) == 1);
  CHECK(b.get(0xA) == 0x26);
}

TEST_CASE("rtc: the divider held stops the clock; released, the first update comes half a second later") {
  Bench b;
  b.clock.advance(milliseconds(1200));
  b.put(0xA, 0x76);
  b.clock.advance(seconds(5));
  CHECK(b.get(0) == 1);
  CHECK((b.get(0xA) & 0x80) == 0);
  b.put(0xA, 0x26);
  b.clock.advance(milliseconds(499));
  CHECK(b.get(0) == 1);
  b.clock.advance(milliseconds(1));
  CHECK(b.get(0) == 2);
  b.clock.advance(milliseconds(1000));
  CHECK(b.get(0) == 3);
}

TEST_CASE("rtc: the periodic interrupt comes at its rate and waits for register C to be read") {
  Bench b;
  b.get(0xC);
  b.put(0xB, 0x42);  // 1,024 Hz
  b.clock.advance(microseconds(976));
  CHECK_FALSE(b.irq8.level());
  b.clock.advance(microseconds(1));
  CHECK(b.irq8.level());
  b.clock.advance(milliseconds(10));
  CHECK(b.irq8.rises() == 1);
  CHECK(b.get(0xC) == 0xC0);
  CHECK_FALSE(b.irq8.level());
  CHECK(b.get(0xC) == 0);
}

TEST_CASE("rtc: every rate") {
  const int expected[16] = {0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2};
  for (u8 rate = 0; rate < 16; ++rate) {
    Bench b;
    b.put(0xA, 0x20 | rate);
    b.get(0xC);
    b.put(0xB, 0x42);
    int count = 0;
    while (b.clock.now() < seconds(1)) {
      b.clock.advance(microseconds(20));
      if (!b.irq8.level()) continue;
      b.get(0xC);
      ++count;
    }
    CHECK(count == expected[rate]);
  }
}

TEST_CASE("rtc: flags come without their enables, and enabling one later interrupts at once") {
  Bench b;
  b.clock.advance(seconds(1));
  CHECK_FALSE(b.irq8.level());
  CHECK(b.get(0xC) == 0x50);  // periodic and update
  b.clock.advance(seconds(1));
  b.put(0xB, 0x12);
  CHECK(b.irq8.level());
  CHECK((b.get(0xC) & 0x90) == 0x90);
  CHECK_FALSE(b.irq8.level());
}

TEST_CASE("rtc: the update-ended interrupt, once a second; SET clears its enable") {
  Bench b;
  b.get(0xC);
  b.put(0xB, 0x12);
  for (int i = 0; i < 5; ++i) {
    b.clock.advance(seconds(1));
    CHECK(b.irq8.level());
    CHECK((b.get(0xC) & 0x90) == 0x90);
  }
  CHECK(b.irq8.rises() == 5);
  b.put(0xB, 0x92);
  CHECK(b.get(0xB) == 0x82);
}

TEST_CASE("rtc: the alarm at a time, and with don't-care bytes each hour, minute and second") {
  Bench b(946684800 + 7 * 3600);
  b.put(1, 0x30);
  b.put(3, 0x15);
  b.put(5, 0x08);
  b.get(0xC);
  b.put(0xB, 0x22);
  b.clock.advance(seconds(3600 + 15 * 60 + 29));
  CHECK_FALSE(b.irq8.level());
  b.clock.advance(seconds(1));
  CHECK(b.irq8.level());
  CHECK((b.get(0xC) & 0xA0) == 0xA0);
  b.clock.advance(seconds(86399));
  CHECK_FALSE(b.irq8.level());
  b.clock.advance(seconds(1));
  CHECK(b.irq8.level());
  b.get(0xC);

  b.put(5, 0xFF);  // each hour
  b.clock.advance(seconds(3600));
  CHECK(b.irq8.level());
  b.get(0xC);
  b.put(3, 0xC0);  // each minute
  b.clock.advance(seconds(60));
  CHECK(b.irq8.level());
  b.get(0xC);
  b.put(1, 0xDF);  // each second
  b.clock.advance(seconds(1));
  CHECK(b.irq8.level());
}

TEST_CASE("rtc: the alarm in 12-hour mode tells morning from afternoon") {
  Bench b(946684800 + 6 * 3600);
  b.put(0xB, 0x00);
  b.set_time(0x06, 0x00, 0x00);
  b.put(1, 0);
  b.put(3, 0);
  b.put(5, 0x87);  // 7 pm
  b.get(0xC);
  b.put(0xB, 0x20);
  b.clock.advance(seconds(12 * 3600));
  CHECK_FALSE(b.irq8.level());
  b.clock.advance(seconds(3600));
  CHECK(b.irq8.level());
}

TEST_CASE("rtc: an alarm that passed while nobody looked is seen in register C") {
  Bench b(946684800 + 7 * 3600);
  b.put(1, 0x00);
  b.put(3, 0x30);
  b.put(5, 0x07);
  b.get(0xC);
  b.clock.advance(seconds(29 * 60));
  CHECK((b.get(0xC) & 0x20) == 0);
  b.clock.advance(seconds(5 * 60));
  CHECK((b.get(0xC) & 0x20) == 0x20);
}

TEST_CASE("rtc: periodic interrupts missed by a late timer all come") {
  Bench b;
  b.get(0xC);
  b.put(0xB, 0x42);
  b.clock.advance(milliseconds(1));
  b.get(0xC);
  b.clock.set_now(b.clock.now() + milliseconds(100).value);
  b.clock.run_due();
  int count = 0;
  for (const Ticks end = b.clock.now() + milliseconds(100).value; b.clock.now() < end;) {
    if (b.irq8.level()) {
      ++count;
      b.get(0xC);
    }
    b.clock.advance(microseconds(10));
  }
  CHECK(count >= 204);
  CHECK(count <= 206);
}

TEST_CASE("rtc: reset clears enables and flags, and leaves time and memory") {
  Bench b;
  b.rtc.set_cmos(0x10, 0x40);
  b.put(0xB, 0x72);
  b.clock.advance(seconds(3));
  CHECK(b.irq8.level());
  b.rtc.reset(Reset::hard);
  CHECK_FALSE(b.irq8.level());
  CHECK(b.get(0xB) == 0x02);
  CHECK(b.get(0xC) == 0);
  CHECK(b.get(0) == 0x03);
  CHECK(b.get(0x10) == 0x40);
}

TEST_CASE("rtc: memory, its extended bank, the NMI mask and what cannot be written") {
  Bench b;
  for (u8 i = 0x0E; i < 0x80; ++i)
    if (i != 0x32) b.put(i, static_cast<u8>(i * 3));
  for (u8 i = 0x0E; i < 0x80; ++i)
    if (i != 0x32) CHECK(b.get(i) == static_cast<u8>(i * 3));
  b.ports.out(0x72, Width::byte, 0x10);
  b.ports.out(0x73, Width::byte, 0xAB);
  CHECK(b.ports.in(0x73, Width::byte) == 0xAB);
  CHECK(b.rtc.cmos(0x90) == 0xAB);
  CHECK(b.get(0x10) == 0x30);
  b.rtc.set_cmos(0x85, 0x77);
  b.ports.out(0x72, Width::byte, 0x05);
  CHECK(b.ports.in(0x73, Width::byte) == 0x77);
  b.put(0xD, 0);
  CHECK(b.get(0xD) == 0x80);
  b.ports.out(0x70, Width::byte, 0x8F);
  CHECK(b.rtc.nmi_masked());
  b.put(0x0F, 0x05);
  CHECK_FALSE(b.rtc.nmi_masked());
  b.ports.out(0x70, Width::byte, 0x8F);
  CHECK(b.ports.in(0x71, Width::byte) == 0x05);
}

TEST_CASE("rtc: state is saved, scrambled and loaded") {
  Bench b;
  b.clock.advance(milliseconds(1234));
  b.put(0xA, 0x75);
  b.clock.advance(milliseconds(70));
  b.put(0xA, 0x25);
  b.put(0xB, 0x72);
  b.put(0x40, 0x99);
  StateWriter saved;
  b.rtc.visit(saved);
  b.put(0xB, 0x86);
  b.put(0, 0x59);
  b.put(0x40, 0);
  b.rtc.reset(Reset::power_on);
  StateReader reader(saved.bytes());
  b.rtc.visit(reader);
  StateWriter again;
  b.rtc.visit(again);
  CHECK(saved.bytes() == again.bytes());
  b.get(0xC);
  const int before = b.irq8.rises();
  b.clock.advance(seconds(1));
  CHECK(b.irq8.rises() == before + 1);
}

}  // namespace
}  // namespace penumbra
