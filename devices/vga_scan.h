// The CRTC's walk over memory: which counter and row scan each scan line of a frame starts with.
// Source: IBM PS/2 Hardware Interface Technical Reference, "CRT Controller": Start Address, Offset, Preset Row Scan,
// Maximum Scan Line, Line Compare, Underline Location, Mode Control.
#pragma once

#include "devices/vga_registers.h"

namespace penumbra {

class VgaScan {
 public:
  explicit VgaScan(const VgaRegisters& registers);

  // The memory address counter at the left edge of this scan line.
  u32 counter() const { return counter_; }
  u32 row_scan() const { return row_scan_; }
  // Dots of horizontal panning in this scan line, as Horizontal PEL Panning has them.
  u8 panning() const { return panning_; }
  // On the first scan line of a row of characters, of the picture, or of the split screen.
  bool starts_row() const { return starts_row_; }
  void next_line();

 private:
  u32 counter_;
  u32 row_scan_;
  u32 byte_panning_;
  u8 panning_;
  bool starts_row_ = true;
  bool second_of_pair_ = false;  // of two lines that scan doubling makes of one
  u32 line_ = 0;

  const u32 row_scans_;
  const u32 offset_;
  const u32 line_compare_;
  const bool doubling_;
  const bool panning_ends_at_split_;
};

// How a counter becomes an address in the planes: byte, word or doubleword mode, and the row scan in MA13 and MA14.
class VgaAddressing {
 public:
  explicit VgaAddressing(const VgaRegisters& registers);

  u32 offset(u32 counter, u32 row_scan) const {
    u32 address = counter << shift_;
    if (shift_ == 1) address |= counter >> word_bit_ & 1;
    if (row_scan_0_) address = (address & ~0x2000u) | (row_scan & 1) << 13;
    if (row_scan_1_) address = (address & ~0x4000u) | (row_scan & 2) << 13;
    return address & 0xFFFF;
  }
  // Character clocks for each step of the counter, as a shift: 1, 2 or 4.
  unsigned clocks_shift() const { return clocks_shift_; }

 private:
  unsigned shift_;
  unsigned word_bit_;
  bool row_scan_0_;
  bool row_scan_1_;
  unsigned clocks_shift_;
};

}  // namespace penumbra
