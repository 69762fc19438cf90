// Sleep by ppoll.
#include "core/machine/machine_clock.h"

#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/host_time.h"

namespace penumbra {

namespace {

// The machine looks at its clock many times a millisecond while it runs; a longer step means that it could not run.
constexpr i64 kLongestStep = 3'000'000;
constexpr i64 kLongestPause = 50'000'000;
// A guest that has fallen behind catches up by one part in this many.
constexpr i64 kCatchUp = 8;

}  // namespace

Ticks HostClock::now() const {
  if (!running_) return guest_;
  const i64 host = host_nanoseconds();
  i64 step = host - host_;
  host_ = host;
  if (step > kLongestStep) {
    behind_ += step - kLongestStep;
    step = kLongestStep;
  } else if (behind_ > 0) {
    const i64 repaid = std::min(behind_, step / kCatchUp);
    behind_ -= repaid;
    step += repaid;
  }
  return guest_ += step;
}

u64 HostClock::random() {
  u64 value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) throw host_error("random numbers");
  return value;
}

void HostClock::resume() {
  if (running_) return;
  // The moments that a front end takes between slices belong to the guest; a debugger's minutes do not.
  const i64 host = host_nanoseconds();
  if (host - host_ > kLongestPause) host_ = host;
  running_ = true;
}

void HostClock::pause() {
  now();
  running_ = false;
}

bool HostClock::wait_until(Ticks deadline, Ticks latest, int wake_file) {
  const i64 left = std::min(deadline, latest) - now();
  if (left <= 0) return false;
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  pollfd file{wake_file, POLLIN, 0};
  const bool woken = ppoll(&file, wake_file >= 0 ? 1 : 0, &timeout, nullptr) > 0;
  // Time slept is not time withheld; only oversleeping is.
  const i64 slept = std::min(host_nanoseconds() - host_, left);
  host_ += slept;
  guest_ += slept;
  return woken;
}

bool InstructionClock::wait_until(Ticks deadline, Ticks latest, int) {
  const i64 left = std::min(deadline, latest) - now();
  if (left > 0) skipped_ += left;
  return false;
}

}  // namespace penumbra
