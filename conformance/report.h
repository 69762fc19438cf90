// What a run says: lines for people while it runs, JUnit and TAP files for machines.
#pragma once

#include <cstdio>
#include <filesystem>
#include <vector>

#include "conformance/runner.h"

namespace penumbra::conformance {

struct Counts {
  size_t passed = 0;
  size_t failed = 0;
  size_t skipped = 0;

  void add(Verdict verdict);
};

// Prints failures in full as they happen, progress now and then, and skipped cases summed up by reason.
class TextReport {
 public:
  TextReport(std::FILE* out, size_t total, bool verbose) : out_(out), total_(total), verbose_(verbose) {}
  void add(const Finished& finished);
  // The last line is "N passed, N failed, N skipped".
  void finish(const std::vector<Finished>& all);
  const Counts& counts() const { return counts_; }

 private:
  std::FILE* out_;
  size_t total_;
  bool verbose_;
  size_t done_ = 0;
  Counts counts_;
};

// Both throw HostError if the file can't be written.
void write_junit(const std::filesystem::path& file, const std::vector<Finished>& all);
void write_tap(const std::filesystem::path& file, const std::vector<Finished>& all);

// The texts themselves.
std::string junit_text(const std::vector<Finished>& all);
std::string tap_text(const std::vector<Finished>& all);

}  // namespace penumbra::conformance
