// Which parts of a page hold code: most data writes to a page with code touch none.
#pragma once

#include <algorithm>

#include "core/base/types.h"

namespace penumbra {

// A bit for each 64-byte line of a page that a range inside it touches. `bytes` is at least 1; what lies beyond the
// page's end is left out.
inline u64 code_lines(u32 offset, u32 bytes) {
  const u32 first = offset / 64;
  const u32 last = std::min((offset + bytes - 1) / 64, 63u);
  return (~u64{0} >> (63 - (last - first))) << first;
}

}  // namespace penumbra
