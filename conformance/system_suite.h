// The suite cpu-system: our own bare-metal tests of protection, paging, tasks, V86 mode, debugging
// (conformance/system).
#pragma once

#include "conformance/suite.h"

namespace penumbra::conformance {

Suite system_suite(const Options& options);

}  // namespace penumbra::conformance
