// Memory for emitted code, mapped twice: once to write, once to execute, never both in one place (W^X).
#pragma once

#include <span>

#include "core/base/types.h"

namespace penumbra {

class CodeBuffer {
 public:
  // `bytes` is a multiple of the page size, at most 1 GiB: jumps inside are 32 bits wide. Throws HostError.
  explicit CodeBuffer(u64 bytes);
  ~CodeBuffer();
  CodeBuffer(const CodeBuffer&) = delete;
  CodeBuffer& operator=(const CodeBuffer&) = delete;

  u64 size() const { return bytes_; }
  // Offsets name places; these are where they are executed and written.
  const u8* code(u64 offset) const { return executable_ + offset; }
  u8* writable(u64 offset) { return writable_ + offset; }
  bool contains(u64 host) const { return host - reinterpret_cast<u64>(executable_) < bytes_; }
  u64 offset_of(u64 host) const { return host - reinterpret_cast<u64>(executable_); }

  // The one way to change code that may have been executed: a jump's 32-bit displacement at `place`, to `target`.
  void patch_jump(u64 place, u64 target);

 private:
  u64 bytes_;
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
};

}  // namespace penumbra
