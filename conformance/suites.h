// The list of suites; a new one is one line in suites.cpp.
#pragma once

#include <vector>

#include "conformance/suite.h"

namespace penumbra::conformance {

std::vector<Suite> all_suites(const Options& options);

}  // namespace penumbra::conformance
