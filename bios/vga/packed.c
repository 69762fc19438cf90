// Pixels in memory of whole bytes: mode 13h, and VBE modes of 8 to 32 bits a pixel through the 64 KiB window at A000h.
#include "vga.h"

static bool vbe_mode(void) { return bda->mode == kModeVbeGraphics; }
static u8 depth(void) { return vbe_mode() ? (u8)dispi_read(kDispiDepth) : 8; }
static u32 pixel_bytes(u8 bits) { return (bits + 7u) / 8; }
static u32 pitch(u8 bits) { return vbe_mode() ? dispi_read(kDispiVirtualWidth) * pixel_bytes(bits) : 320; }

static void select_bank(u32 offset) {
  if (vbe_mode()) dispi_select_bank((u16)(offset >> 16));
}

// A color number as a pixel: the number itself in 8-bit modes, else one of the 16 standard colors.
static u32 pixel_value(u8 color, u8 bits) {
  if (bits == 8) return color;
  const u32 low = color & 8 ? 0x55 : 0;
  u32 red = (color & 4 ? 0xAA : 0) + low;
  u32 green = (color & 2 ? 0xAA : 0) + low;
  u32 blue = (color & 1 ? 0xAA : 0) + low;
  if ((color & 15) == 6) green = 0x55;
  if (bits == 15) return red >> 3 << 10 | green >> 3 << 5 | blue >> 3;
  if (bits == 16) return red >> 3 << 11 | green >> 2 << 5 | blue >> 3;
  return red << 16 | green << 8 | blue;
}

static u32 put_pixel(u32 offset, u32 value, u32 bytes, bool exclusive_or) {
  for (; bytes > 0; --bytes) {
    if ((u16)offset == 0) select_bank(offset);
    es_write8(offset, exclusive_or ? es_read8(offset) ^ (u8)value : (u8)value);
    value >>= 8;
    ++offset;
  }
  return offset;
}

static u32 begin(u32 x, u32 y, u8 bits) {
  const u32 offset = y * pitch(bits) + x * pixel_bytes(bits);
  set_es(0xA000);
  select_bank(offset);
  return offset;
}

// Whether a piece of memory lies within one window position.
static bool in_one_bank(u32 offset, u32 length) { return (u16)offset + length <= 0x10000; }

// Four pixels of a byte each, FFh where the bit is set, leftmost in the lowest byte.
static u32 four_pixels(u8 bits) {
  static const u8 spread[4][2] = {{0x00, 0x00}, {0x00, 0xFF}, {0xFF, 0x00}, {0xFF, 0xFF}};
  const u8* const left = spread[bits >> 2 & 3];
  const u8* const right = spread[bits & 3];
  return left[0] | left[1] << 8 | right[0] << 16 | (u32)right[1] << 24;
}

static void draw_row(u32 offset, u8 row, u32 ink, u32 bytes, bool exclusive_or) {
  if (exclusive_or || bytes == 3 || !in_one_bank(offset, 8 * bytes)) {
    for (u8 mask = 0x80; mask; mask >>= 1) offset = put_pixel(offset, row & mask ? ink : 0, bytes, exclusive_or);
  } else if (bytes == 1) {
    ink *= 0x01010101;
    es_write32(offset, four_pixels(row >> 4) & ink);
    es_write32(offset + 4, four_pixels(row & 15) & ink);
  } else {
    for (u8 mask = 0x80; mask; mask >>= 1, offset += bytes) {
      const u32 pixel = row & mask ? ink : 0;
      if (bytes == 2) {
        es_write16(offset, (u16)pixel);
      } else {
        es_write32(offset, pixel);
      }
    }
  }
}

// Draws a glyph of `height` rows, one byte each, at a far pointer.
void packed_draw_glyph(u32 x, u32 y, FarPointer glyph, u32 height, u8 color, bool exclusive_or) {
  const u8 bits = depth();
  const u32 bytes = pixel_bytes(bits);
  const u32 line = pitch(bits);
  const u32 ink = pixel_value(exclusive_or ? color & 0x7F : color, bits);
  u32 offset = y * line + x * bytes;
  set_es(0xA000);
  for (; height > 0; --height, offset += line) {
    select_bank(offset);
    draw_row(offset, far_read8(glyph.segment, glyph.offset++), ink, bytes, exclusive_or);
  }
}

u8 packed_read_row(u32 x, u32 y) {
  const u8 bits = depth();
  const u32 bytes = pixel_bytes(bits);
  u32 offset = begin(x, y, bits);
  u8 row = 0;
  for (u8 mask = 0x80; mask; mask >>= 1) {
    for (u32 i = 0; i < bytes; ++i, ++offset) {
      if ((u16)offset == 0) select_bank(offset);
      if (es_read8(offset)) row |= mask;
    }
  }
  return row;
}

// `width` is a multiple of 8, so that every depth but 24 fills whole doublewords.
void packed_fill(u32 x, u32 y, u32 width, u8 color) {
  const u8 bits = depth();
  const u32 bytes = pixel_bytes(bits);
  u32 ink = pixel_value(color, bits);
  u32 offset = begin(x, y, bits);
  if (bytes == 3 || !in_one_bank(offset, width * bytes)) {
    for (; width > 0; --width) offset = put_pixel(offset, ink, bytes, false);
    return;
  }
  if (bytes == 1) ink *= 0x01010101;
  if (bytes == 2) ink |= ink << 16;
  es_fill32(offset, ink, width * bytes / 4);
}

static u32 smaller(u32 a, u32 b) { return a < b ? a : b; }

// Copies 32 bytes from one bank to another: there is one window for reading and writing.
static void move_across_banks(u32 to, u32 from) {
  select_bank(from);
  const u32 a = es_read32(from), b = es_read32(from + 4), c = es_read32(from + 8), d = es_read32(from + 12);
  const u32 e = es_read32(from + 16), f = es_read32(from + 20), g = es_read32(from + 24), h = es_read32(from + 28);
  select_bank(to);
  es_write32(to, a);
  es_write32(to + 4, b);
  es_write32(to + 8, c);
  es_write32(to + 12, d);
  es_write32(to + 16, e);
  es_write32(to + 20, f);
  es_write32(to + 24, g);
  es_write32(to + 28, h);
}

void packed_move(u32 to_y, u32 from_y, u32 x, u32 width) {
  const u8 bits = depth();
  u32 length = width * pixel_bytes(bits);
  u32 from = begin(x, from_y, bits);
  u32 to = from + (to_y - from_y) * pitch(bits);
  while (length > 0) {
    // What is left of both windows bounds a step.
    u32 step = smaller(length, smaller(0x10000 - (u16)from, 0x10000 - (u16)to));
    if (from >> 16 == to >> 16) {
      select_bank(from);
      es_move32(to, from, step / 4);
      es_move8(to + (step & ~3u), from + (step & ~3u), step & 3);
    } else if (step >= 32) {
      step = 32;
      move_across_banks(to, from);
    } else {
      step = 1;
      select_bank(from);
      const u8 value = es_read8(from);
      select_bank(to);
      es_write8(to, value);
    }
    from += step;
    to += step;
    length -= step;
  }
}

void packed_write_pixel(u32 x, u32 y, u8 color) {
  const u8 bits = depth();
  put_pixel(begin(x, y, bits), pixel_value(color, bits), pixel_bytes(bits), false);
}

u8 packed_read_pixel(u32 x, u32 y) {
  begin(x, y, depth());
  return es_read8(y * pitch(depth()) + x * pixel_bytes(depth()));
}
