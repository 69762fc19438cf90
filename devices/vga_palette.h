// The VGA's DAC: 256 colours of 18 or 24 bits behind ports 3C6h-3C9h.
// Source: IBM PS/2 Hardware Interface Technical Reference, "Video Digital-to-Analog Converter"; Inmos IMSG171.
#pragma once

#include <array>

#include "core/base/state.h"
#include "core/base/types.h"

namespace penumbra {

class VgaPalette {
 public:
  void reset();
  void visit(State& state);

  u8 pixel_mask() const { return pixel_mask_; }
  void write_pixel_mask(u8 value) { pixel_mask_ = value; }
  // 3C7h: 3 after a read index was written, 0 after a write index.
  u8 dac_state() const { return reading_ ? 3 : 0; }
  void select_for_reading(u8 index);
  u8 write_index() const { return write_index_; }
  void select_for_writing(u8 index);
  u8 read_data();
  void write_data(u8 value);

  // The DISPI's 8BIT_DAC: components of 8 bits; otherwise of 6, which are the upper bits of what is stored.
  void set_eight_bits(bool on) { eight_bits_ = on; }
  bool eight_bits() const { return eight_bits_; }

  // 0x00RRGGBB of a pixel value, through the pixel mask.
  u32 color(u8 pixel) const;

 private:
  u8 pixel_mask_ = 0xFF;
  u8 read_index_ = 0;
  u8 write_index_ = 0;
  u8 read_component_ = 0;   // 0-2: red, green, blue
  u8 write_component_ = 0;  // the first two wait in `pending_` for the third
  bool reading_ = false;
  bool eight_bits_ = false;
  std::array<u8, 2> pending_{};
  std::array<u8, 768> components_{};
};

}  // namespace penumbra
