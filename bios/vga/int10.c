// INT 10h: hands each function to its file, and sets everything up at power-on.
#include "vga.h"

void power_on(Frame frame);

static void mode_functions(Frame frame) {
  const u8 request = frame->ax.l;
  const u8 mode = request & 0x7F;
  set_mode(mode, !(request & 0x80));
  // What IBM's BIOS leaves in AL: 20h above mode 7, 3Fh for mode 6, else 30h.
  frame->ax.l = mode > 7 ? 0x20 : mode == 6 ? 0x3F : 0x30;
}

static void read_cursor(Frame frame) {
  const u8 page = frame->bx.h;
  const bool known = page < 8;
  frame->dx.h = known ? bda->cursor[page].row : 0;
  frame->dx.l = known ? bda->cursor[page].column : 0;
  frame->cx.h = bda->cursor_start;
  frame->cx.l = bda->cursor_end;
}

static void write_characters(Frame frame, bool keep_attribute) {
  const u8 page = frame->bx.h;
  if (page > 7) return;
  write_cells(page, bda->cursor[page].row, bda->cursor[page].column, frame->ax.l, frame->bx.l, frame->cx.x,
              keep_attribute);
}

static void read_character(Frame frame) {
  const u16 cell = read_cell(frame->bx.h);
  frame->ax.l = (u8)cell;
  if (memory_model() == kText) frame->ax.h = (u8)(cell >> 8);
}

static void read_mode(Frame frame) {
  frame->ax.l = bda->mode | (bda->control & kControlNoClear);
  frame->ax.h = screen_columns();
  frame->bx.h = bda->page;
}

// Function 13h. AL bit 0: leave the cursor at the end; bit 1: the string has an attribute after each character.
static void write_string(Frame frame) {
  const u8 options = frame->ax.l;
  const u8 page = frame->bx.h;
  if (options > 3 || page > 7) return;
  const u8 old_row = bda->cursor[page].row;
  const u8 old_column = bda->cursor[page].column;
  const bool attributes = options & 2;
  u16 offset = frame->bp.x;
  u8 attribute = frame->bx.l;
  set_cursor_position(page, frame->dx.h, frame->dx.l);
  for (u16 count = frame->cx.x; count > 0; --count) {
    const u16 segment = frame->es;
    const u8 character = far_read8(segment, offset++);
    if (attributes) attribute = far_read8(segment, offset++);
    write_teletype(page, character, attribute, false);
  }
  if (!(options & 1)) set_cursor_position(page, old_row, old_column);
}

void int10(Frame frame) {
  switch (frame->ax.h) {
    case 0x00: mode_functions(frame); break;
    case 0x01: set_cursor_shape(frame->cx.h, frame->cx.l); break;
    case 0x02: set_cursor_position(frame->bx.h, frame->dx.h, frame->dx.l); break;
    case 0x03: read_cursor(frame); break;
    case 0x04: frame->ax.h = 0; break;  // a VGA has no light pen
    case 0x05: select_page(frame->ax.l); break;
    case 0x06: scroll(frame->cx.x, frame->dx.x, frame->ax.l, frame->bx.h); break;
    case 0x07: scroll(frame->cx.x, frame->dx.x, -(s32)frame->ax.l, frame->bx.h); break;
    case 0x08: read_character(frame); break;
    case 0x09: write_characters(frame, false); break;
    case 0x0A: write_characters(frame, true); break;
    case 0x0B: set_cga_palette(frame->bx.h, frame->bx.l); break;
    case 0x0C: write_pixel(frame->cx.x, frame->dx.x, frame->ax.l, frame->bx.h); break;
    case 0x0D: frame->ax.l = read_pixel(frame->cx.x, frame->dx.x, frame->bx.h); break;
    case 0x0E: write_teletype(bda->page, frame->ax.l, frame->bx.l, true); break;
    case 0x0F: read_mode(frame); break;
    case 0x10: palette_functions(frame); break;
    case 0x11: font_functions(frame); break;
    case 0x12: select_functions(frame); break;
    case 0x13: write_string(frame); break;
    case 0x1A: combination_functions(frame); break;
    case 0x1B: state_table(frame); break;
    case 0x1C: state_functions(frame); break;
    case 0x4F: vbe_functions(frame); break;
    default: break;
  }
}

// Called once by the system BIOS, which has set up INT 10h as it was without a VGA: that becomes INT 42h.
void power_on(Frame frame) {
  (void)frame;
  out8(kVideoEnablePort, 1);
  vectors[kVectorOldVideo].offset = vectors[kVectorVideo].offset;
  vectors[kVectorOldVideo].segment = vectors[kVectorVideo].segment;
  static const u8 ours[] = {kVectorVideo, kVectorVgaVideo};
  for (u8 i = 0; i < sizeof(ours); ++i) {
    vectors[ours[i]].offset = (u16)(u32)int10_entry;
    vectors[ours[i]].segment = kRomSegment;
  }
  bda->control = kControlMemory256K;
  bda->switches = 0xF9;  // an enhanced color display, in the EGA's terms
  bda->flags = kFlagVgaActive | kFlag400Lines | kFlagCombinationTable;
  bda->equipment = (u16)((bda->equipment & ~0x30) | 0x20);
  install_save_pointers();
  set_mode(3, true);
}
