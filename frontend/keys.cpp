// The key tables: PS/2 scan code set 1 (IBM PS/2 Technical Reference; Microsoft's "Keyboard Scan Code Specification")
// against names, US characters and USB HID usages (HID Usage Tables 1.12, section 10).
#include "frontend/keys.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <span>

#include "core/base/error.h"
#include "frontend/suggest.h"

namespace penumbra {

namespace {

struct CharacterKey {
  char plain;
  char shifted;
  KeyCode code;
};

constexpr CharacterKey kCharacters[] = {
    {'1', '!', 0x02},  {'2', '@', 0x03}, {'3', '#', 0x04}, {'4', '$', 0x05}, {'5', '%', 0x06},  {'6', '^', 0x07},
    {'7', '&', 0x08},  {'8', '*', 0x09}, {'9', '(', 0x0A}, {'0', ')', 0x0B}, {'-', '_', 0x0C},  {'=', '+', 0x0D},
    {'q', 'Q', 0x10},  {'w', 'W', 0x11}, {'e', 'E', 0x12}, {'r', 'R', 0x13}, {'t', 'T', 0x14},  {'y', 'Y', 0x15},
    {'u', 'U', 0x16},  {'i', 'I', 0x17}, {'o', 'O', 0x18}, {'p', 'P', 0x19}, {'[', '{', 0x1A},  {']', '}', 0x1B},
    {'a', 'A', 0x1E},  {'s', 'S', 0x1F}, {'d', 'D', 0x20}, {'f', 'F', 0x21}, {'g', 'G', 0x22},  {'h', 'H', 0x23},
    {'j', 'J', 0x24},  {'k', 'K', 0x25}, {'l', 'L', 0x26}, {';', ':', 0x27}, {'\'', '"', 0x28}, {'`', '~', 0x29},
    {'\\', '|', 0x2B}, {'z', 'Z', 0x2C}, {'x', 'X', 0x2D}, {'c', 'C', 0x2E}, {'v', 'V', 0x2F},  {'b', 'B', 0x30},
    {'n', 'N', 0x31},  {'m', 'M', 0x32}, {',', '<', 0x33}, {'.', '>', 0x34}, {'/', '?', 0x35},  {' ', ' ', 0x39},
};

struct NamedKey {
  std::string_view name;
  KeyCode code;
  std::string_view bytes;  // as xterm sends them
};

constexpr NamedKey kNamed[] = {
    {"ENTER", 0x1C, "\r"},
    {"RETURN", 0x1C, "\r"},
    {"RET", 0x1C, "\r"},
    {"TAB", 0x0F, "\t"},
    {"ESC", 0x01, "\x1b"},
    {"ESCAPE", 0x01, "\x1b"},
    {"SPACE", 0x39, " "},
    {"SPC", 0x39, " "},
    {"BACKSPACE", 0x0E, "\x7f"},
    {"BS", 0x0E, "\x7f"},
    {"UP", 0xE048, "\x1b[A"},
    {"DOWN", 0xE050, "\x1b[B"},
    {"RIGHT", 0xE04D, "\x1b[C"},
    {"LEFT", 0xE04B, "\x1b[D"},
    {"HOME", 0xE047, "\x1b[H"},
    {"END", 0xE04F, "\x1b[F"},
    {"INSERT", 0xE052, "\x1b[2~"},
    {"INS", 0xE052, "\x1b[2~"},
    {"DELETE", 0xE053, "\x1b[3~"},
    {"DEL", 0xE053, "\x1b[3~"},
    {"PGUP", 0xE049, "\x1b[5~"},
    {"PAGEUP", 0xE049, "\x1b[5~"},
    {"PGDN", 0xE051, "\x1b[6~"},
    {"PAGEDOWN", 0xE051, "\x1b[6~"},
    {"F1", 0x3B, "\x1bOP"},
    {"F2", 0x3C, "\x1bOQ"},
    {"F3", 0x3D, "\x1bOR"},
    {"F4", 0x3E, "\x1bOS"},
    {"F5", 0x3F, "\x1b[15~"},
    {"F6", 0x40, "\x1b[17~"},
    {"F7", 0x41, "\x1b[18~"},
    {"F8", 0x42, "\x1b[19~"},
    {"F9", 0x43, "\x1b[20~"},
    {"F10", 0x44, "\x1b[21~"},
    {"F11", 0x57, "\x1b[23~"},
    {"F12", 0x58, "\x1b[24~"},
    {"MINUS", 0x0C, "-"},
    {"PAUSE", 0xE11D, ""},
    {"PRTSC", 0xE037, ""},
    {"PRINT", 0xE037, ""},
    {"SYSRQ", 0xE037, ""},
    {"CAPSLOCK", 0x3A, ""},
    {"NUMLOCK", 0x45, ""},
    {"SCROLLLOCK", 0x46, ""},
    {"MENU", 0xE05D, ""},
    {"WIN", 0xE05B, ""},
    {"CTRL", key::kLeftControl, ""},
    {"SHIFT", key::kLeftShift, ""},
    {"ALT", key::kLeftAlt, ""},
    {"RCTRL", key::kRightControl, ""},
    {"RSHIFT", 0x36, ""},
    {"ALTGR", key::kRightAlt, ""},
    {"KP0", 0x52, "0"},
    {"KP1", 0x4F, "1"},
    {"KP2", 0x50, "2"},
    {"KP3", 0x51, "3"},
    {"KP4", 0x4B, "4"},
    {"KP5", 0x4C, "5"},
    {"KP6", 0x4D, "6"},
    {"KP7", 0x47, "7"},
    {"KP8", 0x48, "8"},
    {"KP9", 0x49, "9"},
    {"KPDOT", 0x53, "."},
    {"KPPLUS", 0x4E, "+"},
    {"KPMINUS", 0x4A, "-"},
    {"KPSTAR", 0x37, "*"},
    {"KPSLASH", 0xE035, "/"},
    {"KPENTER", 0xE01C, "\r"},
};

struct UsageRun {
  unsigned first;
  std::span<const KeyCode> codes;
};

constexpr KeyCode kLettersOn[] = {0x1E, 0x30, 0x2E, 0x20, 0x12, 0x21, 0x22, 0x23, 0x17, 0x24, 0x25, 0x26, 0x32,
                                  0x31, 0x18, 0x19, 0x10, 0x13, 0x1F, 0x14, 0x16, 0x2F, 0x11, 0x2D, 0x15, 0x2C};
// 1 to 0, Enter, Escape, Backspace, Tab, Space, - = [ ] \, the non-US # key, ; ' ` , . /, Caps Lock, F1 to F12.
constexpr KeyCode kDigitsOn[] = {0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x1C, 0x01, 0x0E, 0x0F,
                                 0x39, 0x0C, 0x0D, 0x1A, 0x1B, 0x2B, 0x2B, 0x27, 0x28, 0x29, 0x33, 0x34, 0x35, 0x3A,
                                 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x41, 0x42, 0x43, 0x44, 0x57, 0x58};
// Print Screen, Scroll Lock, Pause, Insert, Home, Page Up, Delete, End, Page Down, Right, Left, Down, Up, Num Lock,
// keypad / * - + Enter 1 to 9 0 ., the key beside the left Shift, Application, Power, keypad =, F13 to F24.
constexpr KeyCode kPrintOn[] = {0xE037, 0x46,   0xE11D, 0xE052, 0xE047, 0xE049, 0xE053, 0xE04F, 0xE051, 0xE04D,
                                0xE04B, 0xE050, 0xE048, 0x45,   0xE035, 0x37,   0x4A,   0x4E,   0xE01C, 0x4F,
                                0x50,   0x51,   0x4B,   0x4C,   0x4D,   0x47,   0x48,   0x49,   0x52,   0x53,
                                0x56,   0xE05D, 0xE05E, 0x59,   0x64,   0x65,   0x66,   0x67,   0x68,   0x69,
                                0x6A,   0x6B,   0x6C,   0x6D,   0x6E,   0x76};
constexpr KeyCode kVolume[] = {0xE020, 0xE030, 0xE02E};               // mute, up, down
constexpr KeyCode kKeypadComma[] = {0x7E};                            // Brazilian keypad
constexpr KeyCode kInternational[] = {0x73, 0x70, 0x7D, 0x79, 0x7B};  // Ro, Kana, Yen, Henkan, Muhenkan
constexpr KeyCode kModifiers[] = {0x1D, 0x2A, 0x38, 0xE05B, 0xE01D, 0x36, 0xE038, 0xE05C};

constexpr UsageRun kUsages[] = {{4, kLettersOn},     {30, kDigitsOn},       {70, kPrintOn},   {127, kVolume},
                                {133, kKeypadComma}, {135, kInternational}, {224, kModifiers}};

std::string upper(std::string_view text) {
  std::string result;
  for (const char c : text) result += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

// Control characters as a terminal makes them: letters and @[\]^_ to 00h-1Fh, '?' to DEL.
std::string control_bytes(char character) {
  const char up = static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  if (up == ' ') return std::string(1, '\0');
  if (up >= '@' && up <= '_') return std::string(1, static_cast<char>(up & 0x1F));
  if (up == '?') return "\x7f";
  return {};
}

KeyStroke plain_stroke(std::string_view name) {
  if (name.size() == 1)
    if (std::optional<KeyStroke> stroke = stroke_for_character(name[0])) return *stroke;
  const std::string wanted = upper(name);
  for (const NamedKey& row : kNamed)
    if (row.name == wanted) return {{row.code}, std::string(row.bytes)};
  std::vector<std::string_view> names;
  for (const NamedKey& row : kNamed) names.push_back(row.name);
  throw ConfigError(fmt::format("there is no key '{}'{}", name, did_you_mean(wanted, names)));
}

}  // namespace

std::optional<KeyStroke> stroke_for_character(char character) {
  if (character == '\n' || character == '\r') return KeyStroke{{0x1C}, "\r"};
  if (character == '\t') return KeyStroke{{0x0F}, "\t"};
  for (const CharacterKey& row : kCharacters) {
    if (row.plain == character) return KeyStroke{{row.code}, std::string(1, character)};
    if (row.shifted == character) return KeyStroke{{key::kLeftShift, row.code}, std::string(1, character)};
  }
  return std::nullopt;
}

KeyStroke stroke_named(std::string_view name) {
  KeyStroke modifiers;
  bool control = false, alt = false;
  std::string_view rest = name;
  for (;;) {
    const std::size_t dash = rest.find('-');
    // A dash that ends the name is the key itself: CTRL--.
    if (dash == std::string_view::npos || dash == 0 || dash + 1 == rest.size()) break;
    const KeyStroke modifier = plain_stroke(rest.substr(0, dash));
    control |= modifier.keys.back() == key::kLeftControl || modifier.keys.back() == key::kRightControl;
    alt |= modifier.keys.back() == key::kLeftAlt;
    modifiers.keys.insert(modifiers.keys.end(), modifier.keys.begin(), modifier.keys.end());
    rest.remove_prefix(dash + 1);
  }
  if (rest.empty()) throw ConfigError(fmt::format("'{}' names no key", name));
  if (modifiers.keys.empty()) return plain_stroke(rest);

  // CTRL-C is the C key with Ctrl, not Ctrl with Shift and C.
  const char single = rest.size() == 1 ? static_cast<char>(std::tolower(static_cast<unsigned char>(rest[0]))) : '\0';
  KeyStroke stroke = single != '\0' ? plain_stroke(std::string_view(&single, 1)) : plain_stroke(rest);
  if (control) stroke.bytes = single != '\0' ? control_bytes(single) : std::string();
  if (alt && !stroke.bytes.empty()) stroke.bytes = fmt::format("\x1b{}", stroke.bytes);
  stroke.keys.insert(stroke.keys.begin(), modifiers.keys.begin(), modifiers.keys.end());
  return stroke;
}

std::optional<KeyCode> key_at_usage(unsigned usage) {
  for (const UsageRun& run : kUsages)
    if (usage >= run.first && usage - run.first < run.codes.size()) return run.codes[usage - run.first];
  return std::nullopt;
}

}  // namespace penumbra
