// VBE functions on the mode that is set: state, window, scan lines, display start, DAC, palette, power (04h-09h, 10h).
#include "vga.h"

enum { kSuccess = 0x004F, kFailed = 0x014F, kNotInThisMode = 0x034F };

static bool graphics_mode(void) { return dispi_present() && dispi_read(kDispiEnable) & kEnableOn; }

static u8 depth(void) { return (u8)dispi_read(kDispiDepth); }

// Bytes a scan line takes of display memory, all planes of it.
static u32 memory_per_line(void) {
  const u32 width = dispi_read(kDispiVirtualWidth);
  return depth() == 4 ? width / 2 : vbe_bytes_per_line(width, depth());
}

// Function 04h.
u16 vbe_state(Frame frame) {
  const u16 parts = frame->cx.x & 0x0F;
  switch (frame->dx.l) {
    case 0: frame->bx.x = state_size(parts); return kSuccess;
    case 1: save_state(parts, frame->es, frame->bx.x); return kSuccess;
    case 2: restore_state(parts, frame->es, frame->bx.x); return kSuccess;
    default: return kFailed;
  }
}

// Function 05h.
u16 vbe_window(Frame frame) {
  if (!graphics_mode()) return kNotInThisMode;
  if (frame->bx.l != 0) return kFailed;
  if (frame->bx.h == 1) {
    frame->dx.x = dispi_read(kDispiBank);
    return kSuccess;
  }
  if (frame->bx.h != 0 || (u32)frame->dx.x << 16 >= video_memory_size()) return kFailed;
  dispi_write(kDispiBank, frame->dx.x);
  return kSuccess;
}

// Function 06h: BL = 0 sets pixels, 1 reads, 2 sets bytes, 3 reads the maximum.
u16 vbe_scan_line(Frame frame) {
  if (!graphics_mode()) return kNotInThisMode;
  const u8 bits = depth();
  const u8 choice = frame->bx.l;
  const u32 pixel_bytes = bits == 4 ? 1 : (bits + 7u) / 8;
  const u32 memory = video_memory_size();
  u32 pixels = frame->cx.x;
  if (choice > 3) return kFailed;
  if (choice == 2) pixels = bits == 4 ? pixels * 8 : (pixels + pixel_bytes - 1) / pixel_bytes;
  if (choice == 3) {
    const u32 widest = memory / vbe_bytes_per_line(8, bits) * 8 / dispi_read(kDispiHeight) / (bits == 4 ? 4 : 1);
    pixels = (widest < 0x4000 ? widest : 0x4000) & ~7u;
    frame->bx.x = (u16)vbe_bytes_per_line(pixels, bits);
    frame->cx.x = (u16)pixels;
    frame->dx.x = dispi_read(kDispiHeight);
    return kSuccess;
  }
  if (choice != 1) {
    pixels = (pixels + 7) & ~7u;
    const u32 line = bits == 4 ? pixels / 2 : pixels * pixel_bytes;
    if (pixels < dispi_read(kDispiWidth) || pixels > 0x4000 || line * dispi_read(kDispiHeight) > memory) return 0x024F;
    dispi_write(kDispiVirtualWidth, (u16)pixels);
  }
  pixels = dispi_read(kDispiVirtualWidth);
  const u32 lines = memory / memory_per_line();
  frame->bx.x = (u16)vbe_bytes_per_line(pixels, bits);
  frame->cx.x = (u16)pixels;
  frame->dx.x = lines > 0xFFFF ? 0xFFFF : (u16)lines;
  return kSuccess;
}

// Function 07h: BL = 0 or 80h sets pixel CX of line DX, 1 reads them, 2 or 82h sets byte ECX (VBE 3.0).
u16 vbe_display_start(Frame frame) {
  if (!graphics_mode()) return kNotInThisMode;
  u32 x = frame->cx.x;
  u32 y = frame->dx.x;
  switch (frame->bx.l) {
    case 0x02:
    case 0x82: {
      const u32 line = depth() == 4 ? memory_per_line() / 4 : memory_per_line();
      y = frame->cx.e / line;
      x = frame->cx.e % line;
      x = depth() == 4 ? x * 8 : x / ((depth() + 7u) / 8);
      break;
    }
    case 0x00:
    case 0x80: break;
    case 0x01:
      frame->bx.h = 0;
      frame->cx.x = dispi_read(kDispiXOffset);
      frame->dx.x = dispi_read(kDispiYOffset);
      return kSuccess;
    default: return kFailed;
  }
  const u32 lines = video_memory_size() / memory_per_line();
  if (y + dispi_read(kDispiHeight) > lines) return kFailed;
  dispi_write(kDispiXOffset, (u16)x);
  dispi_write(kDispiYOffset, (u16)y);
  return kSuccess;
}

// Function 08h: 6 or 8 bits a color.
u16 vbe_dac_width(Frame frame) {
  if (graphics_mode() && depth() > 8) return kNotInThisMode;
  if (frame->bx.l > 1) return kFailed;
  const u16 enable = dispi_read(kDispiEnable);
  if (frame->bx.l == 0) {
    const u16 width = frame->bx.h >= 8 ? kEnable8BitDac : 0;
    dispi_write(kDispiEnable, (u16)((enable & ~kEnable8BitDac) | width));
  }
  frame->bx.h = dispi_read(kDispiEnable) & kEnable8BitDac ? 8 : 6;
  return kSuccess;
}

// Function 09h: CX entries from DX on, each blue, green, red and a spare byte at ES:DI.
u16 vbe_palette(Frame frame) {
  const u8 choice = frame->bx.l;
  if (graphics_mode() && depth() > 8) return kNotInThisMode;
  if (choice == 2 || choice == 3) return 0x024F;  // no secondary palette
  if (choice != 0 && choice != 1 && choice != 0x80) return kFailed;
  u32 at = frame->di.x;
  const u32 first = frame->dx.x;
  u32 count = frame->cx.x;
  if (first + count > 256) return kFailed;
  set_es(frame->es);
  out8(choice == 1 ? kDacReadPort : kDacWritePort, (u8)first);
  for (; count > 0; --count, at += 4) {
    for (u32 i = 0; i < 3; ++i) {
      if (choice == 1) {
        es_write8(at + 2 - i, in8(kDacDataPort));
      } else {
        out8(kDacDataPort, es_read8(at + 2 - i));
      }
    }
  }
  return kSuccess;
}

// Function 10h (VBE/PM 1.0): on and off, by the sequencer's screen-off bit.
u16 vbe_power(Frame frame) {
  switch (frame->bx.l) {
    case 0:
      frame->bx.l = 0x10;
      frame->bx.h = 4;
      return kSuccess;
    case 1:
      if (frame->bx.h != 0 && frame->bx.h != 4) return kFailed;
      video_refresh(frame->bx.h == 0);
      return kSuccess;
    case 2: frame->bx.h = in_indexed(kSequencerPort, 1) & 0x20 ? 4 : 0; return kSuccess;
    default: return kFailed;
  }
}
