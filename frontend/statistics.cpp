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
  const u64 instructions = guest_.instructions().value_or(0);
  mips_ = static_cast<double>(instructions - sampled_instructions_) / passed / 1e6;
  sampled_instructions_ = instructions;
  sampled_at_ = now;
  return true;
}

double Statistics::host_seconds() const { return seconds_between(start_, HostClock::now()); }

std::string Statistics::brief() {
  return fmt::format("{}{:.0f} % busy{}", guest_.instructions() ? fmt::format("{:.0f} MIPS, ", mips_) : "",
                     100 * guest_.busy_fraction(), guest_.disk_active() ? ", disk" : "");
}

std::string Statistics::full() {
  const double seconds = host_seconds();
  std::string text = fmt::format("host time     {:.3f} s\nguest time    {:.3f} s\nbusy          {:.0f} %\n", seconds,
                                 static_cast<double>(guest_.now().value) / 1e9, 100 * guest_.busy_fraction());
  if (const std::optional<u64> instructions = guest_.instructions())
    text += fmt::format("instructions  {}\nspeed         {:.1f} MIPS\n", *instructions,
                        seconds > 0 ? static_cast<double>(*instructions) / seconds / 1e6 : 0.0);
  const std::vector<EventCount> counts = guest_.engine_counts();
  if (!counts.empty()) text += fmt::format("{:<44} {:>14} {:>14}\n", "engine", "in total", "a second");
  for (const EventCount& c : counts)
    text += fmt::format("{:<44} {:>14} {:>14.0f}\n", c.name, c.total,
                        seconds > 0 ? static_cast<double>(c.total) / seconds : 0.0);
  return text;
}

}  // namespace penumbra
