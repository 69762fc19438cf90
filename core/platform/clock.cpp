// The timer queue.
#include "core/platform/clock.h"

#include <algorithm>

namespace penumbra {

void Clock::refresh() {
  const Ticks before = next_deadline_;
  next_deadline_ = kNever;
  for (const Timer* timer : armed_) next_deadline_ = std::min(next_deadline_, timer->deadline_);
  if (next_deadline_ < before) deadline_moved();
}

void Clock::run_due() {
  while (next_deadline_ <= now()) {
    const auto first = std::min_element(armed_.begin(), armed_.end(), [](const Timer* a, const Timer* b) {
      return a->deadline_ != b->deadline_ ? a->deadline_ < b->deadline_ : a->order_ < b->order_;
    });
    Timer& timer = **first;
    timer.cancel();
    timer.action_();
  }
}

void Timer::arm(Ticks deadline) {
  if (!armed()) clock_.armed_.push_back(this);
  deadline_ = deadline;
  order_ = ++clock_.sequence_;
  if (deadline == kNever) std::erase(clock_.armed_, this);
  clock_.refresh();
}

void Timer::cancel() {
  if (!armed()) return;
  deadline_ = kNever;
  std::erase(clock_.armed_, this);
  clock_.refresh();
}

void Timer::visit(State& state, std::string_view name) {
  Ticks deadline = deadline_;
  state.field(name, deadline);
  if (state.loading()) arm(deadline);
}

u64 ManualClock::random() {
  // xorshift64*, so that a run under --icount repeats itself.
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return random_state_ * 0x2545f4914f6cdd1d;
}

void ManualClock::advance_to(Ticks to) {
  while (next_deadline() <= to) {
    now_ = std::max(now_, next_deadline());
    run_due();
  }
  now_ = std::max(now_, to);
}

}  // namespace penumbra
