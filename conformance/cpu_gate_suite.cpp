// Two kinds of cases: rows of later instruction sets with random operands, and single encodings that mean nothing.
#include "conformance/cpu_gate_suite.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "conformance/compare.h"
#include "conformance/engine_subject.h"
#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

constexpr u64 kCases = 500;
constexpr u64 kQuickCases = 50;
constexpr u8 kInvalidOpcode = 6;

struct Encoding {
  std::string_view what;
  std::array<u8, 8> bytes;
};

constexpr Encoding kEncodings[] = {
    {"pshufb", {0x0F, 0x38, 0x00, 0xC1}},
    {"movbe", {0x0F, 0x38, 0xF0, 0x03}},
    {"crc32", {0xF2, 0x0F, 0x38, 0xF1, 0xC1}},
    {"aesenc", {0x66, 0x0F, 0x38, 0xDC, 0xC1}},
    {"palignr", {0x0F, 0x3A, 0x0F, 0xC1, 0x04}},
    {"pcmpistri", {0x66, 0x0F, 0x3A, 0x63, 0xC1, 0x00}},
    {"3dnow", {0x0F, 0x0F, 0xC1, 0x9E}},
    {"vex-c5", {0xC5, 0xF8, 0x58, 0xC1}},
    {"vex-c4", {0xC4, 0xE1, 0x78, 0x58, 0xC1}},
    {"evex", {0x62, 0xF1, 0x7C, 0x48, 0x58, 0xC1}},
    {"xop", {0x8F, 0xE8, 0x78, 0xC0, 0xC1, 0x00}},
    {"bound-register", {0x62, 0xC1}},
    {"lea-register", {0x8D, 0xC1}},
    {"les-register", {0xC4, 0xC1}},
    {"mov-to-cs", {0x8E, 0xC8}},
    {"mov-to-sreg6", {0x8E, 0xF0}},
    {"mov-from-sreg7", {0x8C, 0xF8}},
    {"pop-group-1", {0x8F, 0x0B}},
    {"mov-group-1", {0xC6, 0xC8, 0x00}},
    {"fe-2", {0xFE, 0xD0}},
    {"ff-7", {0xFF, 0xF8}},
    {"far-call-register", {0xFF, 0xD8}},
    {"far-jump-register", {0xFF, 0xE8}},
    {"lock-nop", {0xF0, 0x90}},
    {"lock-register", {0xF0, 0x01, 0xC3}},
    {"lock-cmp", {0xF0, 0x39, 0x03}},
    {"lock-load", {0xF0, 0x03, 0x03}},
    {"0f-04", {0x0F, 0x04}},
    {"0f-0a", {0x0F, 0x0A}},
    {"0f-0c", {0x0F, 0x0C}},
    {"0f-24", {0x0F, 0x24, 0xC0}},
    {"0f-26", {0x0F, 0x26, 0xC0}},
    {"0f-36", {0x0F, 0x36}},
    {"0f-3b", {0x0F, 0x3B}},
    {"0f-7a", {0x0F, 0x7A, 0xC1}},
    {"0f-a6", {0x0F, 0xA6, 0xC1}},
    {"0f-d6", {0x0F, 0xD6, 0xC1}},
    {"0f-e6", {0x0F, 0xE6, 0xC1}},
    {"0f-f0", {0x0F, 0xF0, 0x03}},
    {"0f-13-register", {0x0F, 0x13, 0xC1}},
    {"0f-17-register", {0x0F, 0x17, 0xC1}},
    {"0f-2b-register", {0x0F, 0x2B, 0xC1}},
    {"0f-50-memory", {0x0F, 0x50, 0x03}},
    {"0f-71-memory", {0x0F, 0x71, 0x13, 0x01}},
    {"0f-73-3-mmx", {0x0F, 0x73, 0xD9, 0x01}},
    {"0f-ae-register", {0x0F, 0xAE, 0xC1}},
    {"0f-ba-0", {0x0F, 0xBA, 0xC1, 0x01}},
    {"0f-c5-memory", {0x0F, 0xC5, 0x03, 0x01}},
    {"0f-c7-register", {0x0F, 0xC7, 0xC9}},
    {"0f-f7-memory", {0x0F, 0xF7, 0x03}},
    {"cr1", {0x0F, 0x20, 0xC8}},
    {"ud1", {0x0F, 0xB9, 0xC1}},
    {"ud2", {0x0F, 0x0B}},
    {"d9-d1", {0xD9, 0xD1}},
    {"d9-e2", {0xD9, 0xE2}},
    {"d9-ef", {0xD9, 0xEF}},
    {"da-e0", {0xDA, 0xE0}},
    {"db-e5", {0xDB, 0xE5}},
    {"db-f8", {0xDB, 0xF8}},
    {"dd-f0", {0xDD, 0xF0}},
    {"de-d8", {0xDE, 0xD8}},
    {"df-e1", {0xDF, 0xE1}},
    {"df-f8", {0xDF, 0xF8}},
};

