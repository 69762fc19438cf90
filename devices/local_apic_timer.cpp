// The local APIC's timer. Its count is worked out from the clock when it is read; a host-side timer runs only while an
// expiry would interrupt. Source: SDM 3A 10.5.4.
#include <algorithm>

#include "core/base/bits.h"
#include "devices/local_apic.h"

namespace penumbra {

namespace {

constexpr i64 kBusPeriod = 10;  // nanoseconds: a bus of 100 MHz
constexpr u32 kPeriodic = 1 << 17;
constexpr u32 kMasked = 1 << 16;
// Expiries of a shorter period merge, as they would in IRR, so that no setting keeps the machine busy with itself.
constexpr i64 kShortestPeriod = 20'000;

}  // namespace

// Of one count. The divide configuration register's bits 3, 1 and 0 hold 2, 4, 8 ... 128, and then 1.
Ticks LocalApic::timer_tick() const {
  const unsigned code = (divide_ & 3) | (divide_ >> 1 & 4);
  return Ticks(kBusPeriod << ((code + 1) & 7));
}

bool LocalApic::timer_periodic() const { return lvt_[kTimer] & kPeriodic; }

u64 LocalApic::timer_elapsed() const {
  return static_cast<u64>(std::max<i64>(clock_.now() - timer_start_, 0) / timer_tick().value);
}

u32 LocalApic::timer_current() const {
  if (!initial_count_) return 0;
  const u64 elapsed = timer_elapsed();
  if (timer_periodic()) return static_cast<u32>(initial_count_ - elapsed % initial_count_);
  return elapsed < initial_count_ ? static_cast<u32>(initial_count_ - elapsed) : 0;
}

// An expiry that is due but not yet noticed belongs to the settings before a change.
void LocalApic::settle_timer() {
  if (!timer_.armed() || timer_.deadline() > clock_.now()) return;
  timer_.cancel();
  timer_expired();
}

void LocalApic::schedule_timer() {
  timer_.cancel();
  if (!initial_count_ || (lvt_[kTimer] & kMasked)) return;
  const u64 elapsed = timer_elapsed();
  if (!timer_periodic() && elapsed >= initial_count_) return;
  const i64 period = static_cast<i64>(initial_count_) * timer_tick().value;
  const i64 next = timer_start_.value + static_cast<i64>(elapsed / initial_count_ + 1) * period;
  timer_.arm(Ticks(timer_periodic() ? std::max(next, clock_.now().value + kShortestPeriod) : next));
}

// After a change of the divider or the mode: as if the timer had counted `gone` down at the new pace.
void LocalApic::resume_timer(u32 gone) {
  timer_start_ = Ticks(clock_.now().value - gone * timer_tick().value);
  schedule_timer();
}

void LocalApic::timer_expired() {
  deliver_local(kTimer);
  schedule_timer();
}

}  // namespace penumbra
