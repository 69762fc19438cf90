// Whole files for the machine: firmware, kernels, RAM disks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

// Throws ConfigError naming the path and what was expected of it, if it cannot be read, is empty or is longer than
// `most`.
std::vector<u8> read_file(const std::string& path, std::string_view expected, u64 most);

}  // namespace penumbra
