// The cases that differ: how many, in which fields, and the first few in full.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>

#include "conformance/compare.h"
#include "conformance/suite.h"

namespace penumbra::conformance {

struct Failures {
  static constexpr u64 kExamples = 3;

  u64 count = 0;
  std::map<std::string, u64> fields;
  std::string examples;

  void add(const Row& row, u64 number, const TestCase& test, const Arena& before, const Run& host, const Run& subject) {
    const auto all = differences(row, test, before, host, subject);
    for (const Difference& one : all) ++fields[one.field];
    if (++count > kExamples) return;
    examples += fmt::format("case {}: {}", number, describe(row, test, before));
    for (const Difference& one : all) examples += fmt::format("  -> {}: {}\n", one.field, one.text);
  }

  std::string text(const Options& options, u64 cases) const {
    std::string out = fmt::format("{} of {} cases differ (seed {}), by field:", count, cases, options.seed);
    for (const auto& [field, n] : fields) out += fmt::format(" {} {}", field, n);
    return out + "\n" + examples;
  }
};

}  // namespace penumbra::conformance
