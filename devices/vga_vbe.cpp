// DISPI registers, and the mode they amount to within the bounds of memory.
#include "devices/vga_vbe.h"

#include <algorithm>

namespace penumbra {

namespace {

constexpr bool valid_bpp(u16 bpp) { return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32; }

}  // namespace

void VbeDispi::reset() { *this = VbeDispi(memory_bytes_); }

void VbeDispi::visit(State& state) {
  const StateSection section(state, "dispi");
  state.field("index", index_);
  state.field("id", id_);
  state.field("xres", xres_);
  state.field("yres", yres_);
  state.field("bpp", bpp_);
  state.field("enable", enable_);
  state.field("bank", bank_);
  state.field("virt_width", virt_width_);
  state.field("virt_height", virt_height_);
  state.field("x_offset", x_offset_);
  state.field("y_offset", y_offset_);
  if (!valid_bpp(bpp_)) bpp_ = 8;
}

u16 VbeDispi::read(u16 index) const {
  const bool capabilities = enable_ & kGetCaps;
  switch (static_cast<DispiIndex>(index)) {
    case DispiIndex::id: return id_;
    case DispiIndex::xres: return capabilities ? kMaxWidth : xres_;
    case DispiIndex::yres: return capabilities ? kMaxHeight : yres_;
    case DispiIndex::bpp: return capabilities ? kMaxBpp : bpp_;
    case DispiIndex::enable: return enable_;
    case DispiIndex::bank: return bank_;
    case DispiIndex::virt_width: return virt_width_;
    case DispiIndex::virt_height: return virt_height_;
    case DispiIndex::x_offset: return x_offset_;
    case DispiIndex::y_offset: return y_offset_;
    case DispiIndex::video_memory_64k: return static_cast<u16>(memory_bytes_ >> 16);
  }
  return 0;
}

bool VbeDispi::write(u16 index, u16 value) {
  switch (static_cast<DispiIndex>(index)) {
    case DispiIndex::id:
      if (value >= kFirstId && value <= kLastId) id_ = value;
      return false;
    case DispiIndex::xres:
      if (value <= kMaxWidth) xres_ = value;
      break;
    case DispiIndex::yres:
      if (value <= kMaxHeight) yres_ = value;
      break;
    case DispiIndex::bpp:
      if (value == 0) value = 8;
      if (valid_bpp(value)) bpp_ = value;
      break;
    case DispiIndex::enable: {
      const bool sets_mode = value & kEnabled && !enabled();
      enable_ = value & (kEnabled | kGetCaps | kEightBitDac | kLinearFrameBuffer | kNoClear);
      if (!sets_mode) return false;
      set_mode();
      return !(value & kNoClear);
    }
    case DispiIndex::bank: bank_ = value; return false;
    case DispiIndex::virt_width: virt_width_ = value; break;
    case DispiIndex::x_offset: x_offset_ = value; return false;
    case DispiIndex::y_offset: y_offset_ = value; return false;
    case DispiIndex::virt_height:
    case DispiIndex::video_memory_64k: return false;
  }
  if (enabled()) fit();
  return false;
}

u32 VbeDispi::pitch_of(u32 pixels) const {
  // A planar row takes the same offsets in each of four planes.
  if (planar()) return (pixels + 7) / 8 * 4;
  return pixels * ((bpp_ + 7u) / 8);
}

void VbeDispi::set_mode() {
  virt_width_ = xres_;
  x_offset_ = 0;
  y_offset_ = 0;
  bank_ = 0;
  fit();
}

void VbeDispi::fit() {
  virt_width_ = std::max(virt_width_, xres_);
  if (u64{pitch_of(virt_width_)} * yres_ > memory_bytes_) virt_width_ = xres_;
  const u32 pitch = std::max(pitch_of(virt_width_), 1u);
  virt_height_ = static_cast<u16>(std::min(memory_bytes_ / pitch, 0xFFFFu));
}

VbeDispi::Mode VbeDispi::mode() const {
  Mode m;
  m.bpp = bpp_;
  m.width = std::clamp<u32>(xres_, 1, kMaxWidth);
  const u32 pitch = pitch_of(std::max<u32>(virt_width_, m.width));
  m.height = std::clamp<u32>(yres_, 1, std::min<u32>(kMaxHeight, memory_bytes_ / pitch));
  m.pan = planar() ? x_offset_ & 7 : 0;
  const u64 column = planar() ? x_offset_ / 8 * 4 : pitch_of(x_offset_);
  const u64 last_start = memory_bytes_ - u64{m.height} * pitch;
  const u64 start = std::min(u64{y_offset_} * pitch + column, last_start);
  m.start = static_cast<u32>(planar() ? start / 4 : start);
  m.pitch = planar() ? pitch / 4 : pitch;
  return m;
}

u32 VbeDispi::picture_bytes() const {
  const Mode m = mode();
  return m.height * m.pitch * (planar() ? 4 : 1);
}

}  // namespace penumbra
