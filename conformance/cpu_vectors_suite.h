// Suite `cpu-vectors`: recorded and generated CPU test vectors, where they are present.
#pragma once

#include "conformance/suite.h"

namespace penumbra::conformance {

Suite cpu_vectors_suite(const Options& options);

}  // namespace penumbra::conformance
