// The timer against the 8254 datasheet: counts and OUT tick by tick, read-back, IRQ0 pacing, port 61h.
#include "devices/pit8254.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

struct Bench {
  Trace trace;
  PortBus ports{trace};
  ManualClock clock;
  RecordingLine irq0;
  Pit8254 pit{ports, clock, irq0, trace};

  Bench() { pit.reset(Reset::power_on); }
  void out(u16 port, u8 value) { ports.out(port, Width::byte, value); }
  u8 in(u16 port) { return static_cast<u8>(ports.in(port, Width::byte)); }
  void write16(u16 port, u16 value) {
    out(port, static_cast<u8>(value));
    out(port, static_cast<u8>(value >> 8));
  }
  u16 read16(u16 port) {
    const u8 low = in(port);
    return static_cast<u16>(low | in(port) << 8);
  }
  i64 tick() const { return Pit8254::tick_at(clock.now()); }
  // To the moment of that many CLK pulses from now.
  void pulses(i64 count) { clock.advance_to(Pit8254::time_of(tick() + count)); }
  u16 latched(unsigned counter) {
    out(0x43, static_cast<u8>(counter << 6));
    return read16(static_cast<u16>(0x40 + counter));
  }
  u8 status(unsigned counter) {
    out(0x43, static_cast<u8>(0xE0 | 2u << counter));
    return in(static_cast<u16>(0x40 + counter));
  }
  bool out_pin(unsigned counter) { return status(counter) & 0x80; }
};

struct Shown {
  u16 count;
  bool out;
  bool operator==(const Shown&) const = default;
};

// A counter alone, without ports: the values at CLK pulses from the first after the count was written.
struct CounterBench {
  PitCounter counter;
  i64 tick = 100;

  CounterBench(u8 control, u16 count, bool gate = true) {
    counter.set_gate(gate, tick);
    counter.write_control(control, tick);
    write(count);
  }
  void write(u16 count) {
    counter.write_count(static_cast<u8>(count), tick);
    counter.write_count(static_cast<u8>(count >> 8), tick);
  }
  Shown step() {
    ++tick;
    return now();
  }
  Shown now() {
    counter.latch_count(tick);
    const u8 low = counter.read(tick);
    return {static_cast<u16>(low | counter.read(tick) << 8), counter.out(tick)};
  }
  std::vector<u16> counts(int steps) {
    std::vector<u16> all;
    for (int i = 0; i < steps; ++i) all.push_back(step().count);
    return all;
  }
  std::string outs(int steps) {
    std::string all;
    for (int i = 0; i < steps; ++i) all += step().out ? 'H' : 'L';
    return all;
  }
};

using Counts = std::vector<u16>;

TEST_CASE("pit: mode 0 counts N+1 pulses to a high OUT and goes on") {
  CHECK(CounterBench(0x30, 4).counts(7) == Counts{4, 3, 2, 1, 0, 0xFFFF, 0xFFFE});
  CHECK(CounterBench(0x30, 4).outs(7) == "LLLLHHH");
}

TEST_CASE("pit: mode 0, gate low stops the count and a new count is loaded all the same") {
  CounterBench c(0x30, 4);
  CHECK(c.counts(2) == Counts{4, 3});
  c.counter.set_gate(false, c.tick);
  CHECK(c.counts(3) == Counts{3, 3, 3});
  c.counter.set_gate(true, c.tick);
  CHECK(c.counts(2) == Counts{2, 1});
  CHECK(c.step() == Shown{0, true});

  CounterBench d(0x30, 3, false);
  CHECK(d.counts(2) == Counts{3, 3});
  d.counter.set_gate(true, d.tick);
  CHECK(d.outs(3) == "LLH");  // N pulses after the gate
}

TEST_CASE("pit: mode 0, a first byte stops the count and lowers OUT, the second restarts") {
  CounterBench c(0x30, 2);
  c.outs(3);
  CHECK(c.counter.out(c.tick));
  c.counter.write_count(3, c.tick);
  CHECK_FALSE(c.counter.out(c.tick));
  const u16 held = c.now().count;
  CHECK(c.counts(2) == Counts{held, held});
  c.counter.write_count(0, c.tick);
  CHECK(c.outs(4) == "LLLH");
}

