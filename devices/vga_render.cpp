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

// A pixel of 15 or 16 bits is the sum of what its two bytes give.
struct HighColor {
  std::array<u32, 256> low;
  std::array<u32, 256> high;
  u32 operator()(const u8* pixel) const { return low[pixel[0]] | high[pixel[1]]; }
};

// Five or six bits spread over eight, so that all ones become FFh.
constexpr u32 from_555(u32 p) {
  const u32 r = p >> 10 & 31, g = p >> 5 & 31, b = p & 31;
  return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

constexpr u32 from_565(u32 p) {
  const u32 r = p >> 11 & 31, g = p >> 5 & 63, b = p & 31;
  return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
}

constexpr HighColor high_color(u32 (*from)(u32)) {
  HighColor table{};
  for (u32 i = 0; i < 256; ++i) {
    table.low[i] = from(i);
    table.high[i] = from(i << 8);
  }
  return table;
}

constexpr HighColor k555 = high_color(from_555);
constexpr HighColor k565 = high_color(from_565);

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

VgaRenderer::Look VgaRenderer::look(VgaBlink blink) const {
  Look l;
  l.dispi = dispi_.enabled();
  if (l.dispi)
    l.mode = dispi_.mode();
  else
    l.registers = registers_;
  // In graphics modes there is no cursor, and blinking pixels lose bit 3 half of the time.
  const bool graphics = l.dispi || registers_.graphics_mode();
  const bool blinks = !l.dispi && registers_.attribute(AttributeIndex::mode_control) & 0x08;
  l.blink = {.cursor = blink.cursor || graphics, .characters = blink.characters || !blinks};
  const bool dims = graphics && !l.blink.characters;
  for (unsigned i = 0; i < 256; ++i) l.colors_256[i] = palette_.color(static_cast<u8>(i));
  for (u8 i = 0; i < 16; ++i) l.colors_16[i] = l.colors_256[registers_.dac_index(dims ? i & 7 : i)];
  return l;
}

bool VgaRenderer::draw(Picture& picture, VgaBlink blink) {
  const bool resized = resize(picture, size());
  const Look now = look(blink);
  const bool known = !resized && picture.drawing == drawing_ && picture.pixels.data() == pixels_ && now == look_;
  look_ = now;
  const bool changed = look_.dispi ? draw_dispi(picture, known) : draw_vga(picture, known);
  picture.drawing = ++drawing_;
  pixels_ = picture.pixels.data();
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
  picture.drawing = 0;
  return resized || !same;
}

bool VgaRenderer::draw_vga(Picture& picture, bool known) {
  constexpr std::size_t memory_bytes = 4 * (VgaMemory::kPlaneMask + 1);
  if (known && std::memcmp(seen_.data(), memory_.data(), memory_bytes) == 0) return false;
  seen_.assign(memory_.data(), memory_.data() + memory_bytes);
  const VgaGeometry g = registers_.geometry();
  const bool graphics = registers_.graphics_mode();
  const u32 cell = graphics ? 8 : g.dots_per_character;
  const u32 characters = picture.width / (cell * g.dot_repeat) + 1;  // one more, to pan into view
  const VgaAddressing addressing(registers_);
  const VgaTextPainter painter(registers_, memory_, look_.colors_16, look_.blink);
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
        to[dot] = to[dot + 1] = look_.colors_256[(pixels >> 8 * dot & 0x0F) << 4 | (pixels >> 8 * (dot + 1) & 0x0F)];
    } else {
      for (unsigned dot = 0; dot < 8; ++dot) to[dot] = look_.colors_16[pixels >> 8 * dot & 0x0F];
    }
  }
}

bool VgaRenderer::draw_dispi(Picture& picture, bool known) {
  const VbeDispi::Mode& mode = look_.mode;
  const bool planar = mode.bpp == 4;
  const u32 characters = (mode.width + 7) / 8 + 1;  // of a planar line, with one to pan into view
  const std::size_t row_bytes = planar ? 4 * characters : mode.width * ((mode.bpp + 7) / 8);
  seen_.resize(row_bytes * mode.height);
  bool changed = false;
  for (u32 y = 0; y < mode.height; ++y) {
    const u32 start = mode.start + y * mode.pitch;
    const std::size_t first = planar ? 4 * std::size_t{start} : start;
    const std::size_t bytes = std::min<std::size_t>(row_bytes, VgaMemory::kBytes - first);
    u8* seen = seen_.data() + row_bytes * y;
    if (known && std::memcmp(seen, memory_.data() + first, bytes) == 0) continue;
    std::memcpy(seen, memory_.data() + first, bytes);
    u32* line = line_.data();
    if (planar) {
      planar_line(start, characters, line);
      line += mode.pan;
    } else {
      packed_line(mode, seen, line);
    }
    changed |= put_line(picture, y, line);
  }
  return changed;
}

void VgaRenderer::planar_line(u32 offset, u32 characters, u32* to) const {
  for (u32 i = 0; i < characters; ++i, to += 8) {
    const u64 pixels = planar_pixels(memory_.planes(offset + i));
    for (unsigned dot = 0; dot < 8; ++dot) to[dot] = look_.colors_16[pixels >> 8 * dot & 0x0F];
  }
}

void VgaRenderer::packed_line(const VbeDispi::Mode& mode, const u8* from, u32* to) const {
  const u32 width = mode.width;
  switch (mode.bpp) {
    case 15:
      for (u32 x = 0; x < width; ++x) to[x] = k555(from + 2 * x);
      break;
    case 16:
      for (u32 x = 0; x < width; ++x) to[x] = k565(from + 2 * x);
      break;
    case 24:
      for (u32 x = 0; x < width; ++x) to[x] = from[3 * x] | from[3 * x + 1] << 8 | from[3 * x + 2] << 16;
      break;
    case 32:
      for (u32 x = 0; x < width; ++x) to[x] = load<u32>(from + 4 * x) & 0x00FFFFFF;
      break;
    default:
      for (u32 x = 0; x < width; ++x) to[x] = look_.colors_256[from[x]];
      break;
  }
}

}  // namespace penumbra
