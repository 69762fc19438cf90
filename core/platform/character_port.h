// A byte stream between a guest's serial or parallel port and the outside.
#pragma once

#include <functional>
#include <span>

#include "core/base/types.h"

namespace penumbra {

class CharacterPort {
 public:
  using Sink = std::function<void(u8)>;

  virtual ~CharacterPort() = default;
  // Where the guest's bytes go; called on the machine's thread.
  virtual void send_to(Sink sink) = 0;
  // How many bytes `receive` would take now.
  virtual std::size_t room() const = 0;
  // Bytes for the guest, at most `room()` of them.
  virtual void receive(std::span<const u8> bytes) = 0;
};

}  // namespace penumbra
