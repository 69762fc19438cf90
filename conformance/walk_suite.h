// The suites "cpu-mutation" and "cpu-paging": random walks of a small kernel over changing code and page tables.
#pragma once

#include "conformance/suite.h"

namespace penumbra::conformance {

Suite cpu_mutation_suite(const Options& options);
Suite cpu_paging_suite(const Options& options);

}  // namespace penumbra::conformance
