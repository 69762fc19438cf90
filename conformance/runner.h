// Runs cases, each in a forked process, so that a crash or an endless loop is one failed case and nothing more.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conformance/suite.h"

namespace penumbra::conformance {

struct Job {
  std::string suite;
  const Case* test = nullptr;

  std::string full_name() const { return suite + "/" + test->name; }
};

struct Finished {
  Job job;
  CaseResult result;
  double seconds = 0;
};

// Runs all jobs, at most `options.jobs` at the same time, and calls `report` for each as it ends. The result of a
// process that ends without a verdict is `failed`, whatever its exit status. Throws HostError if the host refuses to
// fork. With `keep_going` off, jobs that were not started are missing from what is returned.
std::vector<Finished> run_jobs(const std::vector<Job>& jobs, const Options& options,
                               const std::function<void(const Finished&)>& report);

}  // namespace penumbra::conformance
