// The suite "cpu-sequences": random instruction sequences on the host CPU, the interpreter and the translator.
#pragma once

#include "conformance/suite.h"

namespace penumbra::conformance {

Suite cpu_sequences_suite(const Options& options);

}  // namespace penumbra::conformance
