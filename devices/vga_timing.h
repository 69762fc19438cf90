// Where the electron beam stands: input status 1 and the blink phases, from guest time and the CRTC's totals.
#pragma once

#include "core/base/types.h"
#include "devices/vga_registers.h"

namespace penumbra {

struct VgaBeam {
  u64 frame;  // frames since power-on, at the present rate
  u32 line;
  bool display_enable;  // inside the picture, horizontally and vertically
  bool vertical_retrace;
};

// One frame's times. Every field is at least 1.
struct VgaFrame {
  i64 line_ns;
  i64 displayed_ns;  // of a line
  u32 lines_total;
  u32 lines_displayed;
  u32 retrace_first;
  u32 retrace_count;

  i64 frame_ns() const { return line_ns * lines_total; }
  VgaBeam beam(Ticks now) const;
};

// The frame that the registers ask for; where they leave no room for a vertical retrace, its last lines are one, so
// that a guest waiting for it goes on.
VgaFrame vga_frame(const VgaRegisters& registers);
// 60 frames a second of that many lines, for modes that the CRTC does not time.
VgaFrame plain_frame(u32 lines_displayed);

}  // namespace penumbra
