// Settings as people write them.
#include "translator/options.h"

#include <fmt/format.h>

#include <string>

#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

std::string theme_names() {
  std::string names = "all, x87, mmx, sse";
  for (const Theme& theme : themes()) names += fmt::format(", {}", theme.name);
  return names;
}

}  // namespace

void apply_setting(std::string_view setting, TranslatorOptions& options) {
  const auto after = [&](std::string_view name) { return setting.substr(name.size()); };
  if (setting == "forget") {
    options.forget_always = true;
  } else if (setting.starts_with("block=")) {
    options.block_instructions = static_cast<u32>(parse_number(after("block="), 1, 64));
  } else if (setting.starts_with("cache=")) {
    const u64 bytes = parse_memory_size(after("cache="));
    if (bytes < (1 << 20) || bytes > (1 << 30)) throw ConfigError("cache: expected 1M to 1G");
    options.code_bytes = bytes & ~u64{kPageMask};
  } else if (setting.starts_with("promote=")) {
    options.promote_after = static_cast<u32>(parse_number(after("promote="), 0, 1'000'000));
  } else if (setting.starts_with("check=")) {
    options.check_after = static_cast<u32>(parse_number(after("check="), 1, 1'000'000'000));
  } else if (setting.starts_with("tlb=")) {
    options.tlb_entries = static_cast<u32>(parse_number(after("tlb="), 1, 65'536));
  } else if (setting.starts_with("spaces=")) {
    options.address_spaces = static_cast<u32>(parse_number(after("spaces="), 1, 4));
  } else if (setting.starts_with("helper=")) {
    const u32 found = themes_named(after("helper="));
    if (!found)
      throw ConfigError(fmt::format("'{}': no kind of instructions; expected one of {}", setting, theme_names()));
    options.interpreted_themes |= found;
  } else {
    throw ConfigError(fmt::format(
        "'{}': expected block=N, cache=SIZE, promote=N, check=N, tlb=N, spaces=N, forget or helper=KIND", setting));
  }
}

}  // namespace penumbra
