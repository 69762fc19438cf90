// Scaling a picture into a window.
#include <algorithm>
#include <cmath>

#include "frontend/window.h"

namespace penumbra {

Placement place_picture(int window_width, int window_height, u32 picture_width, u32 picture_height) {
  const double width = std::max<u32>(picture_width, 1), height = std::max<u32>(picture_height, 1);
  double scale = std::min(window_width / width, window_height / height);
  // Whole factors keep characters crisp; where they would leave much of the window empty, filling it matters more.
  const double whole = std::floor(scale);
  if (whole >= 0.75 * scale) scale = whole;
  const int shown_width = std::max(1, static_cast<int>(std::lround(width * scale)));
  const int shown_height = std::max(1, static_cast<int>(std::lround(height * scale)));
  return {(window_width - shown_width) / 2, (window_height - shown_height) / 2, shown_width, shown_height};
}

}  // namespace penumbra
