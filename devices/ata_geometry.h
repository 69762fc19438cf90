// Cylinders, heads and sectors of a hard disk that has none.
#pragma once

#include <optional>

#include "core/platform/block_device.h"

namespace penumbra {

struct AtaGeometry {
  u32 cylinders = 1;
  u32 heads = 16;
  u32 sectors = 63;

  bool operator==(const AtaGeometry&) const = default;
};

// Sixteen heads of 63 sectors and at most 16,383 cylinders (ATA-6 6.2), unless the partition table was written with a
// smaller geometry: an image of an old disk boots only with the one that its boot sectors know.
AtaGeometry geometry_of(BlockDevice& medium);

// The translation that INITIALIZE DEVICE PARAMETERS asks for, or nothing where no whole cylinder fits.
std::optional<AtaGeometry> translation(u64 capacity, u32 heads, u32 sectors);

}  // namespace penumbra
