// Glyphs, pixels and scan lines in CGA and planar graphics modes; 8 bits a pixel and more are passed on to packed.c.
#include "vga.h"

enum { kBitMask = 8, kFunction = 3, kModeRegister = 5, kEnableSetReset = 1, kReadMap = 4, kMapMask = 2 };

// Bytes from one scan line to the next in a planar mode, in each plane.
static u32 planar_pitch(MemoryModel model) {
  return model == kVbePlanar ? dispi_read(kDispiVirtualWidth) / 8u : bda->columns;
}

// Selects the window that holds a plane offset; returns the offset in segment A000h.
static u32 planar_window(MemoryModel model, u32 offset) {
  set_es(0xA000);
  if (model == kVbePlanar) dispi_select_bank((u16)(offset >> 16));
  return (u16)offset;
}

static u32 planar_offset(MemoryModel model, u32 y, u32 byte, u8 page) {
  return planar_window(model, page * bda->page_size + y * planar_pitch(model) + byte);
}

// CGA memory holds even scan lines first, odd ones 2000h later.
static u32 cga_offset(u32 y) {
  set_es(0xB800);
  return (y >> 1) * 80 + (y & 1) * 0x2000;
}

// Two bits for each bit of a glyph row, leftmost first: an all-ones pixel where the bit is set.
static u16 widen(u8 bits) {
  u16 wide = 0;
  for (u8 mask = 0x80; mask; mask >>= 1) wide = (u16)(wide << 2 | (bits & mask ? 3 : 0));
  return wide;
}

// Where a character's glyph is: INT 43h's font, but INT 1Fh's for the upper half in CGA modes.
static FarPointer glyph_of(u8 character) {
  const u8 mode = bda->mode;
  const bool upper = mode >= 4 && mode <= 6 && character >= 128;
  const u8 vector = upper ? kVectorUpperFont : kVectorFont;
  const u32 glyph = upper ? character - 128u : character;
  const FarPointer pointer = {(u16)(vectors[vector].offset + glyph * bda->char_height), vectors[vector].segment};
  return pointer;
}

static void cga_draw_row(u32 column, u32 y, u8 bits, u8 color) {
  u32 offset = cga_offset(y);
  if (bda->mode == 6) {
    offset += column;
    const u8 ink = color & 1 ? bits : 0;
    es_write8(offset, color & 0x80 ? es_read8(offset) ^ ink : ink);
    return;
  }
  offset += column * 2;
  const u16 ink = widen(bits) & (u16)((color & 3) * 0x5555);
  const u16 swapped = (u16)(ink << 8 | ink >> 8);
  es_write16(offset, color & 0x80 ? es_read16(offset) ^ swapped : swapped);
}

// Planes in the color take the glyph's bits, the others set/reset's zero; XOR goes through the latches instead.
static void planar_begin_glyph(u8 color) {
  if (color & 0x80) {
    out_indexed(kGraphicsPort, kFunction, 0x18);
    out_indexed(kSequencerPort, kMapMask, color & 0x0F);
  } else {
    out_indexed(kGraphicsPort, 0, 0);
    out_indexed(kGraphicsPort, kEnableSetReset, ~color & 0x0F);
    out_indexed(kSequencerPort, kMapMask, 0x0F);
  }
  out_indexed(kGraphicsPort, kModeRegister, 0);
  out_indexed(kGraphicsPort, kBitMask, 0xFF);
}

static void planar_end(void) {
  out_indexed(kGraphicsPort, kFunction, 0);
  out_indexed(kGraphicsPort, kEnableSetReset, 0);
  out_indexed(kGraphicsPort, kModeRegister, 0);
  out_indexed(kGraphicsPort, kBitMask, 0xFF);
  out_indexed(kSequencerPort, kMapMask, 0x0F);
}

static void planar_draw_glyph(MemoryModel model, u32 offset, FarPointer glyph, u32 height, u8 color) {
  const u32 pitch = planar_pitch(model);
  planar_begin_glyph(color);
  for (; height > 0; --height, offset += pitch) {
    const u32 at = planar_window(model, offset);
    es_read8(at);
    es_write8(at, far_read8(glyph.segment, glyph.offset++));
  }
  planar_end();
}

void draw_glyph(u32 row, u32 column, u8 character, u8 color, u8 page) {
  const MemoryModel model = memory_model();
  const u32 height = bda->char_height;
  const u32 top = row * height;
  const FarPointer glyph = glyph_of(character);
  if (model == kCga) {
    for (u32 line = 0; line < height; ++line) {
      cga_draw_row(column, top + line, far_read8(glyph.segment, (u16)(glyph.offset + line)), color);
    }
  } else if (model == kPlanar || model == kVbePlanar) {
    const u32 offset = page * bda->page_size + top * planar_pitch(model) + column;
    planar_draw_glyph(model, offset, glyph, height, color);
  } else {
    packed_draw_glyph(column * 8, top, glyph, height, color, model == kVbePacked && color & 0x80);
  }
}

// One row of a cell as bits: set where the pixel is not black.
static u8 read_row(MemoryModel model, u32 column, u32 y, u8 page) {
  u8 bits = 0;
  if (model == kCga) {
    const u32 line = cga_offset(y);
    if (bda->mode == 6) return es_read8(line + column);
    const u16 pixels = (u16)(es_read8(line + column * 2) << 8 | es_read8(line + column * 2 + 1));
    for (u32 shift = 0; shift < 8; ++shift) bits |= (u8)((pixels >> shift * 2 & 3 ? 1 : 0) << shift);
  } else if (model == kPlanar || model == kVbePlanar) {
    const u32 offset = planar_offset(model, y, column, page);
    for (u8 plane = 0; plane < 4; ++plane) {
      out_indexed(kGraphicsPort, kReadMap, plane);
      bits |= es_read8(offset);
    }
    out_indexed(kGraphicsPort, kReadMap, 0);
  } else {
    bits = packed_read_row(column * 8, y);
  }
  return bits;
}

