// Suite `cpu-host`: every user-mode instruction row on random states, against the host's own CPU.
#pragma once

#include "conformance/suite.h"

namespace penumbra::conformance {

Suite cpu_host_suite(const Options& options);

}  // namespace penumbra::conformance
