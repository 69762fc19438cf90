// Host time by clock_gettime, sleep by ppoll.
#include "core/machine/machine_clock.h"

#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>

#include "core/base/error.h"

namespace penumbra {

namespace {

i64 host_nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return i64{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

Ticks HostClock::now() const { return running_ ? passed_ + (host_nanoseconds() - resumed_at_) : passed_; }

u64 HostClock::random() {
  u64 value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) throw host_error("random numbers");
  return value;
}

void HostClock::resume() {
  if (running_) return;
  resumed_at_ = host_nanoseconds();
  running_ = true;
}

void HostClock::pause() {
  passed_ = now();
  running_ = false;
}

void HostClock::wait_until(Ticks deadline, Ticks latest, int wake_file) {
  const i64 left = std::min(deadline, latest) - now();
  if (left <= 0) return;
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  pollfd file{wake_file, POLLIN, 0};
  ppoll(&file, wake_file >= 0 ? 1 : 0, &timeout, nullptr);
}

void InstructionClock::wait_until(Ticks deadline, Ticks latest, int) {
  const i64 left = std::min(deadline, latest) - now();
  if (left > 0) skipped_ += left;
}

}  // namespace penumbra
