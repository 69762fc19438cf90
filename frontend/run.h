// `penumbra run`: builds the machine and runs it to its end.
#pragma once

#include "frontend/run_settings.h"

namespace penumbra {

// The process's exit code. Throws ConfigError and HostError.
int run(const RunSettings& settings);

}  // namespace penumbra
