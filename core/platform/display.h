// What a display adapter shows: a picture for windows and screenshots, and the characters behind it where there are
// any.
#pragma once

#include <string>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

// Pixels row by row, 0x00RRGGBB.
struct Picture {
  u32 width = 0;
  u32 height = 0;
  std::vector<u32> pixels;
  // The display's own note of what it drew here last. Who changes `pixels` otherwise sets it to 0.
  u64 drawing = 0;
};

class Display {
 public:
  virtual ~Display() = default;
  // Draws what the monitor shows now, resizing the picture where the mode wants it. True if anything differs from what
  // the picture held before.
  virtual bool render(Picture& picture) = 0;
  // The text screen as UTF-8 lines without trailing blanks; empty in graphics modes. Code page 437 is mapped to
  // Unicode.
  virtual std::vector<std::string> text() const = 0;
};

}  // namespace penumbra
