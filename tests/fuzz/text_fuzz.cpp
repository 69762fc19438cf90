// Fuzzes what reads text from guests and people: the log behind --expect, screen matching, scripts, the line editor,
// the Ctrl-A escape and option values.
#include <cstddef>
#include <cstdint>

#include "core/base/error.h"
#include "frontend/command_line.h"
#include "frontend/escape.h"
#include "frontend/line_editor.h"
#include "frontend/options.h"
#include "frontend/script.h"
#include "frontend/values.h"

namespace penumbra {
namespace {

template <class Action>
void refused_or_done(Action action) {
  try {
    action();
  } catch (const ConfigError&) {
  }
}

void fuzz(std::span<const u8> bytes) {
  if (bytes.empty()) return;
  const std::string text(bytes.begin() + 1, bytes.end());
  TextLog log;
  for (const u8 byte : bytes) log.add(byte);
  u64 position = 0;
  while (position < log.total() && log.find(text.substr(0, 2), position)) {
    if (text.size() < 2) break;
  }
  log.tail(bytes[0]);

  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) lines.emplace_back(line);
  screen_shows(lines, text.substr(0, 5));

  refused_or_done([&] { parse_type(text); });
  const std::span<const Option> options = run_options();
  const Option& option = options[bytes[0] % options.size()];
  if (option.apply != nullptr) {
    refused_or_done([&] {
      RunSettings settings;
      option.apply(settings, text);
      complete(settings);
    });
  }
  // Not --config, which opens files.
  std::vector<std::string> arguments(lines);
  std::erase_if(arguments, [](const std::string& argument) { return argument.find("config") != std::string::npos; });
  refused_or_done([&] { parse_run(arguments); });

  LineEditor editor([](std::string_view) {}, [](const std::string&) {});
  EscapeFilter filter(
      {.quit = [] {}, .help = [] {}, .switched = [](bool) {}, .monitor_key = [&](char c) { editor.key(c); }});
  filter.filter(bytes);
}

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  penumbra::fuzz({data, size});
  return 0;
}
