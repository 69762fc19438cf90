// Splitting arguments into options and values, laying them over the machine file's, and applying them.
#include "frontend/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "frontend/assignment.h"
#include "frontend/options.h"

namespace penumbra {

namespace {

std::string guess_for_positional(std::string_view argument) {
  const auto ends = [&](std::string_view extension) { return argument.ends_with(extension); };
  if (ends(".iso")) return fmt::format("; did you mean --cdrom {}?", argument);
  if (ends(".toml")) return fmt::format("; did you mean --config {}?", argument);
  if (ends(".flp") || ends(".vfd") || ends(".ima")) return fmt::format("; did you mean --fda {}?", argument);
  if (ends(".img") || ends(".qcow2") || ends(".vhd") || ends(".raw"))
    return fmt::format("; did you mean --hda {} (or --fda for a floppy)?", argument);
  return "";
}

class ArgumentReader {
 public:
  explicit ArgumentReader(std::span<const std::string> arguments) : arguments_(arguments) {}

  RunCommand::Asks read(std::vector<Assignment>& assignments) {
    while (at_ < arguments_.size()) {
      const std::string& argument = arguments_[at_++];
      if (argument.size() < 2 || argument[0] != '-')
        throw ConfigError(fmt::format("unexpected argument '{}'{}", argument, guess_for_positional(argument)));
      std::string_view name = argument;
      name.remove_prefix(argument.starts_with("--") ? 2 : 1);
      std::optional<std::string> value;
      if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
        value = name.substr(equals + 1);
        name = name.substr(0, equals);
      }
      if (name == "help" || name == "h") return RunCommand::Asks::brief_help;
      if (name == "help-all") return RunCommand::Asks::full_help;
      if (name == "version") return RunCommand::Asks::version;
      const Option* option = find_option(name);
      if (option == nullptr) throw_unknown_option(name, "--");
      assignments.push_back(
          {.option = option, .value = value_of(*option, value), .origin = fmt::format("--{}", option->name)});
    }
    return RunCommand::Asks::run;
  }

 private:
  std::string value_of(const Option& option, const std::optional<std::string>& attached) {
    if (option.takes == Takes::nothing) {
      if (attached) throw ConfigError(fmt::format("--{} takes no value, but got '{}'", option.name, *attached));
      return {};
    }
    if (attached) return *attached;
    // There are no positional arguments, so what does not look like an option belongs to the one before it. Text to
    // type or to wait for, and a kernel's command line, may well begin with a dash.
    const bool any_text = option.takes == Takes::value && option.completion.empty();
    const bool next_is_value =
        at_ < arguments_.size() && (any_text || arguments_[at_] == "-" || !arguments_[at_].starts_with("-"));
    if (next_is_value) return arguments_[at_++];
    if (option.takes == Takes::optional_value) return {};
    const std::string found = at_ < arguments_.size() ? fmt::format(", but '{}' follows", arguments_[at_]) : "";
    throw ConfigError(fmt::format("--{0} needs a value: --{0} {1}{2}", option.name, option.argument, found));
  }

  std::span<const std::string> arguments_;
  std::size_t at_ = 0;
};

bool is_config(const Assignment& assignment) { return assignment.option->apply == nullptr; }
bool is_step(const Option& option) { return option.group == OptionGroup::script && option.repeats; }

// Options given here replace the file's of the same name; the script is one thing, whatever its steps.
void lay_over(std::vector<Assignment>& file, const std::vector<Assignment>& line) {
  std::erase_if(file, [&](const Assignment& old) {
    return std::any_of(line.begin(), line.end(), [&](const Assignment& now) {
      return now.option == old.option || (is_step(*now.option) && is_step(*old.option));
    });
  });
  file.insert(file.end(), line.begin(), line.end());
}

void refuse_repeats(const std::vector<Assignment>& assignments) {
  for (auto later = assignments.begin(); later != assignments.end(); ++later)
    for (auto earlier = assignments.begin(); earlier != later; ++earlier)
      if (earlier->option == later->option && !later->option->repeats && earlier->value != later->value)
        throw ConfigError(
            fmt::format("{} is given twice, as '{}' and as '{}'", later->origin, earlier->value, later->value));
}

DriveOption* drive_of(RunSettings& settings, std::string_view name) {
  if (name == "cdrom") return &settings.cdrom;
  if (name == "fda" || name == "fdb") return &settings.floppies[static_cast<std::size_t>(name[2] - 'a')];
  if (name.size() == 3 && name.starts_with("hd")) return &settings.disks[static_cast<std::size_t>(name[2] - 'a')];
  return nullptr;
}

void apply(RunSettings& settings, const Assignment& assignment) {
  try {
    DriveOption* drive = drive_of(settings, assignment.option->name);
    // A CD drive beside the usual one may be empty, which a hard disk may not.
    if (drive != nullptr && assignment.cdrom && assignment.value == "empty") {
      drive->given = true;
      drive->media.push_back({.path = "", .cdrom = true});
      return;
    }
    assignment.option->apply(settings, assignment.value);
    if (drive == nullptr || drive->media.empty()) return;
    drive->media.back().read_only |= assignment.read_only;
    drive->media.back().cdrom |= assignment.cdrom;
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("{}: {}", assignment.origin, error.what()));
  }
}

}  // namespace

RunCommand parse_run(std::span<const std::string> arguments) {
  RunCommand command;
  std::vector<Assignment> line;
  command.asks = ArgumentReader(arguments).read(line);
  if (command.asks != RunCommand::Asks::run) return command;
  refuse_repeats(line);

  std::vector<Assignment> all;
  if (const auto config = std::find_if(line.begin(), line.end(), is_config); config != line.end())
    all = read_machine_file(config->value);
  std::erase_if(line, is_config);
  lay_over(all, line);

  for (const Assignment& assignment : all) apply(command.settings, assignment);
  complete(command.settings);
  return command;
}

}  // namespace penumbra
