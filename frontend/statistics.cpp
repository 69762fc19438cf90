// Counting.
#include "frontend/statistics.h"

#include <fmt/format.h>

namespace penumbra {

namespace {

double seconds_between(Statistics::HostClock::time_point from, Statistics::HostClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

bool Statistics::sample() {
  const auto now = HostClock::now();
  const double passed = seconds_between(sampled_at_, now);
  if (passed < 0.5) return false;
  const u64 instructions = guest_.instructions();
  mips_ = static_cast<double>(instructions - sampled_instructions_) / passed / 1e6;
  sampled_instructions_ = instructions;
  sampled_at_ = now;
  return true;
}

double Statistics::host_seconds() const { return seconds_between(start_, HostClock::now()); }

std::string Statistics::brief() {
  return fmt::format("{:.0f} MIPS, {:.0f} % busy{}", mips_, 100 * guest_.busy_fraction(),
                     guest_.disk_active() ? ", disk" : "");
}

std::string Statistics::full() {
  const double seconds = host_seconds();
  const u64 instructions = guest_.instructions();
  std::string text = fmt::format(
      "instructions  {}\nhost time     {:.3f} s\nguest time    {:.3f} s\nspeed         {:.1f} MIPS\nbusy          "
      "{:.0f} %\n",
      instructions, seconds, static_cast<double>(guest_.now().value) / 1e9,
      seconds > 0 ? static_cast<double>(instructions) / seconds / 1e6 : 0.0, 100 * guest_.busy_fraction());
  const std::vector<EventCount> counts = guest_.engine_counts();
  if (!counts.empty()) text += fmt::format("{:<44} {:>14} {:>14}\n", "engine", "in total", "a second");
  for (const EventCount& c : counts)
    text += fmt::format("{:<44} {:>14} {:>14.0f}\n", c.name, c.total,
                        seconds > 0 ? static_cast<double>(c.total) / seconds : 0.0);
  return text;
}

}  // namespace penumbra
