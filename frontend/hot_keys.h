// Ctrl+Alt shortcuts of the window, and which keys the guest believes to be down.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "core/platform/input.h"
#include "frontend/window.h"

namespace penumbra {

class HotKeys {
 public:
  explicit HotKeys(KeyboardPort& keyboard) : keyboard_(keyboard) {}

  // A key of the host by its USB HID usage. Hands it to the guest, or answers the command it stands for.
  std::optional<WindowCommand> key(unsigned usage, bool pressed);
  // The window lost the keyboard: nothing may stay pressed in the guest.
  void release_all();

 private:
  bool held(KeyCode code) const { return down_.contains(code); }
  void send(KeyCode code, bool pressed);

  KeyboardPort& keyboard_;
  std::set<KeyCode> down_;        // as the guest sees it
  std::set<unsigned> swallowed_;  // usages whose press was a command: their release is not the guest's
};

}  // namespace penumbra
