// What every device is to the board: it has a name, it resets, and its state can be visited.
#pragma once

#include <string_view>

#include "core/base/state.h"

namespace penumbra {

enum class Reset : u8 { power_on, hard };

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;
  virtual void reset(Reset kind) = 0;
  virtual void visit(State& state) = 0;
};

}  // namespace penumbra
