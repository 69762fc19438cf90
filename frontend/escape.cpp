// Ctrl-A and what follows it.
#include "frontend/escape.h"

#include <fmt/format.h>

#include "frontend/help_tables.h"

namespace penumbra {

std::vector<u8> EscapeFilter::filter(std::span<const u8> input) {
  std::vector<u8> passed;
  const auto pass = [&](u8 byte) {
    if (in_monitor_)
      actions_.monitor_key(static_cast<char>(byte));
    else
      passed.push_back(byte);
  };
  for (const u8 byte : input) {
    if (!escaped_) {
      escaped_ = byte == kEscape;
      if (!escaped_) pass(byte);
      continue;
    }
    escaped_ = false;
    switch (byte) {
      case 'x': actions_.quit(); break;
      case 'c':
        in_monitor_ = !in_monitor_;
        actions_.switched(in_monitor_);
        break;
      case 'h':
      case '?': actions_.help(); break;
      case kEscape: pass(kEscape); break;
      default: actions_.help(); break;  // a lost key is better explained than passed on
    }
  }
  return passed;
}

std::string escape_help() {
  std::string text = "\r\n";
  for (const HelpRow& row : escape_rows()) text += fmt::format("{:<16}{}\r\n", row.what, row.means);
  return text;
}

}  // namespace penumbra
