// A window on the host's screen, as the run loop sees it.
#pragma once

#include <memory>
#include <string>

#include "core/platform/display.h"
#include "core/platform/input.h"

namespace penumbra {

enum class WindowCommand : u8 { free_mouse, full_screen, screenshot, reset, power, next_medium, quit };

// Who is told what a person does with the window, other than typing and moving the mouse.
class WindowListener {
 public:
  virtual ~WindowListener() = default;
  virtual void command(WindowCommand command) = 0;
  virtual void dropped(const std::string& path) = 0;
};

class Window {
 public:
  virtual ~Window() = default;
  // Handles what has happened: keys and mouse go to the guest's ports, the rest to the listener.
  virtual void poll() = 0;
  virtual void show(const Picture& picture) = 0;
  // What the title says beside the name and the way out of mouse capture.
  virtual void status(const std::string& text) = 0;
};

struct WindowSetup {
  KeyboardPort& keyboard;
  MousePort& mouse;
  WindowListener& listener;
  bool full_screen;
};

// Throws HostError where the host has no display.
std::unique_ptr<Window> open_sdl_window(const WindowSetup& setup);

// Where a picture goes in a window: in the middle, its shape kept, by a whole factor unless that would leave more than
// a quarter of the window's smaller side empty.
struct Placement {
  int x, y, width, height;
};
Placement place_picture(int window_width, int window_height, u32 picture_width, u32 picture_height);

}  // namespace penumbra
