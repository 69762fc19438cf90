// The monitor's commands.
#include "frontend/monitor.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "frontend/help_tables.h"
#include "frontend/suggest.h"

namespace penumbra {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The first word, removed from `text`.
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  const std::size_t end = text.find_first_of(" \t");
  const std::string_view word = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : trimmed(text.substr(end));
  return word;
}

std::string need(std::string_view rest, std::string_view usage) {
  if (rest.empty()) throw ConfigError(fmt::format("usage: {}", usage));
  return std::string(rest);
}

}  // namespace

std::string Monitor::execute(std::string_view line) {
  const std::string_view command = take_word(line);
  if (command.empty()) return {};
  std::string answer;
  try {
    answer = dispatch(command, line);
  } catch (const ConfigError& error) {
    answer = error.what();
  } catch (const HostError& error) {
    answer = error.what();
  }
  if (!answer.empty() && answer.back() != '\n') answer += '\n';
  return answer;
}

std::string Monitor::dispatch(std::string_view command, std::string_view rest) {
  if (command == "quit" || command == "q") {
    actions_.quit();
    return {};
  }
  if (command == "reset" || command == "system_reset") {
    guest_.reset();
    return "reset";
  }
  if (command == "powerdown" || command == "system_powerdown") {
    guest_.power_button();
    return "power button pressed";
  }
  if (command == "screendump") {
    const std::string path = need(rest, "screendump FILE");
    actions_.screenshot(path);
    return fmt::format("written to {}", path);
  }
  if (command == "sendkey") {
    const std::string name = need(rest, "sendkey KEYS, such as sendkey ctrl-alt-delete");
    actions_.type({{.kind = ScriptStep::Kind::stroke, .stroke = stroke_named(name)}});
    return {};
  }
  if (command == "type") {
    actions_.type(parse_type(need(rest, "type TEXT")));
    return {};
  }
  if (command == "change") {
    const std::string_view drive = take_word(rest);
    return media_.change(drive, need(rest, "change DRIVE FILE"));
  }
  if (command == "eject") return media_.eject(need(rest, "eject DRIVE"));
  if (command == "info") return info(rest);
  if (command == "help" || command == "?") {
    std::string text;
    for (const HelpRow& row : monitor_rows()) text += fmt::format("{:<20}{}\n", row.what, row.means);
    return text;
  }
  constexpr std::string_view kCommands[] = {"quit", "reset",  "powerdown", "screendump", "sendkey",
                                            "type", "change", "eject",     "info",       "help"};
  const std::string meant = did_you_mean(command, kCommands);
  return fmt::format("unknown command '{}'{}", command, meant.empty() ? "; try help" : meant);
}

std::string Monitor::info(std::string_view what) {
  if (what == "registers") {
    DebugTarget* target = guest_.debug_target();
    return target != nullptr ? target->describe() : "this CPU shows no registers";
  }
  if (what == "stats") return actions_.statistics();
  if (what == "media" || what == "block") return media_.describe();
  if (what == "screen") {
    std::string text;
    for (const std::string& line : guest_.display().text()) text += line + "\n";
    return text.empty() ? "the screen is in graphics mode" : text;
  }
  return "usage: info registers | stats | media | screen";
}

}  // namespace penumbra
