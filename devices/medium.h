// The one place that decides what kind of image a path names.
#pragma once

#include <memory>
#include <string>

#include "core/platform/block_device.h"

namespace penumbra {

// Opens and locks the image at `path`. Throws ConfigError or HostError with the path and the reason.
std::unique_ptr<BlockDevice> open_medium(const std::string& path, bool read_only);

}  // namespace penumbra
