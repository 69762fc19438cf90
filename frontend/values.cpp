// Parsing of option values.
#include "frontend/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <chrono>
#include <cmath>

#include "core/base/error.h"
#include "frontend/suggest.h"

namespace penumbra {

namespace {

// A decimal number in a fixed-width field of a date.
unsigned date_field(std::string_view text, std::size_t at, std::size_t width) {
  unsigned value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return 9999;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return value;
}

std::optional<i64> date_of(std::string_view text) {
  const bool with_time =
      text.size() == 19 && (text[10] == 'T' || text[10] == ' ') && text[13] == ':' && text[16] == ':';
  if (!(with_time || text.size() == 10) || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(date_field(text, 0, 4))),
                                        std::chrono::month(date_field(text, 5, 2)),
                                        std::chrono::day(date_field(text, 8, 2))};
  if (!day.ok()) return std::nullopt;
  i64 seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::sys_days(day).time_since_epoch()).count();
  if (with_time) {
    const unsigned hour = date_field(text, 11, 2), minute = date_field(text, 14, 2), second = date_field(text, 17, 2);
    if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
    seconds += hour * 3600 + minute * 60 + second;
  }
  return seconds;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

double parse_seconds(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value <= 0 || value > 1e8)
    throw ConfigError(fmt::format("'{}' is not a number of seconds (such as 30 or 0.5)", text));
  return value;
}

std::string parse_boot_order(std::string_view text) {
  constexpr std::string_view kExpected =
      "expected order=LETTERS or LETTERS, tried in turn: a floppy, c hard disk, d CD (such as order=cd)";
  std::string_view order = text;
  if (order.starts_with("order=")) order.remove_prefix(6);
  if (order.empty()) throw ConfigError(fmt::format("'{}': {}", text, kExpected));
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (std::string_view("acd").find(order[i]) == std::string_view::npos)
      throw ConfigError(fmt::format("'{}': {}", text, kExpected));
    if (order.substr(0, i).find(order[i]) != std::string_view::npos)
      throw ConfigError(fmt::format("'{}' names '{}' twice", text, order[i]));
  }
  return std::string(order);
}

RtcBase parse_rtc(std::string_view text) {
  std::string_view base = text;
  if (base.starts_with("base=")) base.remove_prefix(5);
  if (base == "utc") return {};
  if (base == "localtime") return {.epoch = {}, .local = true};
  if (const std::optional<i64> epoch = date_of(base)) return {.epoch = epoch, .local = false};
  throw ConfigError(
      fmt::format("'{}': expected base=utc, base=localtime, base=2006-06-17 or base=2006-06-17T16:01:21", text));
}

u16 parse_debug_exit(std::string_view text) {
  if (text == "off") return 0;
  const std::optional<u64> port = number_of(text);
  if (!port || *port == 0 || *port > 0xFFFF)
    throw ConfigError(fmt::format("'{}': expected a port number from 1 to 0xFFFF, or off", text));
  return static_cast<u16>(*port);
}

std::vector<Channel> parse_trace_channels(std::string_view text) {
  std::vector<std::string_view> names;
  for (unsigned i = 0; i < static_cast<unsigned>(Channel::count); ++i)
    names.push_back(channel_name(static_cast<Channel>(i)));

  std::vector<Channel> channels;
  for (const std::string_view name : split(text, ',')) {
    if (name == "all") {
      for (unsigned i = 0; i < names.size(); ++i) channels.push_back(static_cast<Channel>(i));
      continue;
    }
    const Channel channel = channel_named(name);
    if (channel == Channel::count)
      throw ConfigError(fmt::format("there is no channel '{}'{} (channels: {}, all)", name, did_you_mean(name, names),
                                    fmt::join(names, ", ")));
    channels.push_back(channel);
  }
  return channels;
}

std::string parse_word(std::string_view text, std::string_view words) {
  const std::vector<std::string_view> known = split(words, ' ');
  for (const std::string_view word : known)
    if (word == text) return std::string(word);
  throw ConfigError(fmt::format("'{}' is not one of {}{}", text, fmt::join(known, ", "), did_you_mean(text, known)));
}

}  // namespace penumbra
