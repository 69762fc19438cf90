// One line, rewritten in place.
#include "frontend/progress.h"

#include <fmt/format.h>

#include <cstdio>

namespace penumbra {

void Progress::show(const std::string& text, double seconds) {
  const int second = static_cast<int>(seconds);
  if (!on_ || second < 2 || second == second_) return;
  second_ = second;
  shown_ = true;
  fmt::print(stderr, "\r\x1b[K{} ... {} s", text, second);
  std::fflush(stderr);
}

void Progress::clear() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

}  // namespace penumbra
