// The cursor and the displayed page: INT 10h functions 01h, 02h and 05h.
#include "vga.h"

// Turns a cursor meant for the CGA's 8 scan lines (or the MDA's 14) into the same shape in a taller cell:
// a thin line keeps its distance from the edge it is near to, a block or half block is scaled.
static u16 emulated_shape(u8 start, u8 end) {
  const u8 height = (u8)bda->char_height;
  const u8 designed = bda->mode == 7 && end >= 8 ? 14 : 8;
  const bool usable = !(start & 0x60) && start <= end && end < designed && height > 8 && height != designed;
  if (usable) {
    const bool thin = end - start <= 1;
    if (thin && start >= designed / 2) {
      const s8 lower = (s8)(height - designed - (designed == 8 ? 1 : 0));
      start = (u8)(start + lower);
      end = (u8)(end + lower);
    } else if (thin) {
      const u8 thickness = end - start;
      start = (u8)(start * height / designed);
      end = start + thickness;
    } else {
      start = (u8)(start * height / designed);
      end = (u8)((end + 1) * height / designed - 1);
    }
  }
  return (u16)(start << 8 | end);
}

void set_cursor_shape(u8 start, u8 end) {
  bda->cursor_start = start;
  bda->cursor_end = end;
  u16 shape = (u16)(start << 8 | end);
  if (!(bda->control & kControlNoCursorEmulation)) shape = emulated_shape(start, end);
  crtc_write(0x0A, (u8)(shape >> 8));
  crtc_write(0x0B, (u8)shape);
}

static void place_cursor(void) {
  const u8 page = bda->page;
  const u16 cell = (u16)(bda->page_start / 2 + bda->cursor[page].row * bda->columns + bda->cursor[page].column);
  crtc_write(0x0E, (u8)(cell >> 8));
  crtc_write(0x0F, (u8)cell);
}

void set_cursor_position(u8 page, u8 row, u8 column) {
  if (page > 7) return;
  bda->cursor[page].row = row;
  bda->cursor[page].column = column;
  if (page == bda->page) place_cursor();
}

void select_page(u8 page) {
  if (page >= mode_page_count(bda->mode)) return;
  bda->page = page;
  bda->page_start = (u16)(page * bda->page_size);
  const u16 address = memory_model() == kText ? bda->page_start / 2 : bda->page_start;
  crtc_write(0x0C, (u8)(address >> 8));
  crtc_write(0x0D, (u8)address);
  place_cursor();
}
