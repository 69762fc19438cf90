// Telling shortcuts from typing.
#include "frontend/hot_keys.h"

#include "frontend/keys.h"

namespace penumbra {

namespace {

constexpr unsigned kInsertUsage = 73;

// By HID usage: letters count from 4.
std::optional<WindowCommand> command_at(unsigned usage) {
  switch (usage) {
    case 4 + ('f' - 'a'): return WindowCommand::full_screen;
    case 4 + ('g' - 'a'): return WindowCommand::free_mouse;
    case 4 + ('s' - 'a'): return WindowCommand::screenshot;
    case 4 + ('r' - 'a'): return WindowCommand::reset;
    case 4 + ('p' - 'a'): return WindowCommand::power;
    case 4 + ('e' - 'a'): return WindowCommand::next_medium;
    case 4 + ('q' - 'a'): return WindowCommand::quit;
    default: return std::nullopt;
  }
}

}  // namespace

void HotKeys::send(KeyCode code, bool pressed) {
  if (pressed)
    down_.insert(code);
  else
    down_.erase(code);
  keyboard_.key(code, pressed);
}

std::optional<WindowCommand> HotKeys::key(unsigned usage, bool pressed) {
  if (!pressed && swallowed_.erase(usage) != 0) return std::nullopt;
  const bool control = held(key::kLeftControl) || held(key::kRightControl);
  if (pressed && control && held(key::kLeftAlt)) {
    if (swallowed_.contains(usage)) return std::nullopt;  // it repeats
    if (usage == kInsertUsage) {
      swallowed_.insert(usage);
      keyboard_.key(key::kDelete, true);
      keyboard_.key(key::kDelete, false);
      return std::nullopt;
    }
    if (const auto command = command_at(usage)) {
      swallowed_.insert(usage);
      return command;
    }
  }
  const std::optional<KeyCode> code = key_at_usage(usage);
  // A release without a press belongs to a key that was held when the window got the keyboard.
  if (code && (pressed || held(*code))) send(*code, pressed);
  return std::nullopt;
}

void HotKeys::release_all() {
  while (!down_.empty()) send(*down_.begin(), false);
  swallowed_.clear();
}

}  // namespace penumbra
