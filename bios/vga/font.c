// Character generators: INT 10h function 11h. Text fonts live in plane 2, 32 bytes a glyph, 8 blocks of 8 KiB.
#include "vga.h"

// Copies glyphs into a block of plane 2; the registers that decide what the CPU sees are put back afterwards.
void load_glyphs(u16 segment, u16 offset, u8 first, u16 count, u8 height, u8 block) {
  const u8 map_mask = in_indexed(kSequencerPort, 2);
  const u8 memory_mode = in_indexed(kSequencerPort, 4);
  const u8 read_map = in_indexed(kGraphicsPort, 4);
  const u8 mode = in_indexed(kGraphicsPort, 5);
  const u8 miscellaneous = in_indexed(kGraphicsPort, 6);
  out_indexed(kSequencerPort, 2, 4);
  out_indexed(kSequencerPort, 4, 7);
  out_indexed(kGraphicsPort, 4, 2);
  out_indexed(kGraphicsPort, 5, 0);
  out_indexed(kGraphicsPort, 6, 4);

  set_es(0xA000);
  if (height > 32) height = 32;
  u32 to = ((block & 3u) << 14) + ((block & 4u) << 11) + first * 32u;
  if (count > 256u - first) count = (u16)(256u - first);
  for (; count > 0; --count) {
    es_copy_far(to, segment, offset, height);
    to += 32;
    offset += height;
  }

  out_indexed(kSequencerPort, 2, map_mask);
  out_indexed(kSequencerPort, 4, memory_mode);
  out_indexed(kGraphicsPort, 4, read_map);
  out_indexed(kGraphicsPort, 5, mode);
  out_indexed(kGraphicsPort, 6, miscellaneous);
}

static u16 rom_font_offset(u8 height) {
  return (u16)(u32)(height == 16 ? font_8x16 : height == 14 ? font_8x14 : font_8x8);
}

void load_rom_font(u8 height, u8 block) {
  if (height != 16 && height != 14) height = 8;
  load_glyphs(kRomSegment, rom_font_offset(height), 0, 256, height, block);
}

// The scan lines of the text mode that is set; sync polarity says which of the three vertical timings runs.
static u32 text_lines(void) {
  const u8 polarity = in8(kMiscReadPort) >> 6;
  if (polarity == 3) return 480;
  if (polarity == 2) return 350;
  return crtc_read(9) & 0x80 ? 200 : 400;
}

// Fits rows, cursor, displayed lines and page size to a new character height (functions 10h-14h).
static void refit_screen(u8 height) {
  if (height == 0 || height > 32) return;
  const u32 rows = text_lines() / height;
  const u32 doubled = crtc_read(9) & 0x80 ? 1 : 0;
  const u32 last_line = (rows * height << doubled) - 1;
  crtc_write(9, (u8)((crtc_read(9) & 0xE0) | (height - 1)));
  if (bda->mode == 7) crtc_write(0x14, height - 1);
  crtc_write(0x12, (u8)last_line);
  const u8 overflow = crtc_read(7) & ~0x42;
  crtc_write(7, (u8)(overflow | (last_line >> 8 & 1) << 1 | (last_line >> 9 & 1) << 6));
  bda->char_height = height;
  bda->last_row = (u8)(rows - 1);
  bda->page_size = (u16)((rows * bda->columns * 2 + 0x7FF) & ~0x7FFu);
  set_cursor_shape(bda->cursor_start, bda->cursor_end);
}

static void load_text_font(Frame frame) {
  const u8 function = frame->ax.l;
  static const u8 heights[5] = {0, 14, 8, 0, 16};
  u8 height = heights[function & 0x0F];
  if (memory_model() != kText) return;
  if (height == 0) {
    height = frame->bx.h;
    load_glyphs(frame->es, frame->bp.x, frame->dx.l, frame->cx.x, height, frame->bx.l);
  } else {
    load_rom_font(height, frame->bx.l);
  }
  if (function & 0x10) refit_screen(height);
}

