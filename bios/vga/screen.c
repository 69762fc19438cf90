// Characters on the screen in every mode: INT 10h functions 06h-0Ah, 0Eh and the cell work of 13h.
#include "vga.h"

u16 text_segment(void) { return bda->mode == 7 ? 0xB000 : 0xB800; }

u8 screen_columns(void) {
  const u16 columns = bda->columns;
  return columns > 255 ? 255 : (u8)columns;
}

static u32 cell_offset(u8 page, u32 row, u32 column) {
  return (u16)(page * bda->page_size + (row * bda->columns + column) * 2);
}

static void fill_cells(u32 offset, u8 attribute, u32 count) { es_fill16(offset, (u16)(attribute << 8 | ' '), count); }

// `lines` > 0 scrolls up, < 0 down; a window's rows are moved one by one so that its sides stay as they are.
static void scroll_text(Window window, s32 lines, u8 attribute) {
  const u32 pitch = bda->columns * 2;
  const u32 width = window.right - window.left + 1;
  const s32 height = window.bottom - window.top + 1;
  const s32 distance = lines < 0 ? -lines : lines;
  const s32 step = lines < 0 ? -(s32)pitch : (s32)pitch;
  u32 to = (u16)(bda->page_start + (lines < 0 ? window.bottom : window.top) * pitch + window.left * 2);
  u32 from = (u16)(to + step * distance);
  set_es(text_segment());
  if (lines > 0 && width == bda->columns) {
    es_move16(to, from, width * (height - distance));
    fill_cells(to + pitch * (height - distance), attribute, width * distance);
    return;
  }
  for (s32 row = 0; row < height - distance; ++row) {
    es_move16(to, from, width);
    to = (u16)(to + step);
    from = (u16)(from + step);
  }
  for (s32 row = 0; row < distance; ++row) {
    fill_cells(to, attribute, width);
    to = (u16)(to + step);
  }
}

static void scroll_graphics(Window window, s32 lines, u8 color) {
  const u32 char_height = bda->char_height;
  const u32 width = window.right - window.left + 1;
  const u32 height = (window.bottom - window.top + 1) * char_height;
  const u32 distance = (lines < 0 ? -lines : lines) * char_height;
  const u32 top = window.top * char_height;
  const u32 bottom = top + height - 1;
  for (u32 i = 0; i < height - distance; ++i) {
    if (lines > 0) {
      move_line(top + i, top + i + distance, window.left, width);
    } else {
      move_line(bottom - i, bottom - i - distance, window.left, width);
    }
  }
  for (u32 i = 0; i < distance; ++i) {
    fill_line(lines > 0 ? bottom - i : top + i, window.left, width, color);
  }
}

// Corners as INT 10h has them: row in the high byte, column in the low one. 0 lines, or more than the window has, clear
// it.
void scroll(u32 top_left, u32 bottom_right, s32 lines, u8 attribute) {
  Window window = {(u8)(top_left >> 8), (u8)top_left, (u8)(bottom_right >> 8), (u8)bottom_right};
  const u8 last_column = screen_columns() - 1;
  if (window.bottom > bda->last_row) window.bottom = bda->last_row;
  if (window.right > last_column) window.right = last_column;
  if (window.top > window.bottom || window.left > window.right) return;
  const s32 height = window.bottom - window.top + 1;
  if (lines == 0 || lines > height || lines < -height) lines = height;
  if (memory_model() == kText) {
    scroll_text(window, lines, attribute);
  } else {
    scroll_graphics(window, lines, attribute);
  }
}

// The character (low byte) and attribute under a page's cursor.
u16 read_cell(u8 page) {
  if (page > 7) return 0;
  const u8 row = bda->cursor[page].row;
  const u8 column = bda->cursor[page].column;
  if (memory_model() != kText) return read_glyph(row, column, page);
  set_es(text_segment());
  return es_read16(cell_offset(page, row, column));
}

// Writes `count` equal cells, running on into the next rows in text modes and up to the row's end in graphics modes.
void write_cells(u8 page, u8 row, u8 column, u8 character, u8 attribute, u16 count, bool keep_attribute) {
  if (memory_model() != kText) {
    const u32 room = screen_columns() > column ? screen_columns() - column : 0;
    if (count > room) count = (u16)room;
    if (row > bda->last_row) return;
    for (; count > 0; --count) draw_glyph(row, column++, character, attribute, page);
    return;
  }
  set_es(text_segment());
  u32 offset = cell_offset(page, row, column);
  if (count > 0x4000) count = 0x4000;
  for (; count > 0; --count) {
    if (keep_attribute) {
      es_write8(offset, character);
    } else {
      es_write16(offset, (u16)(attribute << 8 | character));
    }
    offset = (offset + 2) & 0x7FFF;
  }
}

// What scrolling in a teletype line fills with: the attribute under the cursor, or black in graphics modes.
u8 erase_attribute(u8 page) { return memory_model() == kText ? (u8)(read_cell(page) >> 8) : 0; }

// A tenth of a second of 896 Hz, counted by the timer's own output (port 61h bit 5); gives up where that never changes.
static void beep(void) {
  const u8 gate = in8(0x61);
  out8(0x43, 0xB6);
  out8(0x42, 0x33);
  out8(0x42, 0x05);
  out8(0x61, gate | 3);
  u8 last = in8(0x61) & 0x20;
  for (u32 edges = 0, waited = 0; edges < 180 && waited < 20000; ++waited) {
    const u8 now = in8(0x61) & 0x20;
    if (now != last) {
      last = now;
      waited = 0;
      ++edges;
    }
  }
  out8(0x61, gate);
}

void write_teletype(u8 page, u8 character, u8 attribute, bool keep_attribute) {
  if (page > 7) return;
  u8 row = bda->cursor[page].row;
  u8 column = bda->cursor[page].column;
  switch (character) {
    case '\a': beep(); return;
    case '\b':
      if (column > 0) --column;
      break;
    case '\r': column = 0; break;
    case '\n': ++row; break;
    default:
      write_cells(page, row, column, character, attribute, 1, keep_attribute);
      if (++column >= screen_columns()) {
        column = 0;
        ++row;
      }
      break;
  }
  if (row > bda->last_row) {
    row = bda->last_row;
    if (page == bda->page) {
      set_cursor_position(page, row, column);
      scroll(0, (u32)row << 8 | 0xFF, 1, erase_attribute(page));
    }
  }
  set_cursor_position(page, row, column);
}
