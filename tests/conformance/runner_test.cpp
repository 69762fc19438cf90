// The runner: a case that crashes, hangs, throws or vanishes is a failed case; reports say what happened.
#include "conformance/runner.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "conformance/conform.h"
#include "conformance/options.h"
#include "conformance/report.h"
#include "core/base/error.h"

using namespace penumbra;
using namespace penumbra::conformance;

namespace {

Finished run_one(std::function<CaseResult(const Options&)> run, unsigned timeout = 20) {
  const Case test{"one", std::move(run), true, timeout};
  Options options;
  const auto finished = run_jobs({{"suite", &test}}, options, [](const Finished&) {});
  REQUIRE(finished.size() == 1);
  return {{"suite", nullptr}, finished[0].result, finished[0].seconds};
}

}  // namespace

TEST_CASE("runner: verdicts come back with their detail, however long") {
  CHECK(run_one([](const Options&) { return passed(); }).result.verdict == Verdict::passed);
  const Finished skip = run_one([](const Options&) { return skipped("no such host"); });
  CHECK(skip.result.verdict == Verdict::skipped);
  CHECK(skip.result.detail == "no such host");
  const Finished fail = run_one([](const Options&) { return failed(std::string(300'000, 'x')); });
  CHECK(fail.result.verdict == Verdict::failed);
  CHECK(fail.result.detail.size() == 300'000);
}

TEST_CASE("runner: a crash, an exception, a silent exit and a hang are failures") {
  const Finished crash = run_one([](const Options&) -> CaseResult {
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
    return passed();
  });
  CHECK(crash.result.verdict == Verdict::failed);
  CHECK(crash.result.detail.find("signal 11") != std::string::npos);
  const Finished thrown = run_one([](const Options&) -> CaseResult { throw ConfigError("bad thing"); });
  CHECK(thrown.result.verdict == Verdict::failed);
  CHECK(thrown.result.detail.find("bad thing") != std::string::npos);
  const Finished silent = run_one([](const Options&) -> CaseResult { _exit(0); });
  CHECK(silent.result.verdict == Verdict::failed);
  const Finished hang = run_one(
      [](const Options&) -> CaseResult {
        for (;;) pause();
      },
      1);
  CHECK(hang.result.verdict == Verdict::failed);
  CHECK(hang.result.detail == "no result after 1 s");
}

TEST_CASE("runner: jobs run at the same time are all reported") {
  std::vector<Case> cases;
  for (int i = 0; i < 9; ++i)
    cases.push_back({fmt::format("c{}", i), [](const Options&) { return passed(); }, true, 20});
  std::vector<Job> jobs;
  for (const Case& test : cases) jobs.push_back({"suite", &test});
  Options options;
  options.jobs = 4;
  size_t reported = 0;
  CHECK(run_jobs(jobs, options, [&](const Finished&) { ++reported; }).size() == 9);
  CHECK(reported == 9);
}

TEST_CASE("options: numbers, shards and unknown words") {
  const std::vector<std::string> good{"--jobs", "3", "--shard", "2/4", "--seed", "0x10", "--quick", "cpu-*"};
  const Options options = parse_options(good);
  CHECK(options.jobs == 3);
  CHECK(options.shard == 2);
  CHECK(options.shards == 4);
  CHECK(options.seed == 16);
  CHECK(options.quick);
  CHECK(selected(options, "cpu-host/add"));
  CHECK_FALSE(selected(options, "boot/cpu-host"));
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"--jobs"},
                                              {"--jobs", "x"},
                                              {"--shard", "5/4"},
                                              {"--shard", "0/4"},
                                              {"--engine", "magic"},
                                              {"--what"}})
    CHECK_THROWS_AS(parse_options(bad), ConfigError);
}

TEST_CASE("conform: bad usage and a run of nothing have exit codes of their own") {
  CHECK(conform_main(std::vector<std::string>{"--what"}) == 2);
  CHECK(conform_main(std::vector<std::string>{"--filter", "no such case"}) == 3);
}

TEST_CASE("reports: JUnit and TAP carry verdict, reason and escaped text") {
  const Case test{"a<b", {}, true, 1};
  const std::vector<Finished> all{{{"s", &test}, failed("line 1 & more\nline 2"), 0.5},
                                  {{"s", &test}, skipped("why"), 0}};
  const std::string junit = junit_text(all);
  CHECK(junit.find("tests=\"2\" failures=\"1\" skipped=\"1\"") != std::string::npos);
  CHECK(junit.find("name=\"a&lt;b\"") != std::string::npos);
  CHECK(junit.find("message=\"line 1 &amp; more\"") != std::string::npos);
  const std::string tap = tap_text(all);
  CHECK(tap.find("1..2\nnot ok 1 - s/a<b\n# line 1 & more\n# line 2\nok 2 - s/a<b # SKIP why") != std::string::npos);
}