// #UD, at the instruction, and nothing changed.
std::string judge(const Row& row, const TestCase& test, const Arena& before, const Run& run) {
  Run expected{{}, before};
  expected.outcome.vector = kInvalidOpcode;
  expected.outcome.state = test.in;
  if (same(row, test, before, expected, run)) return {};
  std::string text = describe(row, test, before);
  for (const Difference& one : differences(row, test, before, expected, run))
    text += fmt::format("  -> {}: {}\n", one.field, one.text);
  return text;
}

CaseResult run_row(const Row& row, const Options& options) {
  if (options.self_check) return skipped("the host has what this suite says must be missing");
  const auto subject = engine_subject(options);
  Generator generator(row, {});
  auto test = std::make_unique<TestCase>();
  auto before = std::make_unique<Arena>();
  auto run = std::make_unique<Run>();
  const u64 wanted = options.cases ? options.cases : options.quick ? kQuickCases : kCases;
  u64 ran = 0;
  for (u64 number = 0; ran < wanted && number < 4 * wanted; ++number) {
    if (!generator.make(options.seed, number, *test, *before)) continue;
    if (test->code_bytes < test->insn_bytes) continue;  // its end is not mapped: #PF comes first
    ++ran;
    run->arena = *before;
    run->outcome = subject->run(test->in, test->bytes(), test->code_at, test->ending, run->arena);
    const std::string text = judge(row, *test, *before, *run);
    if (!text.empty()) return failed(fmt::format("case {} (seed {}): {}", number, options.seed, text));
  }
  return ran ? passed(fmt::format("{} cases", ran)) : failed("no case could be made");
}

CaseResult run_encoding(const Encoding& encoding, const Options& options) {
  if (options.self_check) return skipped("the host has what this suite says must be missing");
  const auto subject = engine_subject(options);
  TestCase test;
  test.code_at = kCodeBase + 0x100;
  std::memcpy(test.code.data(), encoding.bytes.data(), encoding.bytes.size());
  test.code_bytes = test.insn_bytes = static_cast<u8>(encoding.bytes.size());
  test.in.eip = test.code_at;
  test.in.selector = {kFlatData, kFlatCode, kFlatData, kFlatData, kFlatData, kFlatData};
  for (u32& reg : test.in.gpr) reg = kDataBase + 0x800;
  store<u16>(&test.in.fx[kFxControl], 0x37F);
  store<u32>(&test.in.fx[kFxMxcsr], 0x1F80);
  const auto before = std::make_unique<Arena>();
  auto run = std::make_unique<Run>();
  run->outcome = subject->run(test.in, test.bytes(), test.code_at, Ending::anywhere, run->arena);
  const std::string text = judge(Row{}, test, *before, *run);
  return text.empty() ? passed() : failed(text);
}

}  // namespace

Suite cpu_gate_suite(const Options&) {
  Suite suite{"cpu-gate", {}};
  for (const Row& row : undefined_rows())
    suite.cases.push_back({"later/" + row.name, [row](const Options& options) { return run_row(row, options); }});
  for (const Encoding& encoding : kEncodings)
    suite.cases.push_back({fmt::format("none/{}", encoding.what),
                           [&encoding](const Options& options) { return run_encoding(encoding, options); }});
  return suite;
}

}  // namespace penumbra::conformance
