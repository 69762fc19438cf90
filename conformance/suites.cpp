// The list of suites.
#include "conformance/suites.h"

#include "conformance/boot_suite.h"
#include "conformance/cpu_gate_suite.h"
#include "conformance/cpu_host_suite.h"
#include "conformance/cpu_sequences_suite.h"
#include "conformance/cpu_vectors_suite.h"
#include "conformance/system_suite.h"
#include "conformance/walk_suite.h"

namespace penumbra::conformance {

std::vector<Suite> all_suites(const Options& options) {
  std::vector<Suite> suites;
  suites.push_back(cpu_host_suite(options));
  suites.push_back(cpu_sequences_suite(options));
  suites.push_back(cpu_gate_suite(options));
  suites.push_back(cpu_vectors_suite(options));
  suites.push_back(boot_suite(options));
  suites.push_back(system_suite(options));
  suites.push_back(cpu_mutation_suite(options));
  suites.push_back(cpu_paging_suite(options));
  return suites;
}

}  // namespace penumbra::conformance
