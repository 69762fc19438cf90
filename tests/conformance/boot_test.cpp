// The boot suite as data: names are unique, a missing medium is a skipped case, and a program's exit code decides.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "conformance/boot_cases.h"
#include "conformance/boot_suite.h"

using namespace penumbra::conformance;

namespace {

const Case& case_named(const Suite& suite, const std::string& name) {
  for (const Case& test : suite.cases)
    if (test.name == name) return test;
  FAIL("no case ", name);
  return suite.cases.front();
}

}  // namespace

TEST_CASE("boot cases: unique names, something to check in each") {
  std::set<std::string_view> names;
  for (const BootCase& boot : boot_cases()) {
    CHECK(names.insert(boot.name).second);
    CHECK_FALSE(boot.files.empty());
    CHECK((!boot.steps.empty() || boot.picture_bytes > 0));
  }
}

TEST_CASE("boot cases: a missing medium is skipped, never passed") {
  const Suite suite = boot_suite({});
  Options options;
  options.media = "/nonexistent";
  const CaseResult result = case_named(suite, "penumbra-bios/mikeos-floppy").run(options);
  CHECK(result.verdict == Verdict::skipped);
  CHECK(result.detail.find("/nonexistent/mikeos.flp") != std::string::npos);
}

TEST_CASE("boot cases: the exit code decides, and a failure shows command and output") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "penumbra-boot-test";
  fs::create_directories(folder);
  std::ofstream(folder / "mikeos.flp") << "medium";
  const fs::path program = folder / "program";
  const auto run_with = [&](const char* script) {
    std::ofstream(program) << script;
    fs::permissions(program, fs::perms::owner_all);
    Options options;
    options.media = folder;
    options.executable = program;
    return case_named(boot_suite({}), "penumbra-bios/mikeos-floppy").run(options);
  };
  CHECK(run_with("#!/bin/sh\nexit 0\n").verdict == Verdict::passed);
  const CaseResult failed = run_with("#!/bin/sh\necho \"screen: $*\"\nexit 6\n");
  CHECK(failed.verdict == Verdict::failed);
  CHECK(failed.detail.find("exit code 6, not 0") != std::string::npos);
  CHECK(failed.detail.find("'--expect' 'Welcome to MikeOS'") != std::string::npos);
  CHECK(failed.detail.find("screen: run --display none") != std::string::npos);
  fs::remove_all(folder);
}
