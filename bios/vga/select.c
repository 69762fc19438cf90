// INT 10h function 12h, the alternate selections, and the print-screen routine one of them installs.
#include "vga.h"

enum { kSupported = 0x12 };

static void choose_scan_lines(u8 lines) {
  const u8 flags = bda->flags & ~(kFlag200Lines | kFlag400Lines);
  if (lines > 2) return;
  bda->flags = lines == 0 ? flags | kFlag200Lines : lines == 2 ? flags | kFlag400Lines : flags;
  // The EGA switch settings in the low half: 8 stands for a CGA display, 9 for an enhanced one.
  bda->switches = (bda->switches & 0xF0) | (lines == 0 ? 8 : 9);
}

static void set_flag(u8 flag, bool on) { bda->flags = on ? bda->flags | flag : bda->flags & ~flag; }

// Miscellaneous output bit 1 lets the CPU reach display memory, port 3C3h bit 0 the whole adapter.
static void enable_addressing(bool on) {
  const u8 misc = in8(kMiscReadPort);
  if (on) out8(kVideoEnablePort, 1);
  out8(kMiscWritePort, on ? misc | 2 : misc & ~2);
  if (!on) out8(kVideoEnablePort, 0);
}

void select_functions(Frame frame) {
  const u8 choice = frame->ax.l;
  switch (frame->bx.l) {
    case 0x10:
      frame->bx.h = bda->control & kControlMonochrome ? 1 : 0;
      frame->bx.l = 3;  // 256 KiB
      frame->cx.h = bda->switches >> 4;
      frame->cx.l = bda->switches & 0x0F;
      return;
    case 0x20:
      vectors[kVectorPrintScreen].segment = kRomSegment;
      vectors[kVectorPrintScreen].offset = (u16)(u32)print_screen_entry;
      return;
    case 0x30: choose_scan_lines(choice); break;
    case 0x31: set_flag(kFlagNoPaletteLoad, choice & 1); break;
    case 0x32: enable_addressing(!(choice & 1)); break;
    case 0x33: set_flag(kFlagGreySumming, !(choice & 1)); break;
    case 0x34:
      bda->control = choice & 1 ? bda->control | kControlNoCursorEmulation : bda->control & ~kControlNoCursorEmulation;
      break;
    case 0x36: video_refresh(!(choice & 1)); break;
    default: return;  // 35h switches between two adapters; there is one
  }
  frame->ax.l = kSupported;
}

// INT 5: prints a text screen of any size on LPT1. 50:0 is 1 meanwhile, FFh after an error (IBM PC BIOS, INT 5).
void print_screen(void) {
  volatile __seg_gs u8* const status = (volatile __seg_gs u8*)0x500;
  if (*status == 1) return;
  *status = 1;
  const u8 page = bda->page;
  const u8 old_row = bda->cursor[page].row;
  const u8 old_column = bda->cursor[page].column;
  u8 failed = call_printer('\r') | call_printer('\n');
  for (u32 row = 0; row <= bda->last_row && !(failed & 0x29); ++row) {
    for (u32 column = 0; column < bda->columns && !(failed & 0x29); ++column) {
      set_cursor_position(page, (u8)row, (u8)column);
      const u8 character = (u8)read_cell(page);
      failed |= call_printer(character == 0 ? ' ' : character);
    }
    failed |= call_printer('\r') | call_printer('\n');
  }
  set_cursor_position(page, old_row, old_column);
  *status = failed & 0x29 ? 0xFF : 0;
}
