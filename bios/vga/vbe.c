// VESA BIOS Extension core functions, version 3.0: information, modes, and setting them (INT 10h AH = 4Fh, AL =
// 00h-03h).
#include "vga.h"

enum { kSuccess = 0x004F, kFailed = 0x014F, kUnsupported = 0x0100 };

static const char oem_text[] = "Penumbra VGA";
static const char vendor_text[] = "Penumbra";
static const char product_text[] = "Penumbra VBE display";
static const char revision_text[] = "1.0";

static u32 put_pointer(u32 to, const char* text) {
  es_write32(to, ROM_POINTER(text));
  return to + 4;
}

// Function 00h: VbeInfoBlock at ES:DI, 512 bytes if the caller put "VBE2" there, else 256.
static u16 controller_information(Frame frame) {
  const u32 to = frame->di.x;
  if (!dispi_present()) return kFailed;
  const u16 blocks = (u16)(video_memory_size() >> 16);
  set_es(frame->es);
  const bool version2 = es_read32(to) == 0x32454256;
  es_fill8(to, 0, version2 ? 512 : 256);
  es_write32(to, 0x41534556);  // "VESA"
  es_write16(to + 4, 0x0300);
  put_pointer(to + 6, oem_text);
  es_write32(to + 0x0A, 1);  // the DAC can be switched to 8 bits
  es_write16(to + 0x0E, (u16)(to + 0x22));
  es_write16(to + 0x10, frame->es);
  es_write16(to + 0x12, blocks);
  if (version2) {
    es_write16(to + 0x14, 0x0100);
    put_pointer(to + 0x16, vendor_text);
    put_pointer(to + 0x1A, product_text);
    put_pointer(to + 0x1E, revision_text);
  }
  u32 list = to + 0x22;
  for (u16 i = 0; i < vbe_mode_count; ++i) {
    if (!vbe_mode_fits(&vbe_modes[i])) continue;
    es_write16(list, vbe_modes[i].number);
    list += 2;
  }
  es_write16(list, 0xFFFF);
  return kSuccess;
}

// Mask sizes and positions as ModeInfoBlock orders them: red, green, blue, reserved.
typedef struct {
  u8 depth;
  u8 fields[8];
} ColorMasks;
static const ColorMasks color_masks[] = {
    {15, {5, 10, 5, 5, 5, 0, 1, 15}},
    {16, {5, 11, 6, 5, 5, 0, 0, 0}},
    {24, {8, 16, 8, 8, 8, 0, 0, 0}},
    {32, {8, 16, 8, 8, 8, 0, 8, 24}},
};

static void put_masks(u32 to, u8 depth) {
  for (u32 i = 0; i < ARRAY_LENGTH(color_masks); ++i) {
    if (color_masks[i].depth != depth) continue;
    for (u32 k = 0; k < 8; ++k) es_write8(to + k, color_masks[i].fields[k]);
  }
}

static u32 smaller(u32 a, u32 b) { return a < b ? a : b; }

// Function 01h: ModeInfoBlock at ES:DI.
static u16 mode_information(Frame frame) {
  const VbeMode* mode = find_vbe_mode(frame->cx.x & 0x3FFF);
  if (!mode || !vbe_mode_fits(mode)) return kFailed;
  const u32 to = frame->di.x;
  const u8 depth = mode->depth;
  const bool text = depth == 0;
  const bool packed = depth >= 8;
  const u32 line = text ? mode->width * 2u : vbe_bytes_per_line(mode->width, depth);
  const u32 plane_memory = depth == 4 ? video_memory_size() / 4 : video_memory_size();
  const u32 pages = text ? mode_page_count(kFirstVbeTextMode) : smaller(plane_memory / (line * mode->height), 256);
  const u32 framebuffer = packed ? linear_framebuffer() : 0;
  set_es(frame->es);
  es_fill8(to, 0, 256);
  // Supported, with optional fields, TTY output, color; graphics; linear framebuffer.
  es_write16(to, (u16)(0x0F | (text ? 0 : 0x10) | (packed ? 0x80 : 0)));
  es_write8(to + 2, 7);  // window A can be moved, read and written; there is no window B
  es_write16(to + 4, text ? 32 : 64);
  es_write16(to + 6, text ? 32 : 64);
  es_write16(to + 8, text ? 0xB800 : 0xA000);
  if (!text) es_write32(to + 0x0C, ROM_POINTER(vbe_window_function));
  es_write16(to + 0x10, (u16)line);
  es_write16(to + 0x12, mode->width);
  es_write16(to + 0x14, mode->height);
  const u8 char_height = text ? wide_text_parameters[mode->number - 0x108].char_height : mode->height < 400 ? 8 : 16;
  es_write8(to + 0x16, 8);
  es_write8(to + 0x17, char_height);
  es_write8(to + 0x18, depth == 4 || text ? 4 : 1);
  es_write8(to + 0x19, text ? 4 : depth);
  es_write8(to + 0x1A, 1);
  es_write8(to + 0x1B, text ? 0 : depth == 4 ? 3 : depth == 8 ? 4 : 6);
  es_write8(to + 0x1D, (u8)(pages - 1));
  es_write8(to + 0x1E, 1);
  put_masks(to + 0x1F, depth);
  es_write8(to + 0x27, depth == 15 || depth == 32 ? 2 : 0);  // the reserved bits are the program's to use
  es_write32(to + 0x28, framebuffer);
  if (packed) {
    es_write16(to + 0x32, (u16)line);
    es_write8(to + 0x34, (u8)(pages - 1));
    es_write8(to + 0x35, (u8)(pages - 1));
    put_masks(to + 0x36, depth);
    es_write32(to + 0x3E, 400000000);
  }
  return kSuccess;
}