// The first character whose glyph is on the screen in that cell; 0 if none is.
u8 read_glyph(u32 row, u32 column, u8 page) {
  const MemoryModel model = memory_model();
  const u32 height = bda->char_height;
  const u32 top = row * height;
  for (u32 character = 0; character < 256; ++character) {
    const FarPointer glyph = glyph_of((u8)character);
    u32 line = 0;
    while (line < height &&
           read_row(model, column, top + line, page) == far_read8(glyph.segment, (u16)(glyph.offset + line))) {
      ++line;
    }
    if (line == height) return (u8)character;
  }
  return 0;
}

// Moves part of a scan line of the displayed page; `column` and `columns` count cells of 8 pixels.
void move_line(u32 to_y, u32 from_y, u32 column, u32 columns) {
  const MemoryModel model = memory_model();
  if (model == kCga) {
    const u32 shift = bda->mode == 6 ? 0 : 1;
    es_move8(cga_offset(to_y) + (column << shift), cga_offset(from_y) + (column << shift), columns << shift);
  } else if (model == kPlanar) {
    out_indexed(kSequencerPort, kMapMask, 0x0F);
    out_indexed(kGraphicsPort, kModeRegister, 1);
    const u8 page = bda->page;
    es_move8(planar_offset(model, to_y, column, page), planar_offset(model, from_y, column, page), columns);
    out_indexed(kGraphicsPort, kModeRegister, 0);
  } else if (model == kVbePlanar) {
    out_indexed(kGraphicsPort, kModeRegister, 1);
    for (u32 i = 0; i < columns; ++i) {
      es_read8(planar_offset(model, from_y, column + i, 0));
      es_write8(planar_offset(model, to_y, column + i, 0), 0);
    }
    out_indexed(kGraphicsPort, kModeRegister, 0);
  } else {
    packed_move(to_y, from_y, column * 8, columns * 8);
  }
}

void fill_line(u32 y, u32 column, u32 columns, u8 color) {
  const MemoryModel model = memory_model();
  if (model == kCga) {
    const u32 shift = bda->mode == 6 ? 0 : 1;
    es_fill8(cga_offset(y) + (column << shift), color, columns << shift);
  } else if (model == kPlanar || model == kVbePlanar) {
    out_indexed(kSequencerPort, kMapMask, 0x0F);
    out_indexed(kGraphicsPort, 0, color & 0x0F);
    out_indexed(kGraphicsPort, kEnableSetReset, 0x0F);
    if (model == kPlanar) {
      es_fill8(planar_offset(model, y, column, bda->page), 0, columns);
    } else {
      for (u32 i = 0; i < columns; ++i) es_write8(planar_offset(model, y, column + i, 0), 0);
    }
    out_indexed(kGraphicsPort, 0, 0);
    out_indexed(kGraphicsPort, kEnableSetReset, 0);
  } else {
    packed_fill(column * 8, y, columns * 8, color);
  }
}

void write_pixel(u32 x, u32 y, u8 color, u8 page) {
  const MemoryModel model = memory_model();
  if (model == kText) return;
  if (model == kCga) {
    const bool two_colors = bda->mode == 6;
    const u32 offset = cga_offset(y) + (two_colors ? x >> 3 : x >> 2);
    const u8 shift = two_colors ? 7 - (x & 7) : 6 - (x & 3) * 2;
    const u8 mask = (u8)((two_colors ? 1 : 3) << shift);
    const u8 ink = (u8)(color << shift) & mask;
    const u8 old = es_read8(offset);
    es_write8(offset, color & 0x80 ? old ^ ink : (old & ~mask) | ink);
  } else if (model == kPlanar || model == kVbePlanar) {
    const u32 offset = planar_offset(model, y, x >> 3, page);
    out_indexed(kGraphicsPort, kBitMask, (u8)(0x80 >> (x & 7)));
    out_indexed(kGraphicsPort, kModeRegister, 2);
    out_indexed(kGraphicsPort, kFunction, color & 0x80 ? 0x18 : 0);
    out_indexed(kSequencerPort, kMapMask, 0x0F);
    es_read8(offset);
    es_write8(offset, color & 0x0F);
    planar_end();
  } else {
    packed_write_pixel(x, y, color);
  }
}

u8 read_pixel(u32 x, u32 y, u8 page) {
  const MemoryModel model = memory_model();
  if (model == kText) return 0;
  if (model == kCga) {
    if (bda->mode == 6) return es_read8(cga_offset(y) + (x >> 3)) >> (7 - (x & 7)) & 1;
    return es_read8(cga_offset(y) + (x >> 2)) >> (6 - (x & 3) * 2) & 3;
  }
  if (model == kPlanar || model == kVbePlanar) {
    const u32 offset = planar_offset(model, y, x >> 3, page);
    u8 color = 0;
    for (u8 plane = 0; plane < 4; ++plane) {
      out_indexed(kGraphicsPort, kReadMap, plane);
      color |= (u8)((es_read8(offset) >> (7 - (x & 7)) & 1) << plane);
    }
    out_indexed(kGraphicsPort, kReadMap, 0);
    return color;
  }
  return packed_read_pixel(x, y);
}
