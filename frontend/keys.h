// Keys by name, by the character they type on a US keyboard, and by USB HID usage (which SDL's scan codes are).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/platform/input.h"

namespace penumbra {

namespace key {
inline constexpr KeyCode kLeftControl = 0x1D;
inline constexpr KeyCode kLeftShift = 0x2A;
inline constexpr KeyCode kLeftAlt = 0x38;
inline constexpr KeyCode kRightControl = 0xE01D;
inline constexpr KeyCode kRightAlt = 0xE038;
inline constexpr KeyCode kDelete = 0xE053;
inline constexpr KeyCode kInsert = 0xE052;
}  // namespace key

// Keys pressed together, the last one being what the others modify.
struct KeyStroke {
  std::vector<KeyCode> keys;
  // What a terminal sends for it; empty where no terminal sends anything.
  std::string bytes;
};

// The stroke that types an ASCII character; line feed is Enter. Nothing for characters a US keyboard has not.
std::optional<KeyStroke> stroke_for_character(char character);

// "ENTER", "F1", "CTRL-C", "CTRL-ALT-DELETE", "SHIFT-TAB", "a"; case does not matter. Throws ConfigError naming the
// part that is no key.
KeyStroke stroke_named(std::string_view name);

// The key at a USB HID usage of the keyboard page (07h), or nothing.
std::optional<KeyCode> key_at_usage(unsigned usage);

}  // namespace penumbra
