// The VGA's registers other than the DAC's: what ports 3B0h-3DFh read and write, and what follows from their bits.
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem (1992); later clones' additions are named.
#pragma once

#include <array>

#include "core/base/bits.h"
#include "core/base/state.h"
#include "core/base/types.h"

namespace penumbra {

enum class SequencerIndex : u8 { reset, clocking_mode, map_mask, character_map_select, memory_mode, count };

enum class CrtcIndex : u8 {
  horizontal_total,
  horizontal_display_end,
  start_horizontal_blanking,
  end_horizontal_blanking,
  start_horizontal_retrace,
  end_horizontal_retrace,
  vertical_total,
  overflow,
  preset_row_scan,
  maximum_scan_line,
  cursor_start,
  cursor_end,
  start_address_high,
  start_address_low,
  cursor_location_high,
  cursor_location_low,
  vertical_retrace_start,
  vertical_retrace_end,
  vertical_display_end,
  offset,
  underline_location,
  start_vertical_blanking,
  end_vertical_blanking,
  mode_control,
  line_compare,
  count,
  // Not in IBM's manual, but in its chip and in the clones'.
  latch_data = 0x22,
  attribute_flip_flop = 0x24,
  attribute_index = 0x26,
};

enum class GraphicsIndex : u8 {
  set_reset,
  enable_set_reset,
  color_compare,
  data_rotate,
  read_map_select,
  graphics_mode,
  miscellaneous,
  color_dont_care,
  bit_mask,
  count,
};

enum class AttributeIndex : u8 {
  palette = 0,  // and the fifteen after it
  mode_control = 0x10,
  overscan_color,
  color_plane_enable,
  horizontal_pel_panning,
  color_select,
  count,
};

// What the CRTC shows of its counters' range, in the units that `VgaTiming` and the renderer share.
struct VgaGeometry {
  u32 characters_total;      // character clocks in a scan line
  u32 characters_displayed;  // of which so many show memory
  u32 dots_per_character;    // 8 or 9
  u32 dot_repeat;            // 2 where the dot clock is halved (Clocking Mode bit 3)
  u32 lines_total;           // scan lines in a frame
  u32 lines_displayed;
  u32 retrace_first;  // vertical retrace, in scan lines
  u32 retrace_count;
  u32 line_compare;  // the split screen begins after this scan line
};

class VgaRegisters {
 public:
  void reset();
  void visit(State& state);
  bool operator==(const VgaRegisters&) const = default;

  u8 sequencer(SequencerIndex i) const { return sequencer_[number(i)]; }
  u8 crtc(CrtcIndex i) const { return crtc_[number(i)]; }
  u8 graphics(GraphicsIndex i) const { return graphics_[number(i)]; }
  u8 attribute(AttributeIndex i) const { return attribute_[number(i)]; }
  u8 palette(unsigned i) const { return attribute_[i & 15]; }
  u8 misc_output() const { return misc_output_; }

  // 3C2h/3CCh, 3xAh/3CAh, 3C3h.
  void write_misc_output(u8 value) { misc_output_ = value; }
  u8 feature_control() const { return feature_control_; }
  void write_feature_control(u8 value) { feature_control_ = value & 0x0B; }
  bool enabled() const { return video_subsystem_enable_ & 1; }
  u8 video_subsystem_enable() const { return video_subsystem_enable_; }
  void write_video_subsystem_enable(u8 value) { video_subsystem_enable_ = value & 1; }

  u8 sequencer_index() const { return sequencer_index_; }
  u8 graphics_index() const { return graphics_index_; }
  u8 crtc_index() const { return crtc_index_; }
  void select_sequencer(u8 index) { sequencer_index_ = index & 7; }
  void select_graphics(u8 index) { graphics_index_ = index & 0x0F; }
  void select_crtc(u8 index) { crtc_index_ = index & 0x3F; }
  u8 read_sequencer() const;
  void write_sequencer(u8 value);
  u8 read_graphics() const;
  void write_graphics(u8 value);
  // `latches` holds plane 0 in its lowest byte; CR22h reads them.
  u8 read_crtc(u32 latches) const;
  void write_crtc(u8 value);

  // 3C0h takes index and data in turn; reading input status 1 makes the next write an index.
  void write_attribute_port(u8 value);
  u8 attribute_index() const { return attribute_index_; }
  u8 read_attribute() const;
  void expect_attribute_index() { attribute_data_next_ = false; }

  // --- what the bits mean ---

  bool color_addresses() const { return misc_output_ & 0x01; }  // 3Dxh, not 3Bxh
  bool ram_enabled() const { return misc_output_ & 0x02; }
  // Palette Address Source: the attribute controller drives the screen.
  bool palette_address_source() const { return attribute_index_ & 0x20; }
  bool screen_off() const { return sequencer(SequencerIndex::clocking_mode) & 0x20; }
  bool in_sequencer_reset() const { return (sequencer(SequencerIndex::reset) & 3) != 3; }
  bool chain_4() const { return sequencer(SequencerIndex::memory_mode) & 0x08; }
  bool graphics_mode() const { return graphics(GraphicsIndex::miscellaneous) & 0x01; }
  // The dots of the dot clock in Hz: 25.175 or 28.322 MHz. The external clocks are taken for the first.
  u32 dot_clock() const { return (misc_output_ >> 2 & 3) == 1 ? 28'322'000 : 25'175'000; }
  u32 start_address() const { return crtc_pair(CrtcIndex::start_address_high); }
  u32 cursor_location() const { return crtc_pair(CrtcIndex::cursor_location_high); }
  u32 row_scans() const { return (crtc(CrtcIndex::maximum_scan_line) & 0x1Fu) + 1; }
  bool scan_doubling() const { return crtc(CrtcIndex::maximum_scan_line) & 0x80; }
  VgaGeometry geometry() const;
  // The DAC's address for a 4-bit colour: Color Plane Enable, palette, Color Select.
  u8 dac_index(u8 color) const;

 private:
  u32 crtc_pair(CrtcIndex high) const { return crtc_[number(high)] << 8 | crtc_[number(high) + 1u]; }
  // A 10-bit vertical counter: its low byte, and where bits 8 and 9 stand in Overflow.
  u32 vertical(CrtcIndex low, unsigned bit_8, unsigned bit_9) const;

  u8 misc_output_ = 0;
  u8 feature_control_ = 0;
  u8 video_subsystem_enable_ = 1;
  u8 sequencer_index_ = 0;
  u8 graphics_index_ = 0;
  u8 crtc_index_ = 0;
  u8 attribute_index_ = 0;  // with bit 5, Palette Address Source
  bool attribute_data_next_ = false;
  std::array<u8, 5> sequencer_{};
  std::array<u8, 0x19> crtc_{};
  std::array<u8, 9> graphics_{};
  std::array<u8, 0x15> attribute_{};
};

}  // namespace penumbra
