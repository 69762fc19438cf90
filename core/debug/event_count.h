// What an engine counted, for --stats.
#pragma once

#include <string>

#include "core/base/types.h"

namespace penumbra {

struct EventCount {
  std::string name;
  u64 total;
};

}  // namespace penumbra
