// Row counting with doubling and split screen.
#include "devices/vga_scan.h"

namespace penumbra {

namespace {

// A value that shifts nothing, be cells eight or nine dots wide.
constexpr u8 kNoPanning = 8;

}  // namespace

VgaScan::VgaScan(const VgaRegisters& registers)
    : row_scans_(registers.row_scans()),
      offset_(registers.crtc(CrtcIndex::offset) * 2u),
      line_compare_(registers.geometry().line_compare),
      doubling_(registers.scan_doubling()),
      panning_ends_at_split_(registers.attribute(AttributeIndex::mode_control) & 0x20) {
  const u8 preset = registers.crtc(CrtcIndex::preset_row_scan);
  byte_panning_ = preset >> 5 & 3;
  counter_ = registers.start_address() + byte_panning_;
  row_scan_ = preset & 0x1F;
  panning_ = registers.attribute(AttributeIndex::horizontal_pel_panning);
}

void VgaScan::next_line() {
  starts_row_ = false;
  if (line_++ == line_compare_) {
    counter_ = panning_ends_at_split_ ? 0 : byte_panning_;
    if (panning_ends_at_split_) panning_ = kNoPanning;
    row_scan_ = 0;
    second_of_pair_ = false;
    starts_row_ = true;
    return;
  }
  if (doubling_) {
    second_of_pair_ = !second_of_pair_;
    if (second_of_pair_) return;
  }
  if (row_scan_ + 1 == row_scans_) {
    row_scan_ = 0;
    counter_ += offset_;
    starts_row_ = true;
  } else {
    row_scan_ = (row_scan_ + 1) & 0x1F;
  }
}

VgaAddressing::VgaAddressing(const VgaRegisters& registers) {
  const u8 mode = registers.crtc(CrtcIndex::mode_control);
  const u8 underline = registers.crtc(CrtcIndex::underline_location);
  shift_ = underline & 0x40 ? 2 : mode & 0x40 ? 0 : 1;
  word_bit_ = mode & 0x20 ? 15 : 13;
  row_scan_0_ = !(mode & 0x01);
  row_scan_1_ = !(mode & 0x02);
  clocks_shift_ = underline & 0x20 ? 2 : mode & 0x08 ? 1 : 0;
}

}  // namespace penumbra
