// One counter of the 8254: everything it shows is computed from the tick it is asked at (Intel 8254 datasheet).
#pragma once

#include "core/base/state.h"
#include "core/base/types.h"

namespace penumbra {

// Ticks are CLK pulses since power-on. What is written between CLK pulses T and T+1 is loaded at T+1, as the
// datasheet's diagrams show; between the two, reads see the new count already.
class PitCounter {
 public:
  static constexpr i64 kNoTick = INT64_MAX;

  // The control word that selects this counter; not a latch command.
  void write_control(u8 control, i64 tick);
  void write_count(u8 byte, i64 tick);
  u8 read(i64 tick);
  void latch_count(i64 tick);
  void latch_status(i64 tick);
  void set_gate(bool level, i64 tick);

  bool gate() const { return gate_; }
  bool out(i64 tick);
  // The first tick after `tick` at which OUT rises if nothing is written meanwhile, or kNoTick.
  i64 next_rise(i64 tick);
  // Modes 2 and 3 divide.
  bool periodic() const { return mode_ == 2 || mode_ == 3; }
  // What the counting element divides or counts by now: 1 to 65,536.
  u32 initial() const { return initial_; }
  // The count written last; 0 if none since the control word.
  u32 programmed() const { return count_written_ ? reload_ : 0; }

  void reset();
  void visit(State& state);

 private:
  enum class Phase : u8 { idle, counting, paused };

  bool bcd() const { return control_ & 1; }
  u8 access() const { return control_ >> 4 & 3; }
  // Takes over a count that waited for the end of a cycle.
  void settle(i64 tick);
  void start(i64 at);
  void load_count(i64 tick);
  // CLK pulses since the count was loaded; negative before that.
  i64 elapsed(i64 tick) const { return phase_ == Phase::paused ? held_ : tick - start_; }
  // The element's value as the pins give it: BCD in BCD mode.
  u16 value(i64 tick);
  // Length of mode 3's high half.
  static i64 high_half(i64 count) { return (count + 1) / 2; }
  // The tick after `tick` at which mode 2's cycle or mode 3's half cycle ends.
  i64 next_boundary(i64 tick) const;

  u8 control_ = 0x36;  // bits 5-0 as written
  u8 mode_ = 3;
  bool gate_ = true;

  u32 reload_ = 0x10000;        // what the count register says
  bool count_written_ = false;  // since the control word
  bool write_high_ = false;     // the low byte of two has been written
  u8 low_byte_ = 0;
  bool read_high_ = false;
  bool count_latched_ = false;
  bool status_latched_ = false;
  u16 latched_count_ = 0;
  u8 latched_status_ = 0;

  Phase phase_ = Phase::idle;
  u16 idle_value_ = 0;
  i64 start_ = 0;  // the tick at which the element held initial_
  u32 initial_ = 0x10000;
  i64 held_ = 0;          // elapsed ticks while paused
  bool pending_ = false;  // reload_ waits for a trigger or for load_at_
  i64 load_at_ = kNoTick;
};

}  // namespace penumbra
