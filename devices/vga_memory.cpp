// The graphics controller's data path, four planes at a time in one 32-bit word.
#include "devices/vga_memory.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace penumbra {

namespace {

// FFh in the byte of each plane whose bit is set.
constexpr std::array<u32, 16> kPlaneBytes = [] {
  std::array<u32, 16> table{};
  for (u32 planes = 0; planes < 16; ++planes)
    for (u32 plane = 0; plane < 4; ++plane)
      if (planes >> plane & 1) table[planes] |= 0xFFu << 8 * plane;
  return table;
}();

constexpr u32 to_all_planes(u8 value) { return value * 0x01010101u; }

}  // namespace

void VgaMemory::clear() { std::memset(&bytes_[0], 0, kBytes); }

void VgaMemory::visit(State& state) {
  const StateSection section(state, "memory");
  state.field("latches", latches_);
  state.blob("bytes", bytes());
}

void VgaMemory::set_planar_bank(u32 bank, u32 plane_mask) {
  bank_ = bank;
  plane_mask_ = plane_mask;
}

u32 VgaMemory::odd_even_offset(u32 address) const {
  const u8 miscellaneous = registers_.graphics(GraphicsIndex::miscellaneous);
  if (!(miscellaneous & 0x02)) return address;  // not chained: bit 0 stays in the address
  // Chained, a higher bit takes its place: A16 where 128 KiB are mapped, otherwise the page bit of Misc Output.
  const bool maps_128k = (miscellaneous & 0x0C) == 0;
  const u32 bit_0 = maps_128k ? address >> 16 & 1 : ~registers_.misc_output() >> 5 & 1;
  return (address & ~1u) | bit_0;
}

VgaMemory::Target VgaMemory::write_target(u32 address) const {
  const u8 map_mask = registers_.sequencer(SequencerIndex::map_mask) & 0x0F;
  u32 offset = address;
  u32 planes = map_mask;
  if (registers_.chain_4()) {
    offset = address & ~3u;
    planes &= 1u << (address & 3);
  } else if (!(registers_.sequencer(SequencerIndex::memory_mode) & 0x04)) {
    offset = odd_even_offset(address);
    planes &= address & 1 ? 0b1010 : 0b0101;
  }
  return {(bank_ + offset) & plane_mask_, static_cast<u8>(planes)};
}

VgaMemory::Target VgaMemory::read_target(u32 address) const {
  u32 offset = address;
  u32 plane = registers_.graphics(GraphicsIndex::read_map_select) & 3u;
  if (registers_.chain_4()) {
    offset = address & ~3u;
    plane = address & 3;
  } else if (registers_.graphics(GraphicsIndex::graphics_mode) & 0x10) {
    offset = odd_even_offset(address);
    plane = (plane & 2) | (address & 1);
  }
  return {(bank_ + offset) & plane_mask_, static_cast<u8>(plane)};
}

u8 VgaMemory::color_compare() const {
  const u32 compare = kPlaneBytes[registers_.graphics(GraphicsIndex::color_compare) & 0x0F];
  const u32 care = kPlaneBytes[registers_.graphics(GraphicsIndex::color_dont_care) & 0x0F];
  const u32 differs = (latches_ ^ compare) & care;
  return static_cast<u8>(~(differs | differs >> 8 | differs >> 16 | differs >> 24));
}

u8 VgaMemory::read_planar(u32 address) {
  const Target target = read_target(address);
  latches_ = planes(target.offset);
  if (registers_.graphics(GraphicsIndex::graphics_mode) & 0x08) return color_compare();
  return static_cast<u8>(latches_ >> 8 * target.planes);
}

u32 VgaMemory::written_planes(u8 value) const {
  const u8 mode = registers_.graphics(GraphicsIndex::graphics_mode) & 3;
  if (mode == 1) return latches_;

  const u32 set_reset = kPlaneBytes[registers_.graphics(GraphicsIndex::set_reset) & 0x0F];
  const u8 rotate = registers_.graphics(GraphicsIndex::data_rotate);
  const u8 rotated = std::rotr(value, rotate & 7);
  u8 bit_mask = registers_.graphics(GraphicsIndex::bit_mask);
  u32 data = 0;
  switch (mode) {
    case 0: {
      const u32 enabled = kPlaneBytes[registers_.graphics(GraphicsIndex::enable_set_reset) & 0x0F];
      data = (to_all_planes(rotated) & ~enabled) | (set_reset & enabled);
      break;
    }
    case 2: data = kPlaneBytes[value & 0x0F]; break;
    default:
      data = set_reset;
      bit_mask &= rotated;
      break;
  }
  switch (rotate >> 3 & 3) {
    case 1: data &= latches_; break;
    case 2: data |= latches_; break;
    case 3: data ^= latches_; break;
    default: break;
  }
  const u32 mask = to_all_planes(bit_mask);
  return (data & mask) | (latches_ & ~mask);
}

void VgaMemory::write_planar(u32 address, u8 value) {
  const Target target = write_target(address);
  const u32 mask = kPlaneBytes[target.planes];
  u8* at = &bytes_[4 * target.offset];
  store(at, (load<u32>(at) & ~mask) | (written_planes(value) & mask));
}

u32 VgaMemory::read_linear(u32 address, Width width) const {
  u32 value = 0;
  for (unsigned i = 0; i < bytes_of(width); ++i) value |= u32{bytes_[(address + i) % kBytes]} << 8 * i;
  return value;
}

void VgaMemory::write_linear(u32 address, Width width, u32 value) {
  for (unsigned i = 0; i < bytes_of(width); ++i) bytes_[(address + i) % kBytes] = static_cast<u8>(value >> 8 * i);
}

}  // namespace penumbra
