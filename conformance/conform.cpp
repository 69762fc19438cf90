// The command: chooses cases, runs them, reports.
#include "conformance/conform.h"

#include <cstdio>

#include "conformance/options.h"
#include "conformance/report.h"
#include "conformance/runner.h"
#include "conformance/suites.h"
#include "core/base/error.h"

namespace penumbra {
namespace {

using namespace conformance;

std::vector<Job> chosen_jobs(const std::vector<Suite>& suites, const Options& options) {
  std::vector<Job> jobs;
  size_t index = 0;
  for (const Suite& suite : suites) {
    for (const Case& test : suite.cases) {
      if (!selected(options, suite.name + "/" + test.name)) continue;
      if (options.quick && !test.quick) continue;
      if (index++ % options.shards == options.shard - 1) jobs.push_back({suite.name, &test});
    }
  }
  return jobs;
}

int run(const Options& options) {
  const std::vector<Suite> suites = all_suites(options);
  const std::vector<Job> jobs = chosen_jobs(suites, options);
  if (options.list) {
    for (const Job& job : jobs) fmt::print("{}\n", job.full_name());
    return jobs.empty() ? 3 : 0;
  }
  TextReport report(stdout, jobs.size(), options.verbose);
  const std::vector<Finished> all = run_jobs(jobs, options, [&](const Finished& one) { report.add(one); });
  if (!options.junit.empty()) write_junit(options.junit, all);
  if (!options.tap.empty()) write_tap(options.tap, all);
  report.finish(all);
  if (report.counts().failed) return 1;
  return report.counts().passed ? 0 : 3;
}

}  // namespace

int conform_main(std::span<const std::string> arguments) {
  try {
    for (const std::string& argument : arguments) {
      if (argument == "--help" || argument == "-h") {
        fmt::print("{}", usage());
        return 0;
      }
    }
    return run(parse_options(arguments));
  } catch (const ConfigError& error) {
    fmt::print(stderr, "penumbra conform: {}\n", error.what());
    return 2;
  } catch (const HostError& error) {
    fmt::print(stderr, "penumbra conform: {}\n", error.what());
    return 1;
  }
}

}  // namespace penumbra
