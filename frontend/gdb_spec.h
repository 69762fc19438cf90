// Where --gdb listens.
#pragma once

#include <string_view>

#include "frontend/run_settings.h"

namespace penumbra {

// ":1234", "1234", "tcp::1234", "HOST:1234", "unix:PATH" or "stdio", with ",nowait" behind it if the guest is not to
// wait. Without a host only this host can connect. Throws ConfigError.
GdbSpec parse_gdb(std::string_view text);

}  // namespace penumbra
