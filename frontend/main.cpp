// The program's entry point: which subcommand, and what to answer when one fails.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "conformance/conform.h"
#include "core/base/error.h"
#include "frontend/command_line.h"
#include "frontend/exit_code.h"
#include "frontend/help.h"
#include "frontend/run.h"
#include "frontend/suggest.h"

namespace penumbra {

namespace {

int say(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? 0 : static_cast<int>(ExitCode::host_error);
}

int run_main(std::span<const std::string> arguments) {
  const RunCommand command = parse_run(arguments);
  switch (command.asks) {
    case RunCommand::Asks::brief_help: return say(brief_help());
    case RunCommand::Asks::full_help: return say(full_help());
    case RunCommand::Asks::version: return say(version_text());
    case RunCommand::Asks::run: break;
  }
  return run(command.settings);
}

int dispatch(std::span<const std::string> arguments) {
  if (arguments.empty()) {
    const std::string text = brief_help();
    std::fwrite(text.data(), 1, text.size(), stderr);
    return static_cast<int>(ExitCode::configuration);
  }
  const std::string& word = arguments[0];
  if (word == "run") return run_main(arguments.subspan(1));
  if (word == "conform") return conform_main(arguments.subspan(1));
  if (word == "--help" || word == "-h" || word == "-help" || word == "help") return say(brief_help());
  if (word == "--help-all") return say(full_help());
  if (word == "--version" || word == "-version" || word == "version") return say(version_text());
  if (word == "completion") return say(completion_script());
  if (word == "man") return say(man_page());
  if (word.starts_with("-"))
    throw ConfigError(fmt::format("'{}' stands before a command: penumbra run {} ...", word, word));
  constexpr std::string_view kCommands[] = {"run", "conform", "completion", "man", "help", "version"};
  const std::string nearest_command = did_you_mean(word, kCommands);
  throw ConfigError(
      fmt::format("unknown command '{}'{}", word,
                  nearest_command.empty() ? "; commands are run, conform, completion, man" : nearest_command));
}

int guarded(std::span<const std::string> arguments) {
  const auto fail = [](ExitCode code, std::string_view what) {
    fmt::print(stderr, "penumbra: {}\n", what);
    return static_cast<int>(code);
  };
  try {
    return dispatch(arguments);
  } catch (const ConfigError& error) {
    return fail(ExitCode::configuration, error.what());
  } catch (const HostError& error) {
    return fail(ExitCode::host_error, error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::host_error, "the host has no memory left");
  } catch (const std::exception& error) {
    return fail(ExitCode::internal_error, fmt::format("internal error: {}", error.what()));
  } catch (...) {
    // A guest's fault that nobody delivered.
    return fail(ExitCode::internal_error, "internal error: an unknown exception");
  }
}

}  // namespace

}  // namespace penumbra

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + (count > 0 ? 1 : 0), values + count);
  return penumbra::guarded(arguments);
}
