// The picture that registers, palette and memory make: text, planar, CGA-like and 256-colour modes as the CRTC and the
// attribute controller walk through them, and the DISPI's frame buffers.
#pragma once

#include <array>
#include <vector>

#include "core/platform/display.h"
#include "devices/vga_memory.h"
#include "devices/vga_palette.h"
#include "devices/vga_registers.h"
#include "devices/vga_scan.h"
#include "devices/vga_text.h"
#include "devices/vga_vbe.h"

namespace penumbra {

class VgaRenderer {
 public:
  // A picture is never larger than this, whatever the registers say.
  static constexpr u32 kMaxWidth = VbeDispi::kMaxWidth;
  static constexpr u32 kMaxHeight = VbeDispi::kMaxHeight;

  VgaRenderer(const VgaRegisters& registers, const VgaPalette& palette, const VgaMemory& memory, const VbeDispi& dispi)
      : registers_(registers), palette_(palette), memory_(memory), dispi_(dispi) {}

  // Both leave the whole picture as it should be and are true if that changed it. What memory and registers made the
  // last time is not made again, as long as the same picture is given.
  bool draw(Picture& picture, VgaBlink blink);
  bool draw_blank(Picture& picture);

 private:
  struct Size {
    u32 width;
    u32 height;
  };
  // Everything but memory that a picture is made from.
  struct Look {
    bool dispi = false;
    VgaRegisters registers;    // as after construction in the DISPI's modes
    VbeDispi::Mode mode = {};  // of the DISPI
    VgaBlink blink = {};
    std::array<u32, 16> colors_16{};
    std::array<u32, 256> colors_256{};
    bool operator==(const Look&) const = default;
  };
  Look look(VgaBlink blink) const;
  Size size() const;
  // With `known`, memory that is as it was needs no drawing.
  bool draw_vga(Picture& picture, bool known);
  bool draw_dispi(Picture& picture, bool known);

  // A scan line of graphics: 8 pixels for each of so many character clocks.
  void graphics_line(const VgaScan& scan, const VgaAddressing& addressing, u32 characters, u32* to) const;
  void planar_line(u32 offset, u32 characters, u32* to) const;
  void packed_line(const VbeDispi::Mode& mode, const u8* from, u32* to) const;

  static bool resize(Picture& picture, Size size);
  // Copies a finished line into the picture; true if it differed.
  static bool put_line(Picture& picture, u32 y, const u32* line);

  const VgaRegisters& registers_;
  const VgaPalette& palette_;
  const VgaMemory& memory_;
  const VbeDispi& dispi_;

  // What was drawn last, and where: a cache of no consequence.
  Look look_;
  std::vector<u8> seen_;  // the memory it was drawn from
  const u32* pixels_ = nullptr;
  u64 drawing_ = reinterpret_cast<std::uintptr_t>(this) << 16;  // no other adapter's

  std::vector<u32> line_ = std::vector<u32>(kMaxWidth + 64);
};

}  // namespace penumbra