TEST_CASE("pit: mode 1 waits for its trigger, and a new trigger starts over") {
  CounterBench c(0x32, 3, false);
  CHECK(c.outs(3) == "HHH");
  c.counter.set_gate(true, c.tick);
  CHECK(c.step() == Shown{3, false});
  CHECK(c.step() == Shown{2, false});
  c.counter.set_gate(false, c.tick);  // the gate's level does not matter
  c.counter.set_gate(true, c.tick);
  CHECK(c.outs(5) == "LLLHH");
  c.write(5);
  CHECK(c.outs(2) == "HH");  // only a trigger loads it
  c.counter.set_gate(false, c.tick);
  c.counter.set_gate(true, c.tick);
  CHECK(c.outs(6) == "LLLLLH");
}

TEST_CASE("pit: mode 2 divides, low for the last pulse") {
  CHECK(CounterBench(0x34, 3).counts(7) == Counts{3, 2, 1, 3, 2, 1, 3});
  CHECK(CounterBench(0x34, 3).outs(7) == "HHLHHLH");
}

TEST_CASE("pit: mode 2, a new count waits for the end of the cycle") {
  CounterBench c(0x34, 4);
  CHECK(c.counts(2) == Counts{4, 3});
  c.write(5);
  CHECK(c.counts(5) == Counts{2, 1, 5, 4, 3});
}

TEST_CASE("pit: mode 2, the gate holds OUT high and restarts the cycle") {
  CounterBench c(0x34, 3);
  CHECK(c.outs(3) == "HHL");
  c.counter.set_gate(false, c.tick);
  CHECK(c.counter.out(c.tick));
  CHECK(c.outs(2) == "HH");
  c.counter.set_gate(true, c.tick);
  CHECK(c.counts(4) == Counts{3, 2, 1, 3});
}

TEST_CASE("pit: mode 3 with an even count") {
  CHECK(CounterBench(0x36, 4).counts(8) == Counts{4, 2, 4, 2, 4, 2, 4, 2});
  CHECK(CounterBench(0x36, 4).outs(8) == "HHLLHHLL");
}

TEST_CASE("pit: mode 3 with an odd count is high for one pulse more") {
  CHECK(CounterBench(0x36, 5).counts(10) == Counts{4, 2, 0, 4, 2, 4, 2, 0, 4, 2});
  CHECK(CounterBench(0x36, 5).outs(10) == "HHHLLHHHLL");
}

TEST_CASE("pit: mode 3, a new count comes with the next half") {
  CounterBench c(0x36, 4);
  c.step();
  c.write(8);
  CHECK(c.outs(10) == "HLLLLHHHHL");
  CounterBench d(0x36, 4);
  d.outs(3);
  d.write(6);
  CHECK(d.outs(7) == "LHHHLLL");
}

TEST_CASE("pit: mode 4 strobes once, N+1 pulses after the write") {
  CounterBench c(0x38, 3);
  CHECK(c.outs(6) == "HHHLHH");
  CHECK(CounterBench(0x38, 3).counts(6) == Counts{3, 2, 1, 0, 0xFFFF, 0xFFFE});
  c.write(2);
  CHECK(c.outs(4) == "HHLH");
}

TEST_CASE("pit: mode 5 strobes after a trigger") {
  CounterBench c(0x3A, 3, false);
  CHECK(c.outs(5) == "HHHHH");
  c.counter.set_gate(true, c.tick);
  CHECK(c.outs(6) == "HHHLHH");
}

TEST_CASE("pit: BCD counts in decimal, and 0 means 10,000") {
  CounterBench c(0x31, 0x0101);
  CHECK(c.counts(3) == Counts{0x0101, 0x0100, 0x0099});
  CounterBench z(0x31, 0);
  CHECK(z.counts(3) == Counts{0x0000, 0x9999, 0x9998});
  CounterBench b(0x35, 0);
  CHECK(b.counts(2) == Counts{0x0000, 0x9999});
}

TEST_CASE("pit: a count of 0 is 65,536") {
  CounterBench c(0x34, 0);
  CHECK(c.counts(2) == Counts{0, 0xFFFF});
  CHECK(c.counter.initial() == 65536);
}

TEST_CASE("pit: modes 6 and 7 are 2 and 3") {
  CHECK(CounterBench(0x3C, 3).outs(6) == "HHLHHL");
  CHECK(CounterBench(0x3E, 4).outs(4) == "HHLL");
}

TEST_CASE("pit: a latched count holds until both bytes are read") {
  Bench b;
  b.out(0x43, 0x34);
  b.write16(0x40, 1000);
  b.pulses(11);
  b.out(0x43, 0x00);
  b.pulses(100);
  b.out(0x43, 0x00);  // ignored: the first is unread
  CHECK(b.read16(0x40) == 990);
  CHECK(b.read16(0x40) == 890);
}

