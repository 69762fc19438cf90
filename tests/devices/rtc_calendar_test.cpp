// The clock's calendar in all four formats against the host's own calendar, and its behaviour at the edges.
#include <doctest/doctest.h>

#include <ctime>

#include "devices/rtc.h"
#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

struct Bench {
  Trace trace;
  PortBus ports{trace};
  ManualClock clock;
  RecordingLine irq8;
  Rtc rtc;

  explicit Bench(i64 epoch) : rtc(ports, with_epoch(epoch), irq8, trace) { rtc.reset(Reset::power_on); }
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
};

constexpr u8 kBinary = 4;
constexpr u8 k24Hours = 2;

u8 in_format(int value, u8 format) { return static_cast<u8>(format & kBinary ? value : value / 10 * 16 + value % 10); }

u8 hour_in_format(int hour, u8 format) {
  if (format & k24Hours) return in_format(hour, format);
  const int shown = hour == 0 ? 12 : hour > 12 ? hour - 12 : hour;
  return static_cast<u8>(in_format(shown, format) | (hour >= 12 ? 0x80 : 0));
}

void set_time(Bench& b, std::time_t time, u8 format) {
  std::tm tm{};
  gmtime_r(&time, &tm);
  b.put(0xB, 0x80 | format);
  b.put(0, in_format(tm.tm_sec, format));
  b.put(2, in_format(tm.tm_min, format));
  b.put(4, hour_in_format(tm.tm_hour, format));
  b.put(6, static_cast<u8>(tm.tm_wday + 1));
  b.put(7, in_format(tm.tm_mday, format));
  b.put(8, in_format(tm.tm_mon + 1, format));
  b.put(9, in_format(tm.tm_year % 100, format));
  b.put(0x32, in_format(19 + tm.tm_year / 100, format));
  b.put(0xB, format);
}

bool shows(Bench& b, std::time_t time, u8 format) {
  std::tm tm{};
  gmtime_r(&time, &tm);
  return b.get(0) == in_format(tm.tm_sec, format) && b.get(2) == in_format(tm.tm_min, format) &&
         b.get(4) == hour_in_format(tm.tm_hour, format) && b.get(6) == tm.tm_wday + 1 &&
         b.get(7) == in_format(tm.tm_mday, format) && b.get(8) == in_format(tm.tm_mon + 1, format) &&
         b.get(9) == in_format(tm.tm_year % 100, format) && b.get(0x32) == in_format(19 + tm.tm_year / 100, format);
}

TEST_CASE("rtc calendar: years pass in every format as they do on the host") {
  for (const u8 format : {0, 2, 4, 6}) {
    Bench b(0);
    std::time_t time = 946684800 - 400 * 86400;  // before 2000, a leap year
    set_time(b, time, format);
    for (int i = 0; i < 3000; ++i) {
      const i64 step = i % 3 == 0 ? 1 : 43'199 + i;
      b.clock.advance(seconds(step));
      time += step;
      REQUIRE_MESSAGE(shows(b, time, format), "format ", int{format}, " time ", time);
    }
  }
}

TEST_CASE("rtc calendar: every hour of a day as an alarm, in every format") {
  for (const u8 format : {0, 2, 4, 6}) {
    Bench b(0);
    set_time(b, 1000 * 86400 + 5, format);
    b.put(0xB, 0x20 | format);
    for (int hour = 0; hour < 24; ++hour) {
      b.put(1, in_format(59, format));
      b.put(3, in_format(9, format));
      b.put(5, hour_in_format(hour, format));
      b.get(0xC);
      int fired = 0;
      i64 at = 0;
      for (i64 minute = 0; minute < 24 * 60; ++minute) {
        b.clock.advance(seconds(60));
        if (!b.irq8.level()) continue;
        ++fired;
        at = minute;
        CHECK((b.get(0xC) & 0xA0) == 0xA0);
      }
      CHECK(fired == 1);
      CHECK(at == hour * 60 + 9);
    }
  }
}

TEST_CASE("rtc calendar: changing the format leaves registers alone until the guest writes them") {
  Bench b(946684800 + 15 * 3600);
  CHECK(b.get(4) == 0x15);
  b.put(0xB, 0x00);
  CHECK(b.get(4) == 0x15);
  b.put(0xB, 0x04);
  CHECK(b.get(4) == 0x15);
}

TEST_CASE("rtc calendar: writes while the clock runs count from the next second on") {
  Bench b(946684800);
  b.clock.advance(milliseconds(900));
  b.put(0, 0x58);
  b.clock.advance(milliseconds(99));
  CHECK(b.get(0) == 0x58);
  b.clock.advance(milliseconds(1));
  CHECK(b.get(0) == 0x59);
  b.clock.advance(seconds(1));
  CHECK(b.get(0) == 0x00);
  CHECK(b.get(2) == 0x01);
}

TEST_CASE("rtc calendar: a guest that waits for UIP to rise and fall reads a new second at once") {
  Bench b(946684800);
  while (!(b.get(0xA) & 0x80)) b.clock.advance(microseconds(50));
  const u8 before = b.get(0);
  i64 waited = 0;
  for (; b.get(0xA) & 0x80; ++waited) b.clock.advance(microseconds(1));
  CHECK(b.get(0) == before + 1);
  CHECK(waited <= 2228);
  CHECK(waited >= 244);
}

TEST_CASE("rtc calendar: periodic, alarm and update interrupts together are one request with three flags") {
  Bench b(946684800);
  for (const u8 index : {1, 3, 5}) b.put(index, 0xC0);
  b.get(0xC);
  b.put(0xB, 0x72);
  b.clock.advance(seconds(1));
  CHECK(b.irq8.level());
  CHECK(b.irq8.rises() == 1);
  CHECK(b.get(0xC) == 0xF0);
  CHECK(b.get(0xC) == 0x00);
  CHECK_FALSE(b.irq8.level());
}

TEST_CASE("rtc calendar: disabling an interrupt lowers its request, its flag stays") {
  Bench b(946684800);
  b.get(0xC);
  b.put(0xB, 0x42);
  b.clock.advance(milliseconds(1));
  CHECK(b.irq8.level());
  b.put(0xB, 0x02);
  CHECK_FALSE(b.irq8.level());
  CHECK(b.get(0xC) == 0x40);
}

}  // namespace
}  // namespace penumbra
