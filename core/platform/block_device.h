// A disk, floppy or CD image as a drive sees it: numbered sectors that can be read, written and flushed.
#pragma once

#include <span>
#include <string>

#include "core/base/types.h"

namespace penumbra {

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  virtual u64 bytes() const = 0;
  virtual bool read_only() const = 0;
  // For messages: the file's path.
  virtual const std::string& path() const = 0;
  // `offset` and the span's size may have any alignment but must lie inside the image. False if the host failed, with
  // the reason in the log; the drive reports it to the guest as a medium error.
  virtual bool read(u64 offset, std::span<u8> to) = 0;
  virtual bool write(u64 offset, std::span<const u8> from) = 0;
  // True once everything written is on the host's stable storage (fdatasync).
  virtual bool flush() = 0;
};

}  // namespace penumbra