TEST_CASE("pit: one-byte access modes") {
  Bench b;
  b.out(0x43, 0x94);  // counter 2, low byte, mode 2
  b.out(0x61, 0x01);
  b.out(0x42, 100);
  b.pulses(11);
  CHECK(b.in(0x42) == 90);
  b.out(0x43, 0xA4);  // high byte
  b.out(0x42, 0x12);
  b.pulses(2);
  CHECK(b.in(0x42) == 0x11);
  CHECK(b.in(0x42) == 0x11);
}

TEST_CASE("pit: read-back latches status and count of several counters; status comes first") {
  Bench b;
  b.out(0x43, 0x34);
  b.write16(0x40, 500);
  b.out(0x43, 0x70);
  b.write16(0x41, 20);
  b.pulses(11);
  b.out(0x43, 0xC6);  // both, counters 0 and 1
  b.pulses(50);
  CHECK(b.in(0x40) == 0xB4);
  CHECK(b.read16(0x40) == 490);
  CHECK((b.in(0x41) & 0xBF) == 0x30);
  b.read16(0x41);
  CHECK(b.out_pin(1));
}

TEST_CASE("pit: the null count flag") {
  Bench b;
  b.out(0x43, 0x34);
  CHECK((b.status(0) & 0x40) == 0x40);
  b.write16(0x40, 100);
  CHECK((b.status(0) & 0x40) == 0x40);
  b.pulses(1);
  CHECK((b.status(0) & 0x40) == 0);
  b.write16(0x40, 50);
  b.pulses(1);
  CHECK((b.status(0) & 0x40) == 0x40);  // waits for the cycle's end
  b.pulses(100);
  CHECK((b.status(0) & 0x40) == 0);
}