static void set_graphics_mode(const VbeMode* mode, bool linear, bool clear) {
  const bool planar = mode->depth == 4;
  dispi_off();
  if (bda->mode == 7 || bda->mode == 0x0F) set_mode(3, false);
  program_registers(kRomSegment, (u16)(u32)&video_parameters[planar ? 0x1B : 0x1C]);
  dispi_write(kDispiWidth, mode->width);
  dispi_write(kDispiHeight, mode->height);
  dispi_write(kDispiDepth, mode->depth);
  dispi_write(kDispiEnable, kEnableOn | (linear ? kEnableLinear : 0) | (clear ? 0 : kEnableNoClear));
  dispi_write(kDispiVirtualWidth, mode->width);
  dispi_write(kDispiXOffset, 0);
  dispi_write(kDispiYOffset, 0);
  dispi_write(kDispiBank, 0);

  bda->mode = kModeVbeGraphics;
  bda->columns = mode->width / 8;
  bda->char_height = mode->height < 400 ? 8 : 16;
  bda->last_row = (u8)(mode->height / bda->char_height - 1);
  bda->page_size = 0;
  bda->page_start = 0;
  bda->page = 0;
  bda->control = (u8)((bda->control & ~kControlNoClear) | (clear ? 0 : kControlNoClear));
  for (u8 page = 0; page < 8; ++page) set_cursor_position(page, 0, 0);
  if (!(bda->flags & kFlagNoPaletteLoad)) load_default_palette(planar ? kPalette16 : kPalette256);
  install_tables();
  video_refresh(true);
  in8(bda->crtc_port + 6);
  out8(kAttributePort, 0x20);
}

// Function 02h. BX bits: 15 keep memory, 14 linear framebuffer, 11 own CRTC timing (a refresh rate: nothing here has
// one).
static u16 set_vbe_mode(Frame frame) {
  const u16 request = frame->bx.x;
  const u16 number = request & 0x37FF;
  const bool clear = !(request & 0x8000);
  const bool linear = request & 0x4000;
  if (number < 0x100) {
    const u8 standard = number & 0x7F;
    if (!mode_exists(standard) || linear) return kFailed;
    set_mode(standard, clear);
    return kSuccess;
  }
  const VbeMode* mode = find_vbe_mode(number);
  if (!mode || !vbe_mode_fits(mode) || (linear && mode->depth < 8)) return kFailed;
  if (mode->depth == 0) {
    set_mode((u8)(kFirstVbeTextMode + number - 0x108), clear);
  } else {
    set_graphics_mode(mode, linear, clear);
  }
  return kSuccess;
}

static u16 protected_mode_interface(Frame frame) {
  if (frame->bx.l != 0) return kFailed;
  frame->es = kRomSegment;
  frame->di.x = (u16)(u32)vbe_protected_mode_interface;
  frame->cx.x = (u16)(vbe_protected_mode_interface_end - vbe_protected_mode_interface);
  return kSuccess;
}

static u16 dispatch(Frame frame) {
  switch (frame->ax.l) {
    case 0x00: return controller_information(frame);
    case 0x01: return mode_information(frame);
    case 0x02: return set_vbe_mode(frame);
    case 0x03: frame->bx.x = current_vbe_mode(); return kSuccess;
    case 0x04: return vbe_state(frame);
    case 0x05: return vbe_window(frame);
    case 0x06: return vbe_scan_line(frame);
    case 0x07: return vbe_display_start(frame);
    case 0x08: return vbe_dac_width(frame);
    case 0x09: return vbe_palette(frame);
    case 0x0A: return protected_mode_interface(frame);
    case 0x0B: return frame->bx.l == 0 ? kSuccess : kFailed;  // any pixel clock will do
    case 0x10: return vbe_power(frame);
    case 0x15: return vbe_edid(frame);
    default: return (u16)(kUnsupported | frame->ax.l);
  }
}

void vbe_functions(Frame frame) { frame->ax.x = dispatch(frame); }
