// One conformance case a setting of the translator and part of the numbers: every sequence runs on the interpreter, on
// the host CPU where it can be asked, and on the translator, as often as the setting says.
#include "conformance/cpu_sequences_suite.h"

#include <fmt/format.h>

#include <memory>

#include "conformance/failures.h"
#include "conformance/host_cpu.h"
#include "conformance/mixed_sequence.h"
#include "conformance/processor_subject.h"
#include "core/base/error.h"
#include "translator/translator.h"

namespace penumbra::conformance {
namespace {

constexpr u64 kCases = 20'000;
constexpr u64 kQuickCases = 100;

struct Setting {
  const char* name;
  TranslatorOptions options;
  unsigned times;  // each sequence runs, its code left in place
  unsigned parts;
};

// Sums up to 80 parts. `promote_after`: 0 is window code at once; else code for the software TLB comes first.
const Setting kSettings[] = {
    {"soft", {.mmu = MmuKind::soft}, 1, 16},
    {"window", {.promote_after = 0}, 1, 16},
    {"registers", {.mmu = MmuKind::registers, .promote_after = 0}, 1, 16},
    {"again", {.promote_after = 1}, 3, 8},
    {"checked", {.promote_after = 1, .check_after = 1}, 3, 4},
    {"hot", {.promote_after = 10}, 40, 2},
    {"single", {.promote_after = 0, .block_instructions = 1}, 2, 6},
    {"single-soft", {.mmu = MmuKind::soft, .block_instructions = 1}, 2, 6},
    {"forget", {.promote_after = 0, .forget_always = true}, 1, 4},
    {"small-cache", {.code_bytes = 256 << 10}, 1, 2},
};

// Null where there is none that could be asked.
std::unique_ptr<HostCpu> host_cpu() {
  try {
    return HostCpu::create();
  } catch (const HostError&) {
    return nullptr;
  }
}

class Bench {
 public:
  explicit Bench(const Setting& setting)
      : setting_(setting),
        host_(host_cpu()),
        interpreter_(interpreting_subject("p4")),
        translator_(translating_subject("p4", setting.options)),
        generator_({host_ != nullptr, !host_ || host_->abilities().fs}) {}

  void run(u64 seed, u64 number) {
    generator_.make(seed, number, *test_, *before_);
    run_on(*interpreter_, *expected_);
    const Outcome& out = expected_->outcome;
    const Taint taint = generator_.taint_at(out.state.eip);
    test_->ignored_flags = taint.flags;
    test_->ignored_status = taint.status;
    const Row row = row_of(out);
    finished_ += out.vector == Outcome::kFinished;
    ++ran_;
    if (host_) {
      run_on(*host_, *found_);
      // The host is the truth: what differs is the interpreter's.
      if (const Row of_host = row_of(found_->outcome); !same(of_host, *test_, *before_, *found_, *expected_))
        by_interpreter_.add(of_host, number, *test_, *before_, *found_, *expected_);
    }
    for (unsigned time = 0; time < setting_.times; ++time) {
      run_on(*translator_, *found_);
      if (same(row, *test_, *before_, *expected_, *found_)) continue;
      by_translator_.add(row, number, *test_, *before_, *expected_, *found_);
      break;
    }
  }

  CaseResult result(const Options& options) const {
    if (by_interpreter_.count) return failed("interpreter against host: " + by_interpreter_.text(options, ran_));
    if (by_translator_.count) return failed("translator against interpreter: " + by_translator_.text(options, ran_));
    const Share share = translator_->share();
    const u64 all = interpreter_->share().interpreted * setting_.times;
    const std::string remark =
        fmt::format("{} sequences{}, {} to their end; {:.1f} % of runs and {:.1f} % of {} instructions by emitted code",
                    ran_, host_ ? ", on the host too" : "", finished_, percent(share.emitted_runs, share.runs),
                    percent(all - std::min(all, share.interpreted), all), all);
    // The suite says nothing about emitted code that never runs.
    return share.emitted_runs * 2 > share.runs ? passed(remark) : failed("mostly interpreted: " + remark);
  }

 private:
  static double percent(u64 part, u64 whole) { return 100.0 * static_cast<double>(part) / static_cast<double>(whole); }

  void run_on(Subject& subject, Run& run) {
    run.arena = *before_;
    run.outcome = subject.run(test_->in, test_->bytes(), test_->code_at, test_->ending, run.arena);
  }

  // Of the instruction that faulted.
  Row row_of(const Outcome& out) const {
    return out.vector == Outcome::kFinished ? Row{} : generator_.row_at(out.state.eip);
  }

  const Setting& setting_;
  std::unique_ptr<HostCpu> host_;
  std::unique_ptr<ProcessorSubject> interpreter_, translator_;
  MixedSequenceGenerator generator_;
  std::unique_ptr<TestCase> test_ = std::make_unique<TestCase>();
  std::unique_ptr<Arena> before_ = std::make_unique<Arena>();
  std::unique_ptr<Run> expected_ = std::make_unique<Run>(), found_ = std::make_unique<Run>();
  Failures by_interpreter_, by_translator_;
  u64 ran_ = 0, finished_ = 0;
};

CaseResult run_part(const Setting& setting, unsigned part, const Options& options) {
  if (options.self_check) return skipped("compares engines with each other already");
  Bench bench(setting);
  const u64 wanted = options.cases ? options.cases : options.quick ? kQuickCases : kCases;
  for (u64 number = 0; number < wanted; ++number) bench.run(options.seed, u64{part} << 32 | number);
  return bench.result(options);
}

}  // namespace

Suite cpu_sequences_suite(const Options&) {
  Suite suite{"cpu-sequences", {}};
  unsigned part = 0;
  for (const Setting& setting : kSettings)
    for (unsigned n = 0; n < setting.parts; ++n, ++part)
      suite.cases.push_back({fmt::format("{}/{:02}", setting.name, n),
                             [&setting, part](const Options& options) { return run_part(setting, part, options); },
                             n < 2, 1200});
  return suite;
}

}  // namespace penumbra::conformance
