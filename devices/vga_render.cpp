// Pixels from memory, a scan line at a time.
#include "devices/vga_render.h"

#include <algorithm>
#include <cstring>

namespace penumbra {

namespace {

// Byte i of the result is the pixel i from the left: one bit each of a byte of plane 0.
constexpr std::array<u64, 256> kOneBitPixels = [] {
  std::array<u64, 256> table{};
  for (u64 byte = 0; byte < 256; ++byte)
    for (unsigned i = 0; i < 8; ++i) table[byte] |= (byte >> (7 - i) & 1) << 8 * i;
  return table;
}();

// Four pixels of two bits.
constexpr std::array<u32, 256> kTwoBitPixels = [] {
  std::array<u32, 256> table{};
  for (u32 byte = 0; byte < 256; ++byte)
    for (unsigned i = 0; i < 4; ++i) table[byte] |= (byte >> (6 - 2 * i) & 3) << 8 * i;
  return table;
}();

u64 planar_pixels(u32 planes) {
  return kOneBitPixels[planes & 0xFF] | kOneBitPixels[planes >> 8 & 0xFF] << 1 |
         kOneBitPixels[planes >> 16 & 0xFF] << 2 | kOneBitPixels[planes >> 24] << 3;
}

// Shift Register Mode interleaved: four pixels from planes 0 and 2, then four from planes 1 and 3.
u64 interleaved_pixels(u32 planes) {
  const u32 left = kTwoBitPixels[planes & 0xFF] | kTwoBitPixels[planes >> 16 & 0xFF] << 2;
  const u32 right = kTwoBitPixels[planes >> 8 & 0xFF] | kTwoBitPixels[planes >> 24] << 2;
  return left | u64{right} << 32;
}

// 256 Color Mode: each plane's byte as its high and its low four bits.
u64 nibble_pixels(u32 planes) {
  u64 pixels = 0;
  for (unsigned plane = 0; plane < 4; ++plane) {
    const u64 byte = planes >> 8 * plane & 0xFF;
    pixels |= (byte >> 4 | (byte & 0x0F) << 8) << 16 * plane;
  }
  return pixels;
}

void double_dots(u32* line, u32 count) {
  for (u32 i = count; i-- > 0;) line[2 * i] = line[2 * i + 1] = line[i];
}

constexpr u32 from_555(u32 p) {
  const u32 r = p >> 10 & 31, g = p >> 5 & 31, b = p & 31;
  return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

constexpr u32 from_565(u32 p) {
  const u32 r = p >> 11 & 31, g = p >> 5 & 63, b = p & 31;
  return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
}

}  // namespace

bool VgaRenderer::resize(Picture& picture, Size size) {
  const std::size_t count = std::size_t{size.width} * size.height;
  if (picture.width == size.width && picture.height == size.height && picture.pixels.size() == count) return false;
  picture.width = size.width;
  picture.height = size.height;
  picture.pixels.assign(count, 0);
  return true;
}

bool VgaRenderer::put_line(Picture& picture, u32 y, const u32* line) {
  u32* to = &picture.pixels[std::size_t{y} * picture.width];
  const std::size_t bytes = picture.width * sizeof *to;
  if (std::memcmp(to, line, bytes) == 0) return false;
  std::memcpy(to, line, bytes);
  return true;
}

VgaRenderer::Size VgaRenderer::size() const {
  if (dispi_.enabled()) {
    const VbeDispi::Mode mode = dispi_.mode();
    return {mode.width, mode.height};
  }
  const VgaGeometry g = registers_.geometry();
  const u32 dots = (registers_.graphics_mode() ? 8 : g.dots_per_character) * g.dot_repeat;
  const u32 characters = std::min(g.characters_displayed, kMaxWidth / dots);
  return {characters * dots, std::min(g.lines_displayed, kMaxHeight)};
}

void VgaRenderer::prepare(VgaBlink blink) {
  for (unsigned i = 0; i < 256; ++i) colors_256_[i] = palette_.color(static_cast<u8>(i));
  // In graphics modes blinking pixels lose bit 3 half of the time.
  const u8 mode = registers_.attribute(AttributeIndex::mode_control);
  const bool dims = registers_.graphics_mode() && mode & 0x08 && !blink.characters;
  for (u8 i = 0; i < 16; ++i) colors_16_[i] = colors_256_[registers_.dac_index(dims ? i & 7 : i)];
}

bool VgaRenderer::draw(Picture& picture, VgaBlink blink) {
  const bool resized = resize(picture, size());
  prepare(blink);
  const bool changed = dispi_.enabled() ? draw_dispi(picture) : draw_vga(picture, blink);
  return resized || changed;
}

bool VgaRenderer::draw_blank(Picture& picture) {
  Size s = size();
  // Before any mode is set there is no picture to speak of.
  if (s.width < 64 || s.height < 64) s = {720, 400};
  const bool resized = resize(picture, s);
  const u32 color = registers_.screen_off() || dispi_.enabled()
                        ? 0
                        : palette_.color(registers_.attribute(AttributeIndex::overscan_color));
  const bool same = std::all_of(picture.pixels.begin(), picture.pixels.end(), [&](u32 p) { return p == color; });
  if (!same) std::fill(picture.pixels.begin(), picture.pixels.end(), color);
  return resized || !same;
}

bool VgaRenderer::draw_vga(Picture& picture, VgaBlink blink) {
  const VgaGeometry g = registers_.geometry();
  const bool graphics = registers_.graphics_mode();
  const u32 cell = graphics ? 8 : g.dots_per_character;
  const u32 characters = picture.width / (cell * g.dot_repeat) + 1;  // one more, to pan into view
  const VgaAddressing addressing(registers_);
  const VgaTextPainter painter(registers_, memory_, colors_16_, blink);
  VgaScan scan(registers_);
  bool changed = false;
  for (u32 y = 0; y < picture.height; ++y, scan.next_line()) {
    u32 pan = scan.panning();
    if (graphics) {
      graphics_line(scan, addressing, characters, line_.data());
      pan = pan < 8 ? pan : 0;
    } else {
      painter.draw(scan, characters, line_.data());
      // With nine dots, 8 is no shift, and 0 is one dot.
      pan = pan < 8 ? pan + (cell == 9 ? 1 : 0) : 0;
    }
    if (pan) std::memmove(line_.data(), line_.data() + pan, characters * cell * sizeof(u32) - pan * sizeof(u32));
    if (g.dot_repeat == 2) double_dots(line_.data(), picture.width / 2);
    changed |= put_line(picture, y, line_.data());
  }
  return changed;
}

void VgaRenderer::graphics_line(const VgaScan& scan, const VgaAddressing& addressing, u32 characters, u32* to) const {
  const u8 shift_mode = registers_.graphics(GraphicsIndex::graphics_mode) >> 5 & 3;
  const bool eight_bit_color = registers_.attribute(AttributeIndex::mode_control) & 0x40;
  for (u32 i = 0; i < characters; ++i, to += 8) {
    const u32 counter = scan.counter() + (i >> addressing.clocks_shift());
    const u32 planes = memory_.planes(addressing.offset(counter, scan.row_scan()));
    const u64 pixels = shift_mode == 0   ? planar_pixels(planes)
                       : shift_mode == 1 ? interleaved_pixels(planes)
                                         : nibble_pixels(planes);
    if (eight_bit_color) {
      // Two dots' bits make one pixel of twice the width.
      for (unsigned dot = 0; dot < 8; dot += 2)
        to[dot] = to[dot + 1] = colors_256_[(pixels >> 8 * dot & 0x0F) << 4 | (pixels >> 8 * (dot + 1) & 0x0F)];
    } else {
      for (unsigned dot = 0; dot < 8; ++dot) to[dot] = colors_16_[pixels >> 8 * dot & 0x0F];
    }
  }
}

bool VgaRenderer::draw_dispi(Picture& picture) {
  const VbeDispi::Mode mode = dispi_.mode();
  bool changed = false;
  for (u32 y = 0; y < mode.height; ++y) {
    u32* line = line_.data();
    if (mode.bpp == 4) {
      planar_line(mode.start + y * mode.pitch, (mode.width + 7) / 8 + 1, line);
      line += mode.pan;
    } else {
      packed_line(mode, y, line);
    }
    changed |= put_line(picture, y, line);
  }
  return changed;
}

void VgaRenderer::planar_line(u32 offset, u32 characters, u32* to) const {
  for (u32 i = 0; i < characters; ++i, to += 8) {
    const u64 pixels = planar_pixels(memory_.planes(offset + i));
    for (unsigned dot = 0; dot < 8; ++dot) to[dot] = colors_16_[pixels >> 8 * dot & 0x0F];
  }
}

void VgaRenderer::packed_line(const VbeDispi::Mode& mode, u32 y, u32* to) const {
  const u8* from = memory_.data() + mode.start + std::size_t{y} * mode.pitch;
  const u32 width = mode.width;
  switch (mode.bpp) {
    case 15:
      for (u32 x = 0; x < width; ++x) to[x] = from_555(load<u16>(from + 2 * x));
      break;
    case 16:
      for (u32 x = 0; x < width; ++x) to[x] = from_565(load<u16>(from + 2 * x));
      break;
    case 24:
      for (u32 x = 0; x < width; ++x) to[x] = from[3 * x] | from[3 * x + 1] << 8 | from[3 * x + 2] << 16;
      break;
    case 32:
      for (u32 x = 0; x < width; ++x) to[x] = load<u32>(from + 4 * x) & 0x00FFFFFF;
      break;
    default:
      for (u32 x = 0; x < width; ++x) to[x] = colors_256_[from[x]];
      break;
  }
}

}  // namespace penumbra
