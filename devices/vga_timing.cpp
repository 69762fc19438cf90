// Frame and line times from dot clock and totals.
#include "devices/vga_timing.h"

#include <algorithm>

namespace penumbra {

VgaBeam VgaFrame::beam(Ticks now) const {
  const i64 in_frame = now.value % frame_ns();
  VgaBeam b;
  b.frame = static_cast<u64>(now.value / frame_ns());
  b.line = static_cast<u32>(in_frame / line_ns);
  b.display_enable = b.line < lines_displayed && in_frame % line_ns < displayed_ns;
  b.vertical_retrace = b.line >= retrace_first && b.line - retrace_first < retrace_count;
  return b;
}

VgaFrame vga_frame(const VgaRegisters& registers) {
  const VgaGeometry g = registers.geometry();
  const i64 dots = i64{g.characters_total} * g.dots_per_character * g.dot_repeat;
  VgaFrame frame;
  frame.line_ns = std::max<i64>(dots * 1'000'000'000 / registers.dot_clock(), 1);
  frame.displayed_ns = std::max<i64>(frame.line_ns * g.characters_displayed / g.characters_total, 1);
  frame.lines_total = g.lines_total;
  frame.lines_displayed = g.lines_displayed;
  frame.retrace_first = g.retrace_first;
  frame.retrace_count = g.retrace_count;
  if (frame.retrace_first >= frame.lines_total) {
    frame.retrace_count = std::min<u32>(2, frame.lines_total - 1);
    frame.retrace_first = frame.lines_total - frame.retrace_count;
  }
  return frame;
}

VgaFrame plain_frame(u32 lines_displayed) {
  VgaFrame frame;
  frame.lines_displayed = std::max<u32>(lines_displayed, 1);
  frame.lines_total = frame.lines_displayed + frame.lines_displayed / 20 + 4;
  frame.line_ns = std::max<i64>(1'000'000'000 / 60 / frame.lines_total, 1);
  frame.displayed_ns = std::max<i64>(frame.line_ns * 4 / 5, 1);
  frame.retrace_first = frame.lines_displayed + 1;
  frame.retrace_count = 3;
  return frame;
}

}  // namespace penumbra
