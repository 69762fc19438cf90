// What software may ask about the adapter: INT 10h functions 1Ah and 1Bh, and the tables behind BIOS data area 4A8h.
#include "vga.h"

enum { kVgaMonochrome = 0x07, kVgaColor = 0x08, kColorEntry = 8, kUnknownDisplay = 0xFF };

// The displays an installation may have, in pairs; BIOS data area 48Ah holds the index of the pair in use.
static const struct {
  u8 entries, version, highest_code, reserved;
  u8 pairs[9][2];
} combination_codes = {9, 1, 8, 0, {{0, 0}, {0, 1}, {0, 2}, {0, 4}, {0, 5}, {0, 6}, {0, 7}, {0, 7}, {0, 8}}};

// The VGA's own save pointer table: its length, then six far pointers of which the first is ours.
static const struct __attribute__((packed)) {
  u16 length;
  u32 combination_codes, second_text_font, user_palette, reserved[3];
} secondary_save_pointers = {26, ROM_POINTER(&combination_codes), 0, 0, {0, 0, 0}};

// INT 1Dh: CRTC registers of the CGA and MDA modes, for 40 columns, 80 columns, graphics and monochrome; page sizes;
// columns; mode registers (IBM PC Technical Reference, "Video I/O").
static const struct __attribute__((packed)) {
  u8 registers[4][16];
  u16 page_sizes[4];
  u8 columns[8];
  u8 modes[8];
} cga_parameters = {
    {{0x38, 0x28, 0x2D, 0x0A, 0x1F, 0x06, 0x19, 0x1C, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0},
     {0x71, 0x50, 0x5A, 0x0A, 0x1F, 0x06, 0x19, 0x1C, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0},
     {0x38, 0x28, 0x2D, 0x0A, 0x7F, 0x06, 0x64, 0x70, 0x02, 0x01, 0x06, 0x07, 0, 0, 0, 0},
     {0x61, 0x50, 0x52, 0x0F, 0x19, 0x06, 0x19, 0x19, 0x02, 0x0D, 0x0B, 0x0C, 0, 0, 0, 0}},
    {0x0800, 0x1000, 0x4000, 0x4000},
    {40, 40, 80, 80, 40, 40, 80, 80},
    {0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29},
};

// The EGA's save pointer table.
static const struct {
  u32 video_parameters, dynamic_save_area, text_font, graphics_font, secondary, reserved[2];
} save_pointers = {ROM_POINTER(video_parameters), 0, 0, 0, ROM_POINTER(&secondary_save_pointers), {0, 0}};

void install_save_pointers(void) {
  bda->save_pointers.segment = kRomSegment;
  bda->save_pointers.offset = (u16)(u32)&save_pointers;
  bda->combination = kColorEntry;
  // A system BIOS has this one at F000:F0A4.
  if (vectors[kVectorVideoParameters].segment == 0) {
    vectors[kVectorVideoParameters].segment = kRomSegment;
    vectors[kVectorVideoParameters].offset = (u16)(u32)&cga_parameters;
  }
}

// The combination code table in use: the caller may have put other save pointer tables in place.
static FarPointer combination_table(void) {
  const FarPointer nowhere = {0, 0};
  const FarPointer table = {bda->save_pointers.offset, bda->save_pointers.segment};
  if (FAR_NULL(table)) return nowhere;
  const FarPointer secondary = far_read_pointer(table.segment, table.offset + 16u);
  if (FAR_NULL(secondary)) return nowhere;
  return far_read_pointer(secondary.segment, secondary.offset + 2u);
}

static u16 table_pair(FarPointer table, u8 index) { return far_read16(table.segment, table.offset + 4u + index * 2u); }

// Active display in the low byte, the other in the high one.
static u16 display_combination(void) {
  const FarPointer table = combination_table();
  if (FAR_NULL(table) || bda->combination >= far_read8(table.segment, table.offset)) return 0xFFFF;
  const u16 pair = table_pair(table, bda->combination);
  // Of a pair, the active display is the monochrome one if the equipment word says so.
  const u8 first = (u8)pair;
  const u8 second = (u8)(pair >> 8);
  return first == 0 ? second : (u16)(first << 8 | second);
}

