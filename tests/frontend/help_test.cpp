// Every option stands in every text that lists options, and the texts in the repository are the ones we make.
#include "frontend/help.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "frontend/exit_code.h"
#include "frontend/options.h"
#include "frontend/values.h"

using namespace penumbra;

namespace {

std::string file_text(const std::string& path) {
  std::ifstream stream(std::string(PENUMBRA_SOURCE_DIR) + "/" + path, std::ios::binary);
  INFO(path);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the brief help fits a terminal of 80 by 24") {
  const std::string text = brief_help();
  CHECK(std::count(text.begin(), text.end(), '\n') <= 23);  // and the prompt
  for (const std::string_view line : split(text, '\n')) {
    CAPTURE(line);
    CHECK(line.size() < 80);
  }
}

TEST_CASE("the full help has every option and exit code, within 80 columns") {
  const std::string text = full_help();
  for (const Option& option : run_options()) {
    CAPTURE(option.name);
    CHECK(has(text, fmt::format("--{}", option.name)));
  }
  for (const ExitCodeRow& row : exit_code_rows()) CHECK(has(text, fmt::format("\n  {:<6}", row.code)));
  for (const std::string_view line : split(text, '\n')) {
    CAPTURE(line);
    CHECK(line.size() < 80);
  }
}

TEST_CASE("manual page and completion are made from the option table") {
  CHECK(file_text("docs/penumbra.1") == man_page());
  CHECK(file_text("frontend/completion/penumbra.bash") == completion_script());
  const std::string document = file_text("docs/command-line.md");
  for (const Option& option : run_options()) {
    CAPTURE(option.name);
    std::string dashed;
    for (const char c : option.name) dashed += c == '-' ? std::string("\\-") : std::string(1, c);
    CHECK(has(man_page(), "\\-\\-" + dashed));
    CHECK(has(completion_script(), fmt::format(" --{}", option.name)));
    CHECK(has(document, fmt::format("`--{}", option.name)));
  }
  for (const ExitCodeRow& row : exit_code_rows())
    CHECK(has(document, fmt::format("| {} | {} |", row.code, row.meaning)));
}

TEST_CASE("every option can be given and is found by its name") {
  for (const Option& option : run_options()) {
    CAPTURE(option.name);
    CHECK(find_option(option.name) == &option);
    CHECK_FALSE(option.help.empty());
    CHECK((option.takes == Takes::nothing) == option.argument.empty());
    CHECK((option.apply != nullptr || option.name == "config"));
  }
}
