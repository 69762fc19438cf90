// The table of formats.
#include "devices/floppy_geometry.h"

#include <array>

namespace penumbra {

namespace {

using enum DataRate;
using enum FloppyType;

// By size. A 3.5 inch drive for high density reads 720 KB disks too, so these need no drive of their own.
constexpr std::array<FloppyGeometry, 14> kFormats{{
    {40, 1, 8, k250, k360},    // 160K
    {40, 1, 9, k250, k360},    // 180K
    {40, 2, 8, k250, k360},    // 320K
    {40, 2, 9, k250, k360},    // 360K
    {80, 2, 9, k250, m1_44},   // 720K
    {80, 2, 10, k250, m1_44},  // 800K
    {80, 2, 15, k500, m1_2},   // 1.2M
    {80, 2, 18, k500, m1_44},  // 1.44M
    {82, 2, 18, k500, m1_44},  // 1.44M with two more cylinders
    {80, 2, 20, k500, m1_44},  // 1.6M
    {80, 2, 21, k500, m1_44},  // 1.68M, DMF
    {82, 2, 21, k500, m1_44},  // 1.72M
    {83, 2, 21, k500, m1_44},  // 1.74M
    {80, 2, 36, m1, m2_88},    // 2.88M
}};

}  // namespace

const FloppyGeometry& floppy_geometry(u64 bytes) {
  for (const FloppyGeometry& format : kFormats)
    if (bytes <= format.bytes()) return format;
  return kFormats.back();
}

}  // namespace penumbra
