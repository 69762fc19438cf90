// The timer's computed counters against a model that steps through every CLK pulse, under random programming.
#include <doctest/doctest.h>

#include "core/platform/clock.h"
#include "devices/pit8254_counter.h"

namespace penumbra {
namespace {

// The 8254's counter as its datasheet tells it, one pulse at a time. Binary and two-byte access only.
class ClockedCounter {
 public:
  bool out = true;
  i32 element = 0;
  bool loaded = false;  // `element` has a defined value
  bool null_count = true;

  void control(u8 mode) {
    mode_ = mode;
    out = mode != 0;
    loaded = written_ = load_ = trigger_ = strobing_ = half_written_ = false;
    null_count = true;
  }
  void first_byte() {
    if (mode_ != 0) return;
    half_written_ = true;
    out = false;
  }
  void count(u16 value) {
    const bool first = !written_;
    count_ = value ? value : 0x10000;
    written_ = true;
    half_written_ = false;
    null_count = true;
    if (mode_ == 0) out = false;
    if (mode_ == 0 || mode_ == 4 || ((mode_ == 2 || mode_ == 3) && first)) load_ = true;
  }
  void gate(bool level) {
    if (level && !gate_ && written_ && mode_ != 0 && mode_ != 4) trigger_ = true;
    gate_ = level;
    if (!level && (mode_ == 2 || mode_ == 3)) {
      out = true;
      trigger_ = false;
    }
  }
  void pulse() {
    switch (mode_) {
      case 0:
        if (load_) return take();
        if (loaded && gate_ && !half_written_ && step(1)) out = true;
        break;
      case 1:
        if (trigger_) {
          out = false;
          return take();
        }
        if (loaded && step(1)) out = true;
        break;
      case 2:
        if (load_ || trigger_) return take();
        if (!loaded || !gate_) return;
        if (element == 1) {
          out = true;
          return take();
        }
        --element;
        out = element != 1;
        break;
      case 3:
        if (load_ || trigger_) {
          out = true;
          return take();
        }
        if (loaded && gate_) square_wave();
        break;
      default: strobe(); break;
    }
  }

 private:
  void take() {
    // "Count minus one" for odd counts of mode 3.
    element = mode_ == 3 ? count_ & ~1 : count_;
    odd_ = count_ & 1;
    loaded = true;
    load_ = trigger_ = false;
    null_count = false;
  }
  bool step(i32 by) {
    element = (element - by) & 0xFFFF;
    return element == 0;
  }
  void square_wave() {
    const bool last = odd_ && out ? element == 0 : element == 2;
    if (!last) {
      element -= 2;
      return;
    }
    out = !out;
    take();
  }
  void strobe() {
    if (strobing_) {
      out = true;
      strobing_ = false;
    }
    if (mode_ == 4 ? load_ : trigger_) {
      take();
      fresh_ = true;
      return;
    }
    if (!loaded || (mode_ == 4 && !gate_)) return;
    if (!step(1) || !fresh_) return;
    out = false;
    strobing_ = true;
    fresh_ = false;
  }

  u8 mode_ = 0;
  i32 count_ = 0;
  bool gate_ = true;
  bool written_ = false;
  bool load_ = false;
  bool trigger_ = false;
  bool half_written_ = false;
  bool odd_ = false;
  bool strobing_ = false;
  bool fresh_ = false;  // the strobe has not come yet
};

struct Pair {
  PitCounter counter;
  ClockedCounter model;
  i64 tick = 1000;
  u8 mode = 0;

  void control(u8 new_mode) {
    mode = new_mode;
    counter.write_control(static_cast<u8>(0x30 | mode << 1), tick);
    model.control(mode);
  }
  void first_byte(u16 count) {
    counter.write_count(static_cast<u8>(count), tick);
    model.first_byte();
  }
  void second_byte(u16 count) {
    counter.write_count(static_cast<u8>(count >> 8), tick);
    model.count(count);
  }
  void gate(bool level) {
    counter.set_gate(level, tick);
    model.gate(level);
  }
  // One pulse; then OUT, count and null count flag must agree, read through the read-back command's latches.
  bool pulse() {
    ++tick;
    model.pulse();
    counter.latch_status(tick);
    counter.latch_count(tick);
    const u8 status = counter.read(tick);
    const u8 low = counter.read(tick);
    const u16 count = static_cast<u16>(low | counter.read(tick) << 8);
    const bool same = (status >> 7) == model.out && (status >> 6 & 1) == model.null_count &&
                      (!model.loaded || count == (model.element & 0xFFFF));
    CHECK_MESSAGE(same, "mode ", int{mode}, " tick ", tick, ": out ", status >> 7, " for ", model.out, ", null ",
                  status >> 6 & 1, " for ", model.null_count, ", count ", count, " for ", model.element);
    return same;
  }
};

// Counts are mostly small, so that much happens; 1 is illegal in modes 2 and 3.
u16 some_count(ManualClock& random, u8 mode) {
  const u64 kind = random.random() % 16;
  if (kind == 0) return 0;
  if (kind == 1) return static_cast<u16>(0xFFF0 + random.random() % 16);
  return static_cast<u16>(random.random() % 12 + (mode == 2 || mode == 3 ? 2 : 1));
}

TEST_CASE("pit model: every mode agrees with the pulse-by-pulse model under random counts and gates") {
  ManualClock random;
  for (u8 mode = 0; mode < 6; ++mode) {
    for (int round = 0; round < 200; ++round) {
      Pair pair;
      pair.control(mode);
      if (round & 1) pair.gate(false);
      bool written = false;
      for (int step = 0; step < 200; ++step) {
        switch (random.random() % 12) {
          case 0: {
            const u16 count = some_count(random, mode);
            pair.first_byte(count);
            // Between the bytes of mode 0 the count stands still; elsewhere the first byte has no effect yet.
            for (u64 wait = random.random() % 4; written && wait > 0; --wait)
              if (!pair.pulse()) return;
            pair.second_byte(count);
            written = true;
            break;
          }
          case 1: pair.gate(false); break;
          case 2:
          case 3: pair.gate(true); break;
          default: break;
        }
        if (!pair.pulse()) return;
      }
    }
  }
}

TEST_CASE("pit model: the next rise that is foretold is the one that comes") {
  ManualClock random;
  for (u8 mode = 0; mode < 6; ++mode) {
    for (int round = 0; round < 200; ++round) {
      PitCounter counter;
      i64 tick = 50;
      counter.write_control(static_cast<u8>(0x30 | mode << 1), tick);
      for (int write = 0; write < 3; ++write) {
        const u16 count = static_cast<u16>(2 + random.random() % 20);
        counter.write_count(static_cast<u8>(count), tick);
        counter.write_count(0, tick);
        for (u64 wait = random.random() % 30; wait > 0; --wait) counter.out(++tick);
      }
      const i64 foretold = counter.next_rise(tick);
      bool last = counter.out(tick);
      i64 seen = PitCounter::kNoTick;
      while (seen == PitCounter::kNoTick && tick < 1000) {
        const bool now = counter.out(++tick);
        if (now && !last) seen = tick;
        last = now;
      }
      REQUIRE_MESSAGE(foretold == seen, "mode ", int{mode}, " round ", round);
    }
  }
}

}  // namespace
}  // namespace penumbra
