// The DISPI registers of Bochs VBE: an index at port 1CEh, data at 1CFh, and linear or planar modes of free size.
// Source: Bochs' VBE_DISPI interface as its documentation and that of QEMU's "standard VGA" describe it.
#pragma once

#include "core/base/state.h"
#include "core/base/types.h"

namespace penumbra {

enum class DispiIndex : u16 {
  id,
  xres,
  yres,
  bpp,
  enable,
  bank,
  virt_width,
  virt_height,
  x_offset,
  y_offset,
  video_memory_64k,
};

class VbeDispi {
 public:
  static constexpr u16 kFirstId = 0xB0C0;
  static constexpr u16 kLastId = 0xB0C5;
  static constexpr u16 kMaxWidth = 2560;
  static constexpr u16 kMaxHeight = 1600;
  static constexpr u16 kMaxBpp = 32;
  static constexpr u16 kEnabled = 0x01;
  static constexpr u16 kGetCaps = 0x02;
  static constexpr u16 kEightBitDac = 0x20;
  static constexpr u16 kLinearFrameBuffer = 0x40;
  static constexpr u16 kNoClear = 0x80;

  explicit VbeDispi(u32 memory_bytes) : memory_bytes_(memory_bytes) {}

  void reset();
  void visit(State& state);

  u16 index() const { return index_; }
  void select(u16 index) { index_ = index; }
  u16 read(u16 index) const;
  // True if a mode was set that wants its memory cleared; the owner clears `picture_bytes()` from the start.
  bool write(u16 index, u16 value);

  bool enabled() const { return enable_ & kEnabled; }
  // Planes and latches instead of a frame buffer.
  bool planar() const { return bpp_ == 4; }
  bool eight_bit_dac() const { return enable_ & kEightBitDac; }
  // In bytes of the window's view: of the frame buffer, or of a plane.
  u32 bank_offset() const { return enabled() ? u32{bank_} << 16 : 0; }

  // The mode as it is shown, whatever was written: 1 to kMaxWidth by 1 to kMaxHeight, and inside memory from `start`
  // (a byte offset; in planar modes a plane offset) over `height` rows of `pitch` bytes.
  struct Mode {
    u32 width;
    u32 height;
    u32 bpp;
    u32 pitch;
    u32 start;
    u32 pan;  // in planar modes, pixels to leave out at the left
    bool operator==(const Mode&) const = default;
  };
  Mode mode() const;
  // Of one picture from the start of memory.
  u32 picture_bytes() const;

 private:
  // Bytes from one row to the next, in the whole of memory (planar rows count all planes).
  u32 pitch_of(u32 pixels) const;
  void set_mode();
  void fit();

  u32 memory_bytes_;
  u16 index_ = 0;
  u16 id_ = kLastId;
  u16 xres_ = 0;
  u16 yres_ = 0;
  u16 bpp_ = 8;
  u16 enable_ = 0;
  u16 bank_ = 0;
  u16 virt_width_ = 0;
  u16 virt_height_ = 0;
  u16 x_offset_ = 0;
  u16 y_offset_ = 0;
};

}  // namespace penumbra
