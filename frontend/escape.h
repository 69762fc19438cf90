// The Ctrl-A escape of a terminal that the guest and Penumbra share.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

class EscapeFilter {
 public:
  struct Actions {
    std::function<void()> quit;
    std::function<void()> help;
    std::function<void(bool monitor)> switched;  // the monitor now has the keys, or the guest has them again
    std::function<void(char)> monitor_key;       // while the monitor has them
  };

  explicit EscapeFilter(Actions actions) : actions_(std::move(actions)) {}

  // What of the input is for the guest.
  std::vector<u8> filter(std::span<const u8> input);
  bool in_monitor() const { return in_monitor_; }

 private:
  static constexpr u8 kEscape = 0x01;  // Ctrl-A

  Actions actions_;
  bool escaped_ = false;
  bool in_monitor_ = false;
};

// What Ctrl-A h shows.
std::string escape_help();

}  // namespace penumbra
