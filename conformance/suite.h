// What a conformance suite is made of: named cases that run alone in a process of their own and answer with a verdict.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/types.h"
#include "translator/options.h"

namespace penumbra::conformance {

enum class Verdict : u8 { passed, failed, skipped };

struct CaseResult {
  Verdict verdict = Verdict::failed;
  std::string detail;  // why it failed or was skipped; for a passed case an optional remark
};

inline CaseResult passed(std::string remark = {}) { return {Verdict::passed, std::move(remark)}; }
inline CaseResult failed(std::string detail) { return {Verdict::failed, std::move(detail)}; }
inline CaseResult skipped(std::string reason) { return {Verdict::skipped, std::move(reason)}; }

// What a person chose for the whole run.
struct Options {
  std::vector<std::string> filters;  // a glob over "suite/case", or a part of it; empty: everything
  unsigned jobs = 1;
  unsigned shard = 1;  // this process runs every `shards`-th case, beginning with number `shard` (from 1)
  unsigned shards = 1;
  u64 seed = 1;
  u64 cases = 0;            // random states an instruction row; 0: the suite's own number
  unsigned timeout = 0;     // seconds a case; 0: the case's own limit
  bool quick = false;       // the set that continuous integration runs
  bool list = false;        // print names only
  bool verbose = false;     // print passed cases too
  bool self_check = false;  // suites with a second oracle run it in place of the engine
  bool keep_going = true;   // false: stop at the first failure
  std::string engine = "interpreter";
  TranslatorOptions translator;               // of that engine
  std::vector<std::string> translator_words;  // the same, for the command line of what the boot suite starts
  std::filesystem::path junit;
  std::filesystem::path tap;
  std::filesystem::path vectors;     // recorded CPU vectors
  std::filesystem::path media;       // guest OS media
  std::filesystem::path executable;  // what the boot suite starts
};

struct Case {
  std::string name;  // unique in its suite; no spaces
  std::function<CaseResult(const Options&)> run;
  bool quick = true;      // belongs to the quick set
  unsigned timeout = 60;  // seconds
};

struct Suite {
  std::string name;
  std::vector<Case> cases;
};

}  // namespace penumbra::conformance
