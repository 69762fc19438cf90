// Video memory and the graphics controller's data path: latches, write modes 0-3, read modes 0-1, and how a CPU
// address becomes planes and an offset. Source: IBM PS/2 Hardware Interface Technical Reference, "Graphics Controller"
// and "Sequencer, Memory Mode Register".
#pragma once

#include <span>

#include "core/base/state.h"
#include "core/base/types.h"
#include "core/platform/port_bus.h"
#include "devices/vga_registers.h"
#include "mmu/guest_memory.h"

namespace penumbra {

// One array of bytes seen in two ways: linear, as a frame buffer; and as four planes, of which offset o of plane p is
// byte 4 * o + p, so that a latch is one aligned 32-bit load.
class VgaMemory {
 public:
  static constexpr u32 kBytes = 16u << 20;
  // A plane of the VGA proper, and of the planar DISPI modes.
  static constexpr u32 kPlaneMask = 0xFFFF;
  static constexpr u32 kLargePlaneMask = kBytes / 4 - 1;

  explicit VgaMemory(const VgaRegisters& registers) : registers_(registers), bytes_(kBytes) {}

  void reset() { latches_ = 0; }
  void clear();
  void visit(State& state);

  std::span<u8> bytes() const { return {&bytes_[0], kBytes}; }
  const u8* data() const { return &bytes_[0]; }
  // The four planes' bytes at an offset, plane 0 lowest. Any offset: it wraps at the size of memory.
  u32 planes(u32 offset) const { return load<u32>(&bytes_[4 * (offset & kLargePlaneMask)]); }
  u8 plane_byte(unsigned plane, u32 offset) const { return bytes_[4 * (offset & kLargePlaneMask) + plane]; }
  u32 latches() const { return latches_; }

  // The CPU's view through the planes; `address` counts from the window's first byte and wraps at the plane's size.
  // `bank` and `plane_mask` are those of the DISPI's planar modes; bank is a plane offset.
  u8 read_planar(u32 address);
  void write_planar(u32 address, u8 value);
  void set_planar_bank(u32 bank, u32 plane_mask);

  // The CPU's view as a frame buffer: little-endian, wrapping at the end of memory.
  u32 read_linear(u32 address, Width width) const;
  void write_linear(u32 address, Width width, u32 value);

 private:
  struct Target {
    u32 offset;
    u8 planes;  // a bit each
  };
  // Bit 0 of the offset in the odd/even modes, where the address's own bit 0 selects the planes.
  u32 odd_even_offset(u32 address) const;
  Target write_target(u32 address) const;
  Target read_target(u32 address) const;
  // What the write modes make of a byte from the CPU: the four planes' new bytes.
  u32 written_planes(u8 value) const;
  u8 color_compare() const;

  const VgaRegisters& registers_;
  HostPages<u8> bytes_;
  u32 latches_ = 0;
  u32 bank_ = 0;  // follows from the DISPI's registers, as does the mask
  u32 plane_mask_ = kPlaneMask;
};

}  // namespace penumbra
