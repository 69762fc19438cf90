// What a person does: keys by position and mouse movement, as front ends deliver them to the emulated controllers.
#pragma once

#include "core/base/types.h"

namespace penumbra {

// A key by its place on the keyboard: its PS/2 scan code set 1 make code, with E0h in the high byte for extended keys
// (left arrow: E04Bh). Two keys have codes of their own: Pause is E11Dh and Print Screen is E037h.
using KeyCode = u16;

class KeyboardPort {
 public:
  virtual ~KeyboardPort() = default;
  // Repeats are `pressed` again. Keys that find the keyboard's buffer full are lost, as on the real one.
  virtual void key(KeyCode key, bool pressed) = 0;
  // True while the guest has not yet read all that was typed; paced typing waits for false.
  virtual bool busy() const = 0;
};

enum class MouseButton : u8 { left, right, middle };

class MousePort {
 public:
  virtual ~MousePort() = default;
  // Pixels to the right and down, and wheel clicks towards the person.
  virtual void move(i32 dx, i32 dy, i32 wheel) = 0;
  virtual void button(MouseButton button, bool pressed) = 0;
};

}  // namespace penumbra