static void set_font_vector(u8 vector, u16 segment, u16 offset) {
  vectors[vector].offset = offset;
  vectors[vector].segment = segment;
}

// Functions 21h-24h: the font of graphics modes. BL says how many rows: 1, 2, 3 or, for 0, DL of them.
static void set_graphics_font(Frame frame) {
  static const u8 heights[3] = {14, 8, 16};
  static const u8 rows[4] = {0, 14, 25, 43};
  const u8 function = frame->ax.l;
  const u8 choice = frame->bx.l;
  u16 height = frame->cx.x;
  if (function == 0x21) {
    set_font_vector(kVectorFont, frame->es, frame->bp.x);
  } else {
    height = heights[function - 0x22];
    set_font_vector(kVectorFont, kRomSegment, rom_font_offset((u8)height));
  }
  bda->char_height = height;
  bda->last_row = (u8)((choice >= 1 && choice <= 3 ? rows[choice] : frame->dx.l) - 1);
}

// Whether a list of modes that ends with FFh has the mode that is set.
static bool lists_mode(u16 segment, u16 list) {
  for (u32 i = 0; i < 32; ++i) {
    const u8 mode = far_read8(segment, (u16)(list + i));
    if (mode == 0xFF) return false;
    if (mode == bda->mode) return true;
  }
  return false;
}

// The fonts a save pointer table gives for the mode that is set, its third pointer for text and its fourth for
// graphics.
void apply_font_override(void) {
  const FarPointer table = {bda->save_pointers.offset, bda->save_pointers.segment};
  if (FAR_NULL(table)) return;
  const bool text = memory_model() == kText;
  const FarPointer override = far_read_pointer(table.segment, (u16)(table.offset + (text ? 8 : 12)));
  const u16 segment = override.segment;
  const u16 at = override.offset;
  if (FAR_NULL(override) || !lists_mode(segment, (u16)(at + (text ? 11 : 7)))) return;
  if (text) {
    const u8 height = far_read8(segment, at);
    const FarPointer font = far_read_pointer(segment, (u16)(at + 6));
    load_glyphs(font.segment, font.offset, far_read8(segment, (u16)(at + 4)), far_read16(segment, (u16)(at + 2)),
                height, far_read8(segment, (u16)(at + 1)));
    if (height != bda->char_height) refit_screen(height);
  } else {
    const FarPointer font = far_read_pointer(segment, (u16)(at + 3));
    set_font_vector(kVectorFont, font.segment, font.offset);
    bda->last_row = far_read8(segment, at) - 1;
    bda->char_height = far_read16(segment, (u16)(at + 1));
  }
}

// An alternate set for 9-dot cells: none of our glyphs changes, so the list is empty.
static const u8 no_alternates[1] = {0};

static void font_information(Frame frame) {
  u16 segment = kRomSegment;
  u16 offset;
  switch (frame->bx.h) {
    case 0:
      segment = vectors[kVectorUpperFont].segment;
      offset = vectors[kVectorUpperFont].offset;
      break;
    case 1:
      segment = vectors[kVectorFont].segment;
      offset = vectors[kVectorFont].offset;
      break;
    case 2: offset = rom_font_offset(14); break;
    case 3: offset = rom_font_offset(8); break;
    case 4: offset = rom_font_offset(8) + 128 * 8; break;
    case 6: offset = rom_font_offset(16); break;
    case 5:
    case 7: offset = (u16)(u32)no_alternates; break;
    default: return;
  }
  frame->es = segment;
  frame->bp.x = offset;
  frame->cx.x = bda->char_height;
  frame->dx.l = bda->last_row;
}

// Function 11h.
void font_functions(Frame frame) {
  switch (frame->ax.l) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x04:
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x14: load_text_font(frame); break;
    case 0x03:
    case 0x13: out_indexed(kSequencerPort, 3, frame->bx.l); break;
    case 0x20: set_font_vector(kVectorUpperFont, frame->es, frame->bp.x); break;
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24: set_graphics_font(frame); break;
    case 0x30: font_information(frame); break;
    default: break;
  }
}
