// Pictures as PNG files.
#pragma once

#include <string>

#include "core/platform/display.h"

namespace penumbra {

// Writes the whole file or leaves none behind. Throws HostError.
void write_png(const Picture& picture, const std::string& path);

}  // namespace penumbra
