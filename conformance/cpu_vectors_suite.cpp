// One case a file of real-mode tests, one a section of TestFloat vectors.
#include "conformance/cpu_vectors_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "conformance/engine_subject.h"
#include "conformance/gzip_file.h"
#include "conformance/sst_vectors.h"
#include "conformance/testfloat_vectors.h"

namespace penumbra::conformance {
namespace {

namespace fs = std::filesystem;

constexpr size_t kExamples = 5;

std::string hex(const std::vector<u8>& bytes) {
  std::string text;
  for (const u8 byte : bytes) text += fmt::format("{:02x} ", byte);
  return text;
}

CaseResult run_sst_file(const fs::path& path, const Options& options) {
  const auto subject = real_mode_subject(options);
  if (!subject) return skipped("real mode needs one of Penumbra's engines");
  const SstFile file = parse_sst(read_gzip(path), path.string());
  size_t ran = 0, different = 0, left_out = 0;
  std::string text;
  for (const SstTest& test : file.tests) {
    if (!sst_not_applicable(file, test).empty()) {
      ++left_out;
      continue;
    }
    ++ran;
    const std::string difference = run_sst(file, test, *subject);
    if (difference.empty()) continue;
    if (++different > kExamples) continue;
    text += fmt::format("test {} ({}): {}{}\n{}", test.index, file.form, hex(test.code),
                        test.exception == 0xFF ? "" : fmt::format("exception {}", test.exception), difference);
  }
  if (different) return failed(fmt::format("{} of {} tests differ\n{}", different, ran, text));
  if (!ran) return skipped("a 386 differs from a 286 in all of these tests");
  return passed(fmt::format("{} tests, {} not applicable", ran, left_out));
}

CaseResult run_section(const FloatSection& section, const Options& options) {
  const auto subject = engine_subject(options);
  if (!subject) return skipped("no such engine in this build");
  const std::string text = run_testfloat(section, *subject);
  return text.empty() ? passed(fmt::format("{} vectors", section.vectors.size())) : failed(text);
}

Case missing(const std::string& name, const fs::path& where) {
  return {name, [where](const Options&) { return skipped(fmt::format("{} is missing", where.string())); }};
}

void add_sst(const Options& options, Suite& suite) {
  const fs::path folder = options.vectors / "sst286" / "sample";
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().string().ends_with(".sstc.gz")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  if (files.empty()) suite.cases.push_back(missing("sst286", folder));
  size_t number = 0;
  for (const fs::path& file : files) {
    std::string form = file.filename().string();
    form.resize(form.size() - 8);
    // Continuous integration takes every eighth file.
    suite.cases.push_back(
        {"sst286/" + form, [file](const Options& o) { return run_sst_file(file, o); }, number++ % 8 == 0});
  }
}

void add_testfloat(const Options& options, Suite& suite) {
  const fs::path file = options.vectors / "testfloat" / "vectors.txt.gz";
  if (!fs::exists(file)) {
    suite.cases.push_back(missing("testfloat", file));
    return;
  }
  const std::vector<u8> content = read_gzip(file);
  const auto sections = std::make_shared<std::vector<FloatSection>>(
      parse_testfloat({reinterpret_cast<const char*>(content.data()), content.size()}));
  for (size_t i = 0; i < sections->size(); ++i)
    suite.cases.push_back({"testfloat/" + (*sections)[i].name(),
                           [sections, i](const Options& o) { return run_section((*sections)[i], o); }});
}

}  // namespace

Suite cpu_vectors_suite(const Options& options) {
  Suite suite{"cpu-vectors", {}};
  add_sst(options, suite);
  add_testfloat(options, suite);
  return suite;
}

}  // namespace penumbra::conformance
