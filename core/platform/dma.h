// A device's end of an ISA DMA channel: DREQ, the cycles that move its bytes, and TC. The 8237 pair implements it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "core/base/types.h"

namespace penumbra {

// What the channel's mode register asks for, seen from memory: a "write transfer" of the 8237 is `to_memory`.
enum class DmaTransfer : u8 { verify, to_memory, from_memory, none };

// A device offers or asks for as many bytes as it has at the moment; the controller moves what the guest's programming
// allows and stops right after the unit that ends in terminal count, also where the channel reloads itself (autoinit):
// a device that goes on across blocks simply calls again. Channels 5-7 move 16-bit units: an odd last byte stays.
class DmaChannel {
 public:
  virtual ~DmaChannel() = default;

  // DREQ, as the status register shows it. Transfers work without it; `when_ready` needs it.
  virtual void request(bool level) = 0;
  // True while cycles would be granted: controller enabled, channel unmasked and not in cascade mode.
  virtual bool ready() const = 0;
  // The direction the guest programmed.
  virtual DmaTransfer transfer() const = 0;

  // The device's bytes go to memory. Answers how many were taken: 0 if not ready, fewer than offered after TC.
  // In verify mode, or if the guest programmed the other direction, cycles and counts run but memory stays as it is.
  virtual std::size_t to_memory(std::span<const u8> bytes) = 0;
  // Memory's bytes go to the device. Answers how many were delivered. In verify mode, or if the guest programmed the
  // other direction, the bytes are FFh.
  virtual std::size_t from_memory(std::span<u8> bytes) = 0;
  // True if the last call above ended in terminal count.
  virtual bool terminal_count() const = 0;

  // Called when the guest makes the channel ready while DREQ is up; for devices whose data waits for the channel.
  // Not part of the state: set once, when the board is wired.
  virtual void when_ready(std::function<void()> action) = 0;
};

}  // namespace penumbra
