// Index and component counters of the DAC, and the colours it puts out.
#include "devices/vga_palette.h"

namespace penumbra {

void VgaPalette::reset() { *this = VgaPalette(); }

void VgaPalette::visit(State& state) {
  const StateSection section(state, "palette");
  state.field("pixel_mask", pixel_mask_);
  state.field("read_index", read_index_);
  state.field("write_index", write_index_);
  state.field("read_component", read_component_);
  state.field("write_component", write_component_);
  state.field("reading", reading_);
  state.field("eight_bits", eight_bits_);
  state.field("pending", pending_);
  state.field("components", components_);
  read_component_ %= 3;
  write_component_ %= 3;
}

void VgaPalette::select_for_reading(u8 index) {
  read_index_ = index;
  read_component_ = 0;
  reading_ = true;
}

void VgaPalette::select_for_writing(u8 index) {
  write_index_ = index;
  write_component_ = 0;
  reading_ = false;
}

u8 VgaPalette::read_data() {
  const u8 stored = components_[read_index_ * 3u + read_component_];
  if (++read_component_ == 3) {
    read_component_ = 0;
    ++read_index_;
  }
  return eight_bits_ ? stored : stored >> 2;
}

void VgaPalette::write_data(u8 value) {
  if (!eight_bits_) value = static_cast<u8>(value << 2);
  if (write_component_ < 2) {
    pending_[write_component_++] = value;
    return;
  }
  const unsigned at = write_index_ * 3u;
  components_[at] = pending_[0];
  components_[at + 1] = pending_[1];
  components_[at + 2] = value;
  write_component_ = 0;
  ++write_index_;
}

u32 VgaPalette::color(u8 pixel) const {
  const unsigned at = (pixel & pixel_mask_) * 3u;
  u32 rgb = 0;
  for (unsigned i = 0; i < 3; ++i) {
    const u8 stored = components_[at + i];
    // Six bits are spread over eight, so that full intensity is FFh.
    rgb = rgb << 8 | (eight_bits_ ? stored : ((stored & 0xFC) | stored >> 6));
  }
  return rgb;
}

}  // namespace penumbra
