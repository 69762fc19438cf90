// Default geometry, and what a partition table tells of the geometry it was made for.
#include "devices/ata_geometry.h"

#include <algorithm>
#include <array>

#include "core/base/bits.h"

namespace penumbra {

namespace {

constexpr u32 kMostCylinders = 16383;

struct Chs {
  u32 cylinder, head, sector;
  explicit Chs(const u8* entry)
      : cylinder(entry[2] | (entry[1] & 0xC0u) << 2), head(entry[0]), sector(entry[1] & 0x3Fu) {}
};

// A partition's last sector lies at the end of a cylinder; that gives heads and sectors, and both of its ends must then
// agree with their sector numbers. Only geometries a drive can have (at most 16 heads) are taken: translated ones are
// the BIOS's affair.
std::optional<AtaGeometry> geometry_behind(const u8* entry, u64 capacity) {
  const u32 first_lba = load<u32>(entry + 8);
  const u32 count = load<u32>(entry + 12);
  if (entry[4] == 0 || count == 0) return {};
  const Chs first(entry + 1);
  const Chs last(entry + 5);
  const u32 heads = last.head + 1;
  const u32 sectors = last.sector;
  if (heads > 16 || sectors == 0 || first.sector == 0) return {};
  const auto number = [&](const Chs& at) { return (u64{at.cylinder} * heads + at.head) * sectors + at.sector - 1; };
  if (number(first) != first_lba || number(last) != u64{first_lba} + count - 1) return {};
  return translation(capacity, heads, sectors);
}

}  // namespace

std::optional<AtaGeometry> translation(u64 capacity, u32 heads, u32 sectors) {
  if (heads == 0 || sectors == 0) return {};
  const u64 cylinders = std::min<u64>(capacity / (u64{heads} * sectors), 65535);
  if (cylinders == 0) return {};
  return AtaGeometry{static_cast<u32>(cylinders), heads, sectors};
}

AtaGeometry geometry_of(BlockDevice& medium) {
  const u64 capacity = medium.bytes() / 512;
  std::array<u8, 512> mbr{};
  if (medium.read(0, mbr) && mbr[510] == 0x55 && mbr[511] == 0xAA) {
    for (std::size_t entry = 0x1BE; entry < 0x1FE; entry += 16)
      if (const auto found = geometry_behind(&mbr[entry], capacity)) {
        AtaGeometry geometry = *found;
        geometry.cylinders = std::min(geometry.cylinders, kMostCylinders);
        return geometry;
      }
  }
  AtaGeometry geometry;
  geometry.cylinders = static_cast<u32>(std::clamp<u64>(capacity / (16 * 63), 1, kMostCylinders));
  return geometry;
}

}  // namespace penumbra
