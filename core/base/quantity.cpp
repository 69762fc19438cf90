// Parsing of numbers and sizes.
#include "core/base/quantity.h"

#include <fmt/format.h>

#include <charconv>

#include "core/base/error.h"

namespace penumbra {

std::optional<u64> number_of(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  u64 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

u64 parse_number(std::string_view text, u64 least, u64 most) {
  const std::optional<u64> value = number_of(text);
  if (!value || *value < least || *value > most)
    throw ConfigError(fmt::format("'{}' is not a number from {} to {}", text, least, most));
  return *value;
}

u64 parse_memory_size(std::string_view text) {
  constexpr std::string_view kExpected = "a size such as 64M or 1G (K, M, G; a bare number is MiB)";
  constexpr u64 kLeast = u64{1} << 20, kMost = u64{60} << 30;

  std::string_view digits = text;
  unsigned shift = 20;
  for (const std::string_view tail : {"iB", "B", "ib", "b"}) {
    if (digits.size() > tail.size() + 1 && digits.ends_with(tail)) {
      digits.remove_suffix(tail.size());
      if (std::string_view("kKmMgG").find(digits.back()) == std::string_view::npos)
        throw ConfigError(fmt::format("'{}' is not {}", text, kExpected));
      break;
    }
  }
  if (!digits.empty()) {
    const std::size_t unit = std::string_view("kKmMgG").find(digits.back());
    if (unit != std::string_view::npos) {
      shift = static_cast<unsigned>(10 + unit / 2 * 10);
      digits.remove_suffix(1);
    }
  }
  const std::optional<u64> count = number_of(digits);
  if (!count) throw ConfigError(fmt::format("'{}' is not {}", text, kExpected));
  if (*count > (kMost >> shift) || (*count << shift) < kLeast)
    throw ConfigError(fmt::format("'{}' is outside 1M to 60G", text));
  const u64 bytes = *count << shift;
  if (bytes & kPageMask) throw ConfigError(fmt::format("'{}' is not a multiple of 4K", text));
  return bytes;
}

}  // namespace penumbra
