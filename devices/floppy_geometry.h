// The formats of floppy disks, and which of them an image has.
#pragma once

#include "core/base/types.h"

namespace penumbra {

// Data rates as CCR and DSR encode them.
enum class DataRate : u8 { k500 = 0, k300 = 1, k250 = 2, m1 = 3 };

// Drive types as the CMOS encodes them (register 10h).
enum class FloppyType : u8 { none = 0, k360 = 1, m1_2 = 2, k720 = 3, m1_44 = 4, m2_88 = 5 };

struct FloppyGeometry {
  u8 cylinders;
  u8 heads;
  u8 sectors;  // of 512 bytes on each track
  DataRate rate;
  FloppyType drive;  // the drive such a disk belongs into

  constexpr u32 bytes() const { return 512u * cylinders * heads * sectors; }
};

// The format of exactly that size, else the smallest that holds it, else the largest there is.
const FloppyGeometry& floppy_geometry(u64 bytes);

}  // namespace penumbra
