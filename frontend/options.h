// The table of `penumbra run`'s options: one row says how an option is spelled, what it does and how it is explained.
// The parser, the machine file, both help texts, the man page and the shell completion all read this table.
#pragma once

#include <span>
#include <string_view>

#include "core/base/types.h"
#include "frontend/run_settings.h"

namespace penumbra {

enum class Takes : u8 { nothing, value, optional_value };

enum class OptionGroup : u8 { machine, drives, boot, ports, display, script, debug };

struct Option {
  std::string_view name;   // without dashes
  std::string_view alias;  // another spelling, or empty
  OptionGroup group;
  Takes takes;
  bool repeats;
  std::string_view argument;  // its name in help texts
  // What a shell completes it with: "@file", words separated by blanks, or nothing.
  std::string_view completion;
  std::string_view help;
  // Throws ConfigError about the value alone; the caller names the option.
  void (*apply)(RunSettings&, std::string_view value);
};

std::span<const Option> run_options();
std::string_view group_title(OptionGroup group);
// By name or alias; null if there is none.
const Option* find_option(std::string_view name);
// "unknown option ...; did you mean ...?" for a name that is none; `prefix` is "--" or empty for the machine file.
[[noreturn]] void throw_unknown_option(std::string_view name, std::string_view prefix);

}  // namespace penumbra
