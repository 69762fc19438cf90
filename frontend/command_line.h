// From arguments to settings.
#pragma once

#include <span>
#include <string>

#include "core/base/types.h"
#include "frontend/run_settings.h"

namespace penumbra {

struct RunCommand {
  enum class Asks : u8 { run, brief_help, full_help, version };
  Asks asks = Asks::run;
  RunSettings settings;  // complete if `asks` is run
};

// Reads what stands behind `penumbra run`. Options take one or two dashes, and their value behind a blank or '='.
// Throws ConfigError that names the option or file, what it holds and what was expected.
RunCommand parse_run(std::span<const std::string> arguments);

}  // namespace penumbra
