// A device on a PS/2 port as the keyboard controller sees it: bytes in both directions.
#pragma once

#include <functional>

#include "core/base/types.h"

namespace penumbra {

class Ps2Device {
 public:
  virtual ~Ps2Device() = default;
  // A byte from the host: a command or its parameter.
  virtual void receive(u8 byte) = 0;
  // True while a byte waits to be sent; `take_byte` sends it and may only be called then.
  virtual bool has_byte() const = 0;
  virtual u8 take_byte() = 0;
  // The controller's word that the guest has read (or the controller has swallowed) the byte taken last.
  virtual void byte_read() = 0;
  // What to call after a byte has come to wait. Not part of the state: set once, by the controller.
  virtual void when_waiting(std::function<void()> action) = 0;
};

}  // namespace penumbra
