// The bytes of a fuzz input, taken one decision at a time; zeros after the end.
#pragma once

#include <span>

#include "core/platform/port_bus.h"

namespace penumbra {

class FuzzInput {
 public:
  explicit FuzzInput(std::span<const u8> bytes) : bytes_(bytes) {}

  bool empty() const { return at_ >= bytes_.size(); }
  u8 byte() { return empty() ? 0 : bytes_[at_++]; }
  u16 word() { return static_cast<u16>(byte() | byte() << 8); }
  u32 dword() { return word() | u32{word()} << 16; }
  Width width() {
    constexpr Width widths[] = {Width::byte, Width::word, Width::dword};
    return widths[byte() % 3];
  }

 private:
  std::span<const u8> bytes_;
  std::size_t at_ = 0;
};

}  // namespace penumbra