static void set_combination(u8 active, u8 other) {
  const FarPointer table = combination_table();
  bda->combination = kUnknownDisplay;
  if (FAR_NULL(table)) return;
  const u8 entries = far_read8(table.segment, table.offset);
  for (u8 i = 0; i < entries; ++i) {
    const u16 pair = table_pair(table, i);
    const u16 wanted = (u16)(active << 8 | other);
    const u16 swapped = (u16)(other << 8 | active);
    if (pair != wanted && pair != swapped) continue;
    bda->combination = i;
    return;
  }
}

// Function 1Ah.
void combination_functions(Frame frame) {
  if (frame->ax.l > 1) return;
  if (frame->ax.l == 0) {
    frame->bx.x = display_combination();
  } else {
    set_combination(frame->bx.l, frame->bx.h);
  }
  frame->ax.l = 0x1A;
}

// Static functionality table (PS/2 BIOS reference, INT 10h AH = 1Bh).
static const u8 functionality[16] = {
    0xFF, 0xE0, 0x0F,  // modes 0-7, 0Dh-0Fh, 10h-13h
    0,    0,    0,    0,
    0x07,     // 200, 350 and 400 scan lines in text modes
    2,    8,  // character blocks at once, and in all
    0xFF,     // all modes, grey summing, fonts, palette load, cursor emulation, EGA palette, color palette, paging
    0x0E,     // save/restore state, blinking control, display combination codes
    0,    0,
    0x2E,  // save pointer areas: dynamic save area, both font overrides, combination codes
    0,
};

static u8 scan_line_code(void) {
  const u32 lines = (bda->last_row + 1u) * bda->char_height;
  return lines <= 200 ? 0 : lines <= 350 ? 1 : lines <= 400 ? 2 : 3;
}

static u16 color_count(void) {
  switch (memory_model()) {
    case kText: return bda->mode == 7 ? 0 : 16;
    case kCga: return bda->mode == 6 ? 2 : 4;
    case kPlanar: return bda->mode == 0x0F ? 0 : bda->mode == 0x11 ? 2 : 16;
    case kVbePlanar: return 16;
    default: return 256;
  }
}

// Function 1Bh: 64 bytes at ES:DI.
void state_table(Frame frame) {
  if (frame->bx.x != 0) return;
  const u32 to = frame->di.x;
  set_es(frame->es);
  es_fill8(to, 0, 64);
  es_write16(to, (u16)(u32)functionality);
  es_write16(to + 2, kRomSegment);
  const __seg_gs u8* const video_data = (const __seg_gs u8*)0x449;
  for (u32 i = 0; i < 30; ++i) es_write8(to + 4 + i, video_data[i]);  // 449h-466h
  es_write8(to + 0x22, bda->last_row + 1);
  es_write16(to + 0x23, bda->char_height);
  const u16 combination = display_combination();
  const u16 colors = color_count();
  const u8 text_map = in_indexed(kSequencerPort, 3);
  const u8 blinking = attribute_read(0x10) & 8 ? 0x20 : 0;
  const u8 flags = bda->flags;
  set_es(frame->es);
  es_write16(to + 0x25, combination);
  es_write16(to + 0x27, colors);
  es_write8(to + 0x29, mode_page_count(bda->mode));
  es_write8(to + 0x2A, scan_line_code());
  es_write8(to + 0x2B, (u8)((text_map & 3) | (text_map >> 2 & 4)));
  es_write8(to + 0x2C, (u8)((text_map >> 2 & 3) | (text_map >> 3 & 4)));
  es_write8(to + 0x2D,
            (u8)(0x01 | (flags & kFlagGreySumming) | (flags & kFlagMonochromeDisplay) | (flags & kFlagNoPaletteLoad) |
                 (bda->control & kControlNoCursorEmulation ? 0 : 0x10) | blinking));
  es_write8(to + 0x31, 3);     // 256 KiB
  es_write8(to + 0x32, 0x20);  // combination codes are in use
  frame->ax.l = 0x1B;
}