TEST_CASE("pit: the exact clock: 1,193,182 ticks a second to one part in ten million, no drift") {
  CHECK(Pit8254::tick_at(seconds(1)) == 1193181);
  CHECK(Pit8254::tick_at(seconds(11)) == 13125000);
  CHECK(Pit8254::tick_at(seconds(8'000'000'000)) == 9545454545454545);
  for (const i64 tick : {i64{0}, i64{1}, i64{104}, i64{105}, i64{106}, i64{1193182}, i64{9545454545454545}}) {
    CHECK(Pit8254::tick_at(Pit8254::time_of(tick)) == tick);
    if (tick > 0) CHECK(Pit8254::tick_at(Pit8254::time_of(tick) - 1) == tick - 1);
  }
}

TEST_CASE("pit: IRQ0 at 18.2 Hz in mode 3 and 100 Hz in mode 2") {
  Bench b;
  b.out(0x43, 0x36);
  b.write16(0x40, 0);
  const int before = b.irq0.rises();
  b.clock.advance(seconds(10));
  CHECK(b.irq0.rises() - before == 182);
  b.out(0x43, 0x34);
  b.write16(0x40, 11932);
  const int again = b.irq0.rises();
  b.clock.advance(seconds(10));
  CHECK(b.irq0.rises() - again == 999);
}

TEST_CASE("pit: mode 0 and mode 4 interrupt once") {
  Bench b;
  b.out(0x43, 0x30);
  CHECK_FALSE(b.irq0.level());
  b.write16(0x40, 1000);
  b.pulses(1000);
  CHECK_FALSE(b.irq0.level());
  b.pulses(1);
  CHECK(b.irq0.level());
  const int once = b.irq0.rises();
  b.clock.advance(seconds(1));
  CHECK(b.irq0.rises() == once);
  b.out(0x43, 0x38);
  b.write16(0x40, 1000);
  b.pulses(1001);
  CHECK(b.irq0.rises() == once);
  b.pulses(1);
  CHECK(b.irq0.rises() == once + 1);
  b.clock.advance(seconds(1));
  CHECK(b.irq0.rises() == once + 1);
}

TEST_CASE("pit: ticks missed by a late timer all come, apart from each other") {
  Bench b;
  b.out(0x43, 0x34);
  b.write16(0x40, 1193);  // about 1 ms
  b.clock.advance(milliseconds(10));
  const int before = b.irq0.rises();
  b.clock.set_now(b.clock.now() + milliseconds(50).value);
  b.clock.run_due();
  CHECK(b.irq0.rises() == before + 1);
  b.clock.advance(microseconds(100));
  CHECK(b.irq0.rises() == before + 1);  // paced
  b.clock.advance(milliseconds(50) + -100'000);
  CHECK(b.irq0.rises() - before == 100);
  b.clock.advance(milliseconds(100));
  CHECK(b.irq0.rises() - before == 200);  // and back on the grid
}

TEST_CASE("pit: more than a second of missed ticks is dropped") {
  Bench b;
  b.out(0x43, 0x34);
  b.write16(0x40, 1193);
  b.clock.advance(milliseconds(10));
  const int before = b.irq0.rises();
  b.clock.set_now(b.clock.now() + seconds(5).value);
  b.clock.run_due();
  b.clock.advance(milliseconds(100));
  CHECK(b.irq0.rises() - before == 101);
}

TEST_CASE("pit: a count of 1 does not flood, a count of 2 is served") {
  Bench b;
  for (const u8 control : {0x34, 0x36}) {
    b.out(0x43, control);
    b.write16(0x40, 1);
    const int before = b.irq0.rises();
    b.clock.advance(microseconds(100));
    CHECK(b.irq0.rises() == before);
    b.write16(0x40, 2);
    b.clock.advance(microseconds(100));
    CHECK(b.irq0.rises() - before >= 58);
  }
}

TEST_CASE("pit: a count changed on the fly keeps interrupts coming") {
  Bench b;
  b.out(0x43, 0x36);
  b.write16(0x40, 10000);
  b.pulses(2000);
  b.write16(0x40, 1000);  // the high half ends at 5001, the new low half 500 later
  const int before = b.irq0.rises();
  b.pulses(3500);
  CHECK(b.irq0.rises() == before);
  b.pulses(1);
  CHECK(b.irq0.rises() == before + 1);
  b.pulses(1000);
  CHECK(b.irq0.rises() == before + 2);
}

TEST_CASE("pit: port 61h: gate 2, OUT 2 and the refresh toggle") {
  Bench b;
  b.out(0x61, 0x00);
  b.out(0x43, 0xB0);  // counter 2, mode 0
  b.write16(0x42, 100);
  b.pulses(500);
  CHECK((b.in(0x61) & 0x20) == 0);  // the gate is closed
  b.out(0x61, 0x01);
  b.pulses(99);
  CHECK((b.in(0x61) & 0x20) == 0);
  b.pulses(1);
  CHECK((b.in(0x61) & 0x2F) == 0x21);
  int toggles = 0;
  for (u8 last = b.in(0x61) & 0x10; b.clock.now() < milliseconds(10);) {
    b.clock.advance(microseconds(1));
    if (const u8 now = b.in(0x61) & 0x10; now != last) {
      ++toggles;
      last = now;
    }
  }
  CHECK(toggles > 600);
  CHECK(toggles < 665);
}

TEST_CASE("pit: the speaker's tone is told when it changes, and only then") {
  Bench b;
  std::vector<std::optional<double>> heard;
  b.pit.set_speaker([&](std::optional<double> hertz) { heard.push_back(hertz); });
  CHECK(heard.size() == 1);
  CHECK_FALSE(heard[0]);
  b.out(0x43, 0xB6);
  b.write16(0x42, 1193);
  CHECK(heard.size() == 1);
  b.out(0x61, 0x03);
  REQUIRE(heard.size() == 2);
  CHECK(*heard[1] == doctest::Approx(1000.15).epsilon(0.0001));
  b.out(0x61, 0x0F);
  CHECK(heard.size() == 2);
  b.out(0x61, 0x01);
  REQUIRE(heard.size() == 3);
  CHECK_FALSE(heard[2]);
}

TEST_CASE("pit: state is saved, scrambled and loaded") {
  Bench b;
  b.out(0x43, 0x36);
  b.write16(0x40, 4000);
  b.pulses(3000);
  b.write16(0x40, 6000);  // pending
  b.out(0x43, 0xB6);
  b.write16(0x42, 1193);
  b.out(0x61, 0x03);
  b.out(0x43, 0xC8);
  b.in(0x42);  // status read, count latched
  StateWriter saved;
  b.pit.visit(saved);
  b.pit.reset(Reset::hard);
  b.out(0x43, 0x14);
  StateReader reader(saved.bytes());
  b.pit.visit(reader);
  StateWriter again;
  b.pit.visit(again);
  CHECK(saved.bytes() == again.bytes());
  const int before = b.irq0.rises();
  b.pulses(30000);
  CHECK(b.irq0.rises() - before == 5);
}

}  // namespace
}  // namespace penumbra
