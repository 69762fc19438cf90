// Reads a whole gzip-compressed file.
#pragma once

#include <filesystem>
#include <vector>

#include "core/base/types.h"

namespace penumbra::conformance {

// Throws HostError if the file can't be opened or ends in the middle of its compressed data.
std::vector<u8> read_gzip(const std::filesystem::path& file);

}  // namespace penumbra::conformance
