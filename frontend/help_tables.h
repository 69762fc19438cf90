// What help texts and the manual page share beside the option table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "frontend/options.h"

namespace penumbra {

struct HelpRow {
  std::string_view what;
  std::string_view means;
};

std::span<const HelpRow> hot_key_rows();
std::span<const HelpRow> escape_rows();
std::span<const HelpRow> monitor_rows();

// "-m, --memory SIZE"
std::string option_synopsis(const Option& option);

}  // namespace penumbra
