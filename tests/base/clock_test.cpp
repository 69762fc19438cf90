// Timers fire in order, at their own moment, and may arm themselves again.
#include "core/platform/clock.h"

#include <doctest/doctest.h>

namespace penumbra {
namespace {

TEST_CASE("timers fire in the order of their deadlines, then of arming") {
  ManualClock clock;
  std::vector<int> fired;
  Timer a(clock, [&] { fired.push_back(1); });
  Timer b(clock, [&] { fired.push_back(2); });
  Timer c(clock, [&] { fired.push_back(3); });
  a.arm(Ticks(20));
  b.arm(Ticks(10));
  c.arm(Ticks(20));
  clock.advance_to(Ticks(15));
  CHECK(fired == std::vector{2});
  clock.advance_to(Ticks(20));
  CHECK(fired == std::vector{2, 1, 3});
  CHECK(clock.next_deadline() == kNever);
}

TEST_CASE("a periodic timer sees each of its moments") {
  ManualClock clock;
  std::vector<i64> moments;
  Timer* self = nullptr;
  Timer timer(clock, [&] {
    moments.push_back(clock.now().value);
    if (moments.size() < 3) self->arm(clock.now() + 10);
  });
  self = &timer;
  timer.arm(Ticks(10));
  clock.advance_to(Ticks(100));
  CHECK(moments == std::vector<i64>{10, 20, 30});
}

}  // namespace
}  // namespace penumbra
