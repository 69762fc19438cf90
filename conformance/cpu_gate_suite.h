// Suite `cpu-gate`: what a Pentium 4 does not have must raise #UD, although a newer host would execute it.
#pragma once

#include "conformance/suite.h"

namespace penumbra::conformance {

Suite cpu_gate_suite(const Options& options);

}  // namespace penumbra::conformance
