// How fast the guest runs: over the whole run, and over the last half second for the title.
#pragma once

#include <chrono>
#include <string>

#include "frontend/guest.h"

namespace penumbra {

class Statistics {
 public:
  using HostClock = std::chrono::steady_clock;

  explicit Statistics(Guest& guest) : guest_(guest), start_(HostClock::now()), sampled_at_(start_) {}

  // Takes a sample if the last one is old enough; true if it did.
  bool sample();

  double host_seconds() const;
  // "45 MIPS, 80 % busy", and "disk" while one works; without the first where instructions are not counted.
  std::string brief();
  // For --stats and the monitor, in lines.
  std::string full();

 private:
  Guest& guest_;
  HostClock::time_point start_;
  HostClock::time_point sampled_at_;
  u64 sampled_instructions_ = 0;
  double mips_ = 0;
};

}  // namespace penumbra
