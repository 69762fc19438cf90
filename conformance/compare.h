// Comparing two outcomes of one case, and telling people about the difference.
#pragma once

#include <string>
#include <vector>

#include "conformance/generate.h"
#include "conformance/undefined.h"

namespace penumbra::conformance {

struct Run {
  Outcome outcome;
  Arena arena;
};

struct Difference {
  std::string field;  // "eax", "eflags.CF", "memory"
  std::string text;   // both values and the one before
};

// Whether both runs are equal but for what the manuals leave undefined. Fast: the case that nearly always holds.
bool same(const Row& row, const TestCase& test, const Arena& before, const Run& host, const Run& subject);
// All differences, in words.
std::vector<Difference> differences(const Row& row, const TestCase& test, const Arena& before, const Run& host,
                                    const Run& subject);
// Bytes, disassembly, registers and operands before the run.
std::string describe(const Row& row, const TestCase& test, const Arena& before);

}  // namespace penumbra::conformance
