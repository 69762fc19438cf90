// INT 10h function 00h: programs the VGA for a mode and fills the BIOS data area to match.
#include "vga.h"

void crtc_write(u8 index, u8 value) { out_indexed(bda->crtc_port, index, value); }
u8 crtc_read(u8 index) { return in_indexed(bda->crtc_port, index); }

// Sequencer register 1, bit 5: the CPU gets all memory cycles and the screen is blank.
void video_refresh(bool on) {
  const u8 clocking = in_indexed(kSequencerPort, 1) & ~0x20;
  out_indexed(kSequencerPort, 1, on ? clocking : clocking | 0x20);
}

// Loads all VGA registers from a VideoParameters structure; leaves the attribute controller blanked.
void program_registers(u16 segment, u16 offset) {
  const u32 sequencer = offset + __builtin_offsetof(VideoParameters, sequencer);
  const u32 crtc = offset + __builtin_offsetof(VideoParameters, crtc);
  const u32 attribute = offset + __builtin_offsetof(VideoParameters, attribute);
  const u32 graphics = offset + __builtin_offsetof(VideoParameters, graphics);
  const u8 misc = far_read8(segment, offset + __builtin_offsetof(VideoParameters, misc));
  const u16 crtc_port = misc & 1 ? 0x3D4 : 0x3B4;

  out_indexed(kSequencerPort, 0, 1);
  for (u8 i = 0; i < 4; ++i)
    out_indexed(kSequencerPort, i + 1, far_read8(segment, sequencer + i) | (i == 0 ? 0x20 : 0));
  out8(kMiscWritePort, misc);
  out_indexed(kSequencerPort, 0, 3);

  bda->crtc_port = crtc_port;
  out8(crtc_port + 6, 0);  // feature control
  crtc_write(0x11, 0);     // lifts the write protection of registers 0-7
  for (u8 i = 0; i < 25; ++i) crtc_write(i, far_read8(segment, crtc + i));
  for (u8 i = 0; i < 9; ++i) out_indexed(kGraphicsPort, i, far_read8(segment, graphics + i));

  const bool keep_palette = bda->flags & kFlagNoPaletteLoad;
  in8(crtc_port + 6);
  for (u8 i = 0; i < 20; ++i) {
    if (keep_palette && (i < 16 || i == 0x11)) continue;
    out8(kAttributePort, i);
    out8(kAttributePort, far_read8(segment, attribute + i));
  }
  out8(kAttributePort, 0x14);
  out8(kAttributePort, 0);
  out8(kDacMaskPort, 0xFF);
}

static void set_equipment(bool monochrome) {
  const u16 display = bda->equipment & 0x30;
  if (monochrome) {
    bda->equipment |= 0x30;
    bda->control |= kControlMonochrome;
  } else {
    if (display == 0x30) bda->equipment = (u16)((bda->equipment & ~0x30) | 0x20);
    bda->control &= ~kControlMonochrome;
  }
}

static void clear_memory(void) {
  switch (memory_model()) {
    case kText:
      set_es(text_segment());
      es_fill16(0, 0x0720, 0x4000);
      break;
    case kCga:
      set_es(0xB800);
      es_fill16(0, 0, 0x4000);
      break;
    default:
      set_es(0xA000);
      es_fill16(0, 0, 0x8000);
      break;
  }
}

static const u8* rom_font(u8 height) { return height == 16 ? font_8x16 : height == 14 ? font_8x14 : font_8x8; }

void install_tables(void) {
  vectors[kVectorFont].segment = kRomSegment;
  vectors[kVectorFont].offset = (u16)(u32)rom_font((u8)bda->char_height);
  vectors[kVectorUpperFont].segment = kRomSegment;
  vectors[kVectorUpperFont].offset = (u16)((u32)font_8x8 + 128 * 8);
}

static void fill_bios_data(u8 mode, u16 segment, u16 offset, bool clear) {
  static const u8 cga_modes[8] = {0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29};
  bda->mode = mode;
  bda->columns = far_read8(segment, offset);
  bda->last_row = far_read8(segment, offset + 1);
  bda->char_height = far_read8(segment, offset + 2);
  bda->page_size = far_read16(segment, offset + 3);
  bda->page_start = 0;
  bda->page = 0;
  bda->control = (u8)((bda->control & ~kControlNoClear) | (clear ? 0 : kControlNoClear));
  if (mode < 8) {
    bda->cga_mode = cga_modes[mode];
    bda->cga_color = mode == 6 ? 0x3F : 0x30;
  }
  for (u8 page = 0; page < 8; ++page) {
    bda->cursor[page].row = 0;
    bda->cursor[page].column = 0;
  }
}

void set_mode(u8 mode, bool clear) {
  if (!mode_exists(mode)) return;
  const bool wide_text = mode >= kFirstVbeTextMode;
  const bool monochrome = mode == 7 || mode == 0x0F;
  u16 segment = kRomSegment;
  u16 offset;
  if (wide_text) {
    offset = (u16)(u32)&wide_text_parameters[mode - kFirstVbeTextMode];
  } else {
    FarPointer table = {(u16)(u32)video_parameters, kRomSegment};
    const FarPointer saved = {bda->save_pointers.offset, bda->save_pointers.segment};
    if (!FAR_NULL(saved)) table = far_read_pointer(saved.segment, saved.offset);
    segment = table.segment;
    offset = (u16)(table.offset + parameter_index(mode) * sizeof(VideoParameters));
  }

  if (dispi_present()) dispi_off();
  set_equipment(monochrome);
  program_registers(segment, offset);
  fill_bios_data(mode, segment, offset, clear);
  if (!(bda->flags & kFlagNoPaletteLoad)) load_default_palette(default_palette(mode));
  if (clear) clear_memory();
  install_tables();
  if (memory_model() == kText) load_rom_font((u8)bda->char_height, 0);
  if (!wide_text) apply_font_override();
  if (mode == 7) {
    set_cursor_shape(0x0B, 0x0C);
  } else {
    set_cursor_shape(0x06, 0x07);
  }
  set_cursor_position(0, 0, 0);
  video_refresh(true);
  in8(bda->crtc_port + 6);
  out8(kAttributePort, 0x20);
}
