// Guest time as devices see it: a monotonic clock, timers on it, the calendar, and randomness. Nothing else knows time.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "core/base/state.h"
#include "core/base/types.h"

namespace penumbra {

class Timer;

class Clock {
 public:
  virtual ~Clock() = default;

  // Guest time since power-on. It stands still while a device handler runs under --icount, and never goes back.
  virtual Ticks now() const = 0;
  // Seconds since 1970-01-01 UTC at guest time zero, chosen once per machine.
  virtual i64 epoch() const = 0;
  virtual u64 random() = 0;

  // The earliest deadline of an armed timer, or kNever.
  Ticks next_deadline() const { return next_deadline_; }
  // Fires every timer whose deadline is at or before now(), earliest first; a timer may arm itself again meanwhile.
  void run_due();

 protected:
  // Called when next_deadline() has become earlier, so that a running CPU can be stopped in time.
  virtual void deadline_moved() {}

 private:
  friend class Timer;
  void refresh();

  std::vector<Timer*> armed_;  // few timers exist; the order does not matter
  Ticks next_deadline_ = kNever;
  u64 sequence_ = 0;  // ties fire in the order of arming
};

// A one-shot timer owned by a device. The action runs on the machine's thread with the clock at or after the deadline.
class Timer {
 public:
  Timer(Clock& clock, std::function<void()> action) : clock_(clock), action_(std::move(action)) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void arm(Ticks deadline);
  void cancel();
  bool armed() const { return deadline_ != kNever; }
  Ticks deadline() const { return deadline_; }
  void visit(State& state, std::string_view name);

 private:
  friend class Clock;

  Clock& clock_;
  std::function<void()> action_;
  Ticks deadline_ = kNever;
  u64 order_ = 0;
};

// A clock moved by hand: for tests, and the base of --icount.
class ManualClock : public Clock {
 public:
  Ticks now() const override { return now_; }
  i64 epoch() const override { return epoch_; }
  u64 random() override;

  // Moves time forward to `to`, firing each timer on the way at its own moment.
  void advance_to(Ticks to);
  void advance(Ticks by) { advance_to(now_ + by.value); }
  // Moves time without firing anything.
  void set_now(Ticks now) { now_ = now; }
  void set_epoch(i64 epoch) { epoch_ = epoch; }

 private:
  Ticks now_{0};
  i64 epoch_ = 946684800;  // 2000-01-01
  u64 random_state_ = 0x9e3779b97f4a7c15;
};

}  // namespace penumbra
