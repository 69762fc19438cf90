// One conformance case an instruction row and family of segments: many random states, host CPU against engine.
#include "conformance/cpu_host_suite.h"

#include <fmt/format.h>

#include <memory>

#include "conformance/compare.h"
#include "conformance/engine_subject.h"
#include "conformance/failures.h"
#include "conformance/host_cpu.h"
#include "conformance/sequence.h"
#include "core/base/error.h"

namespace penumbra::conformance {
namespace {

constexpr u64 kCases = 20'000;
constexpr u64 kQuickCases = 300;
// Segments are mostly about addresses: fewer states do.
constexpr u64 kSegmentShare = 4;

// Sequences have no rows to be divided by.
constexpr unsigned kSequenceParts = 32;

enum class Family : u8 { flat, segments };

// The host again, ending each case the other way round.
class SelfCheck final : public Subject {
 public:
  explicit SelfCheck(HostCpu& host) : host_(host) {}
  Outcome run(const UserState& in, std::span<const u8> code, u32 code_at, Ending, Arena& arena) override {
    return host_.run(in, code, code_at, Ending::anywhere, arena);
  }

 private:
  HostCpu& host_;
};

// The host, and what is held against it; or why not.
struct Pair {
  std::unique_ptr<HostCpu> host;
  std::unique_ptr<Subject> subject;
  std::string missing;
};

Pair make_pair(const Options& options) {
  Pair pair;
  try {
    pair.host = HostCpu::create();
  } catch (const HostError& error) {
    pair.missing = error.what();
    return pair;
  }
  if (options.self_check)
    pair.subject = std::make_unique<SelfCheck>(*pair.host);
  else
    pair.subject = engine_subject(options);
  return pair;
}

// Runs `wanted` cases that `make(number, test, arena)` makes.
template <class Make>
CaseResult run_cases(const Row& row, Pair& pair, u64 wanted, const Options& options, Make make) {
  auto test = std::make_unique<TestCase>();
  auto before = std::make_unique<Arena>();
  auto a = std::make_unique<Run>(), b = std::make_unique<Run>();
  Failures failures;
  u64 ran = 0;
  for (u64 number = 0; ran < wanted && number < 4 * wanted; ++number) {
    if (!make(number, *test, *before)) continue;
    ++ran;
    a->arena = b->arena = *before;
    a->outcome = pair.host->run(test->in, test->bytes(), test->code_at, test->ending, a->arena);
    b->outcome = pair.subject->run(test->in, test->bytes(), test->code_at, test->ending, b->arena);
    if (!same(row, *test, *before, *a, *b)) failures.add(row, number, *test, *before, *a, *b);
  }
  if (ran == 0) return failed("no case could be made");
  if (failures.count) return failed(failures.text(options, ran));
  return passed(fmt::format("{} cases", ran));
}

u64 cases_wanted(const Options& options) {
  return options.cases ? options.cases : options.quick ? kQuickCases : kCases;
}

CaseResult run_row(const Row& row, Family family, const Options& options) {
  Pair pair = make_pair(options);
  if (!pair.missing.empty()) return skipped(pair.missing);
  const HostAbilities& abilities = pair.host->abilities();
  if (family == Family::segments && !abilities.local_segments) return skipped("the host refuses modify_ldt");
  Generator generator(row, {family == Family::segments, abilities.fs, 0xFFFF});
  u64 wanted = cases_wanted(options);
  if (family == Family::segments) wanted = std::max<u64>(1, wanted / kSegmentShare);
  return run_cases(row, pair, wanted, options, [&](u64 number, TestCase& test, Arena& before) {
    return generator.make(options.seed, number, test, before);
  });
}

CaseResult run_sequences(unsigned part, const Options& options) {
  Pair pair = make_pair(options);
  if (!pair.missing.empty()) return skipped(pair.missing);
  SequenceGenerator generator;
  const Row none;
  return run_cases(none, pair, cases_wanted(options), options, [&](u64 number, TestCase& test, Arena& before) {
    generator.make(options.seed, u64{part} << 32 | number, test, before);
    return true;
  });
}

}  // namespace

Suite cpu_host_suite(const Options&) {
  Suite suite{"cpu-host", {}};
  for (const Family family : {Family::flat, Family::segments}) {
    for (const Row& row : user_rows()) {
      suite.cases.push_back({fmt::format("{}/{}", family == Family::flat ? "flat" : "segments", row.name),
                             [row, family](const Options& options) { return run_row(row, family, options); }, true,
                             300});
    }
  }
  for (unsigned part = 0; part < kSequenceParts; ++part)
    suite.cases.push_back({fmt::format("sequences/{:02}", part),
                           [part](const Options& options) { return run_sequences(part, options); }, true, 300});
  return suite;
}

}  // namespace penumbra::conformance
