// By clock_gettime.
#include "core/base/host_time.h"

#include <time.h>

namespace penumbra {

i64 host_nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return i64{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace penumbra
