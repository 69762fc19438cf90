// The command line of `penumbra conform`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "conformance/suite.h"

namespace penumbra::conformance {

// Throws ConfigError for an option that is unknown or has a bad value.
Options parse_options(std::span<const std::string> arguments);
std::string_view usage();

// Whether "suite/case" is chosen: no filter, or one that matches. A filter with *, ? or [ is a glob over the whole
// name.
bool selected(const Options& options, const std::string& full_name);

}  // namespace penumbra::conformance
