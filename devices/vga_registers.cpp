// Indexed register files of sequencer, CRTC, graphics and attribute controller.
#include "devices/vga_registers.h"

namespace penumbra {

namespace {

// The bits that exist, by index.
constexpr std::array<u8, 5> kSequencerBits = {0x03, 0x3D, 0x0F, 0x3F, 0x0E};
constexpr std::array<u8, 9> kGraphicsBits = {0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};

constexpr u8 attribute_bits(unsigned index) {
  if (index < 0x10) return 0x3F;
  constexpr std::array<u8, 5> rest = {0xEF, 0xFF, 0x3F, 0x0F, 0x0F};
  return rest[index - 0x10];
}

}  // namespace

void VgaRegisters::reset() {
  *this = VgaRegisters();
  // As if the adapter's own power-on had been done: memory decoded at the colour addresses, nothing shown.
  misc_output_ = 0x03;
}

void VgaRegisters::visit(State& state) {
  const StateSection section(state, "registers");
  state.field("misc_output", misc_output_);
  state.field("feature_control", feature_control_);
  state.field("video_subsystem_enable", video_subsystem_enable_);
  state.field("sequencer_index", sequencer_index_);
  state.field("graphics_index", graphics_index_);
  state.field("crtc_index", crtc_index_);
  state.field("attribute_index", attribute_index_);
  state.field("attribute_data_next", attribute_data_next_);
  state.field("sequencer", sequencer_);
  state.field("crtc", crtc_);
  state.field("graphics", graphics_);
  state.field("attribute", attribute_);
}

u8 VgaRegisters::read_sequencer() const {
  return sequencer_index_ < sequencer_.size() ? sequencer_[sequencer_index_] : 0;
}

void VgaRegisters::write_sequencer(u8 value) {
  if (sequencer_index_ < sequencer_.size()) sequencer_[sequencer_index_] = value & kSequencerBits[sequencer_index_];
}

u8 VgaRegisters::read_graphics() const { return graphics_index_ < graphics_.size() ? graphics_[graphics_index_] : 0; }

void VgaRegisters::write_graphics(u8 value) {
  if (graphics_index_ < graphics_.size()) graphics_[graphics_index_] = value & kGraphicsBits[graphics_index_];
}

u8 VgaRegisters::read_crtc(u32 latches) const {
  if (crtc_index_ < crtc_.size()) return crtc_[crtc_index_];
  switch (static_cast<CrtcIndex>(crtc_index_)) {
    case CrtcIndex::latch_data: return static_cast<u8>(latches >> 8 * (graphics(GraphicsIndex::read_map_select) & 3));
    case CrtcIndex::attribute_flip_flop: return attribute_data_next_ ? 0x80 : 0x00;
    case CrtcIndex::attribute_index: return attribute_index_;
    default: return 0;
  }
}

void VgaRegisters::write_crtc(u8 value) {
  if (crtc_index_ >= crtc_.size()) return;
  // Vertical Retrace End bit 7 protects registers 0-7 but for Line Compare's bit 8.
  if (crtc_index_ <= number(CrtcIndex::overflow) && crtc(CrtcIndex::vertical_retrace_end) & 0x80) {
    if (crtc_index_ != number(CrtcIndex::overflow)) return;
    value = static_cast<u8>((crtc_[crtc_index_] & ~0x10) | (value & 0x10));
  }
  crtc_[crtc_index_] = value;
}

void VgaRegisters::write_attribute_port(u8 value) {
  attribute_data_next_ = !attribute_data_next_;
  if (attribute_data_next_) {
    attribute_index_ = value & 0x3F;
    return;
  }
  const unsigned index = attribute_index_ & 0x1Fu;
  if (index >= attribute_.size()) return;
  // While the attribute controller drives the screen, the CPU cannot load the palette.
  if (index < 0x10 && palette_address_source()) return;
  attribute_[index] = value & attribute_bits(index);
}

u8 VgaRegisters::read_attribute() const {
  const unsigned index = attribute_index_ & 0x1Fu;
  return index < attribute_.size() ? attribute_[index] : 0;
}

u32 VgaRegisters::vertical(CrtcIndex low, unsigned bit_8, unsigned bit_9) const {
  const u8 overflow = crtc(CrtcIndex::overflow);
  return crtc(low) | u32{bit(overflow, bit_8)} << 8 | u32{bit(overflow, bit_9)} << 9;
}

VgaGeometry VgaRegisters::geometry() const {
  VgaGeometry g;
  const u8 clocking = sequencer(SequencerIndex::clocking_mode);
  g.characters_total = crtc(CrtcIndex::horizontal_total) + 5u;
  g.characters_displayed = crtc(CrtcIndex::horizontal_display_end) + 1u;
  g.dots_per_character = clocking & 0x01 ? 8 : 9;
  g.dot_repeat = clocking & 0x08 ? 2 : 1;

  // Mode Control bit 2 clocks the vertical counter every second scan line.
  const u32 lines_per_count = crtc(CrtcIndex::mode_control) & 0x04 ? 2 : 1;
  g.lines_total = (vertical(CrtcIndex::vertical_total, 0, 5) + 2) * lines_per_count;
  g.lines_displayed = (vertical(CrtcIndex::vertical_display_end, 1, 6) + 1) * lines_per_count;
  const u32 retrace_start = vertical(CrtcIndex::vertical_retrace_start, 2, 7);
  const u32 retrace = (crtc(CrtcIndex::vertical_retrace_end) - retrace_start) & 0x0F;
  g.retrace_first = retrace_start * lines_per_count;
  g.retrace_count = (retrace ? retrace : 16) * lines_per_count;
  const u8 bit_8 = bit(crtc(CrtcIndex::overflow), 4);
  const u8 bit_9 = bit(crtc(CrtcIndex::maximum_scan_line), 6);
  g.line_compare = (crtc(CrtcIndex::line_compare) | bit_8 << 8 | bit_9 << 9) * lines_per_count + lines_per_count - 1;
  return g;
}

u8 VgaRegisters::dac_index(u8 color) const {
  const u8 select = attribute(AttributeIndex::color_select);
  const u8 entry = palette(color & attribute(AttributeIndex::color_plane_enable));
  const u8 high = static_cast<u8>((select & 0x0C) << 4);
  if (attribute(AttributeIndex::mode_control) & 0x80)
    return static_cast<u8>(high | (select & 0x03) << 4 | (entry & 0x0F));
  return static_cast<u8>(high | entry);
}

}  // namespace penumbra
