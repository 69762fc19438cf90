// Option values as people write them: numbers, sizes, ports, dates, boot orders. All throw ConfigError saying what was
// expected; the caller puts the option's name in front.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/log.h"
#include "core/base/quantity.h"
#include "core/base/types.h"

namespace penumbra {

// Seconds, with decimals if wanted: "30", "0.5".
double parse_seconds(std::string_view text);

// "order=acd" or "acd": letters a, c, d, each once.
std::string parse_boot_order(std::string_view text);

struct RtcBase {
  std::optional<i64> epoch;  // seconds since 1970-01-01; unset: the host's clock
  bool local = false;
};
// "base=utc", "base=localtime", "base=2006-06-17T16:01:21", "base=2006-06-17", with or without "base=".
RtcBase parse_rtc(std::string_view text);

// A port number, or "off" (0).
u16 parse_debug_exit(std::string_view text);

// Comma-separated trace channels; "all" is every one.
std::vector<Channel> parse_trace_channels(std::string_view text);

// One of `words`, or an error listing them.
std::string parse_word(std::string_view text, std::string_view words);

std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace penumbra
