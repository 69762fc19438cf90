// The two clocks a machine can have: the host's time, or a function of the instructions executed.
#pragma once

#include <functional>

#include "core/platform/clock.h"

namespace penumbra {

class MachineClock : public Clock {
 public:
  i64 epoch() const override { return epoch_; }

  // Guest time goes on only between these two.
  virtual void resume() = 0;
  virtual void pause() = 0;
  // A halted guest waits for the next timer: sleeps on the host, or moves guest time there. Ends at `latest` at the
  // latest, or early when `wake_file` (-1: none) becomes readable: then answers true.
  virtual bool wait_until(Ticks deadline, Ticks latest, int wake_file) = 0;
  // Calls this whenever next_deadline() has become earlier.
  void on_earlier_deadline(std::function<void()> call) { earlier_ = std::move(call); }

 protected:
  explicit MachineClock(i64 epoch) : epoch_(epoch) {}
  void deadline_moved() override {
    if (earlier_) earlier_();
  }

 private:
  i64 epoch_;
  std::function<void()> earlier_;
};

// Follows the host's monotonic clock while the machine runs. Where the host did not let the machine run for a while,
// guest time does not leap: it falls behind and catches up slowly, so that a busy host costs the guest no timer ticks.
class HostClock final : public MachineClock {
 public:
  explicit HostClock(i64 epoch) : MachineClock(epoch) {}
  Ticks now() const override;
  u64 random() override;
  void resume() override;
  void pause() override;
  bool wait_until(Ticks deadline, Ticks latest, int wake_file) override;

 private:
  // Guest time as it stood when the host's clock was last looked at.
  mutable Ticks guest_{0};
  mutable i64 host_ = 0;    // nanoseconds
  mutable i64 behind_ = 0;  // withheld so far
  bool running_ = false;
};

// A fixed guest time for each instruction; idle time is skipped.
class InstructionClock final : public MachineClock {
 public:
  // `instructions` answers how many were executed so far.
  InstructionClock(i64 epoch, u32 nanoseconds, std::function<u64()> instructions)
      : MachineClock(epoch), nanoseconds_(nanoseconds), instructions_(std::move(instructions)) {}
  Ticks now() const override { return skipped_ + static_cast<i64>(instructions_() * nanoseconds_); }
  u64 random() override { return random_.random(); }
  void resume() override {}
  void pause() override {}
  bool wait_until(Ticks deadline, Ticks latest, int wake_file) override;
  u32 nanoseconds_per_instruction() const { return nanoseconds_; }

 private:
  u32 nanoseconds_;
  std::function<u64()> instructions_;
  Ticks skipped_{0};
  ManualClock random_;  // its generator gives the same numbers in every run
};

}  // namespace penumbra
