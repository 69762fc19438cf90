// The three forms of a run's report.
#include "conformance/report.h"

#include <cerrno>
#include <fstream>
#include <map>

#include "core/base/error.h"

namespace penumbra::conformance {
namespace {

std::string indented(const std::string& text, std::string_view margin) {
  std::string out(margin);
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && i + 1 < text.size()) out += margin;
  }
  if (out.back() != '\n') out += '\n';
  return out;
}

// XML allows no control characters but tab and line ends, escaped or not.
std::string xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw host_error(file.string());
}

}  // namespace

void Counts::add(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed: ++passed; break;
    case Verdict::failed: ++failed; break;
    case Verdict::skipped: ++skipped; break;
  }
}

void TextReport::add(const Finished& finished) {
  counts_.add(finished.result.verdict);
  ++done_;
  const std::string name = finished.job.full_name();
  const std::string& detail = finished.result.detail;
  if (finished.result.verdict == Verdict::failed) {
    fmt::print(out_, "FAILED  {} ({:.2f} s)\n{}", name, finished.seconds, indented(detail, "    "));
  } else if (verbose_) {
    fmt::print(out_, "{} {} ({:.2f} s){}{}\n", finished.result.verdict == Verdict::passed ? "passed " : "skipped", name,
               finished.seconds, detail.empty() ? "" : ": ", detail);
  }
  const size_t step = total_ < 20 ? 1 : total_ / 20;
  if (done_ % step == 0 || done_ == total_) {
    fmt::print(out_, "[{}/{}] {} passed, {} failed, {} skipped so far\n", done_, total_, counts_.passed, counts_.failed,
               counts_.skipped);
  }
  std::fflush(out_);
}

void TextReport::finish(const std::vector<Finished>& all) {
  std::map<std::string, std::vector<std::string>> skipped;
  for (const Finished& one : all)
    if (one.result.verdict == Verdict::skipped) skipped[one.result.detail].push_back(one.job.full_name());
  for (const auto& [reason, names] : skipped) {
    fmt::print(out_, "skipped: {}{}: {}\n", names.front(),
               names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "", reason);
  }
  if (done_ < total_) fmt::print(out_, "{} cases were not started\n", total_ - done_);
  fmt::print(out_, "{} passed, {} failed, {} skipped\n", counts_.passed, counts_.failed, counts_.skipped);
  std::fflush(out_);
}

std::string junit_text(const std::vector<Finished>& all) {
  std::map<std::string, std::vector<const Finished*>> suites;
  for (const Finished& one : all) suites[one.job.suite].push_back(&one);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const auto& [name, members] : suites) {
    Counts counts;
    double seconds = 0;
    for (const Finished* one : members) {
      counts.add(one->result.verdict);
      seconds += one->seconds;
    }
    out += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" errors=\"0\" time=\"{:.3f}\">\n",
        xml(name), members.size(), counts.failed, counts.skipped, seconds);
    for (const Finished* one : members) {
      out += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">", xml(name),
                         xml(one->job.test->name), one->seconds);
      const std::string detail = xml(one->result.detail);
      if (one->result.verdict == Verdict::failed)
        out += fmt::format("<failure message=\"{}\">{}</failure>", detail.substr(0, detail.find('\n')), detail);
      if (one->result.verdict == Verdict::skipped) out += fmt::format("<skipped message=\"{}\"/>", detail);
      out += "</testcase>\n";
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

std::string tap_text(const std::vector<Finished>& all) {
  std::string out = fmt::format("TAP version 13\n1..{}\n", all.size());
  size_t number = 0;
  for (const Finished& one : all) {
    const bool bad = one.result.verdict == Verdict::failed;
    out += fmt::format("{} {} - {}", bad ? "not ok" : "ok", ++number, one.job.full_name());
    if (one.result.verdict == Verdict::skipped)
      out += fmt::format(" # SKIP {}", one.result.detail.substr(0, one.result.detail.find('\n')));
    out += '\n';
    if (bad) out += indented(one.result.detail, "# ");
  }
  return out;
}

void write_junit(const std::filesystem::path& file, const std::vector<Finished>& all) {
  write_file(file, junit_text(all));
}
void write_tap(const std::filesystem::path& file, const std::vector<Finished>& all) { write_file(file, tap_text(all)); }

}  // namespace penumbra::conformance
