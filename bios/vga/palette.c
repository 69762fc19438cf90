// Palette registers and DAC: INT 10h functions 0Bh and 10h, and the palettes which a mode starts with.
#include "vga.h"

// Index 20h set keeps the screen on while a palette register is written; reading input status 1 first resets the
// flip-flop.
static void reset_flip_flop(void) { in8(bda->crtc_port + 6); }

// EGA's dynamic parameter save area, if a save pointer table names one, follows registers 0-0Fh and the overscan.
static void note_in_save_area(u8 index, u8 value) {
  const FarPointer table = {bda->save_pointers.offset, bda->save_pointers.segment};
  if (FAR_NULL(table) || index > 0x11 || index == 0x10) return;
  const FarPointer area = far_read_pointer(table.segment, table.offset + 4u);
  if (FAR_NULL(area)) return;
  set_es(area.segment);
  es_write8(area.offset + (index == 0x11 ? 16u : index), value);
}

void attribute_write(u8 index, u8 value) {
  reset_flip_flop();
  out8(kAttributePort, index);
  out8(kAttributePort, value);
  out8(kAttributePort, 0x20);
  reset_flip_flop();
  note_in_save_area(index, value);
}

u8 attribute_read(u8 index) {
  reset_flip_flop();
  out8(kAttributePort, index);
  const u8 value = in8(kAttributeReadPort);
  reset_flip_flop();
  out8(kAttributePort, 0x20);
  reset_flip_flop();
  return value;
}

// Luminance weights 30 %, 59 %, 11 % in 256ths.
static u8 grey_of(u32 red, u32 green, u32 blue) {
  const u32 grey = (red * 77 + green * 151 + blue * 28 + 128) >> 8;
  return grey > 63 ? 63 : (u8)grey;
}

void dac_write(u8 index, u8 red, u8 green, u8 blue) {
  out8(kDacWritePort, index);
  out8(kDacDataPort, red);
  out8(kDacDataPort, green);
  out8(kDacDataPort, blue);
}

void sum_to_grey(u8 first, u16 count) {
  for (; count > 0; --count, ++first) {
    out8(kDacReadPort, first);
    const u8 red = in8(kDacDataPort);
    const u8 green = in8(kDacDataPort);
    const u8 blue = in8(kDacDataPort);
    const u8 grey = grey_of(red, green, blue);
    dac_write(first, grey, grey, grey);
  }
}

// The 64 colors of an EGA monitor: bits 2-0 are the strong red, green and blue, bits 5-3 the weak ones.
static void load_ega_color(u8 index) {
  dac_write(index, (index & 4 ? 42 : 0) + (index & 0x20 ? 21 : 0), (index & 2 ? 42 : 0) + (index & 0x10 ? 21 : 0),
            (index & 1 ? 42 : 0) + (index & 8 ? 21 : 0));
}

// The 16 colors of a CGA monitor, intensity apart from the three colors; dark yellow comes out brown.
static void load_rgbi_color(u8 index, u8 color) {
  const u8 low = color & 8 ? 21 : 0;
  const u8 green = color == 6 ? 21 : (u8)((color & 2 ? 42 : 0) + low);
  dac_write(index, (u8)((color & 4 ? 42 : 0) + low), green, (u8)((color & 1 ? 42 : 0) + low));
}

// Mode 13h: 16 RGBI colors, 16 greys, then 3 intensities x 3 saturations x 24 hues from blue by red and green.
static void load_256_colors(void) {
  static const u8 greys[16] = {0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63};
  static const u8 ramps[9][5] = {{0, 16, 31, 47, 63}, {31, 39, 47, 55, 63}, {45, 49, 54, 58, 63},
                                 {0, 7, 14, 21, 28},  {14, 17, 21, 24, 28}, {20, 22, 24, 26, 28},
                                 {0, 4, 8, 12, 16},   {8, 10, 12, 14, 16},  {11, 12, 13, 15, 16}};
  for (u8 i = 0; i < 16; ++i) load_rgbi_color(i, i);
  for (u8 i = 0; i < 16; ++i) dac_write(16 + i, greys[i], greys[i], greys[i]);
  u8 index = 32;
  for (u8 ramp = 0; ramp < 9; ++ramp) {
    for (u8 hue = 0; hue < 24; ++hue) {
      const u8 step = hue & 3;
      const u8 low = ramps[ramp][0];
      const u8 high = ramps[ramp][4];
      const u8 up = ramps[ramp][step];
      const u8 down = ramps[ramp][4 - step];
      switch (hue >> 2) {
        case 0: dac_write(index++, up, low, high); break;
        case 1: dac_write(index++, high, low, down); break;
        case 2: dac_write(index++, high, up, low); break;
        case 3: dac_write(index++, down, high, low); break;
        case 4: dac_write(index++, low, high, up); break;
        default: dac_write(index++, low, down, high); break;
      }
    }
  }
  for (; index != 0; ++index) dac_write(index, 0, 0, 0);
}

void load_default_palette(DefaultPalette palette) {
  static const u8 mono_levels[4] = {0, 42, 42, 63};
  if (palette == kPalette256) {
    load_256_colors();
  } else {
    for (u8 i = 0; i < 64; ++i) {
      const u8 mono = mono_levels[i >> 3 & 3];
      if (palette == kPaletteMono) {
        dac_write(i, mono, mono, mono);
      } else if (palette == kPaletteCga) {
        load_rgbi_color(i, (i & 7) | (i & 0x10 ? 8 : 0));
      } else {
        load_ega_color(i);
      }
    }
    for (u16 i = 64; i < 256; ++i) dac_write((u8)i, 0, 0, 0);
  }
  if (bda->flags & kFlagGreySumming) sum_to_grey(0, 256);
}

// Function 0Bh: BH = 0 sets the border or background, BH = 1 chooses the colors of mode 4.
void set_cga_palette(u8 function, u8 value) {
  const bool graphics = memory_model() != kText;
  u8 color = bda->cga_color;
  if (function == 0) {
    const u8 attribute = (value & 7) | (value & 8 ? 0x10 : 0);
    color = (color & 0xE0) | (value & 0x1F);
    if (graphics) {
      attribute_write(0, attribute);
      for (u8 i = 1; i < 4 && bda->mode != 6; ++i) {
        attribute_write(i, (attribute_read(i) & ~0x10) | (value & 0x10));
      }
    }
    attribute_write(0x11, attribute);
  } else if (function == 1) {
    color = (color & ~0x20) | (value & 1 ? 0x20 : 0);
    for (u8 i = 1; i < 4; ++i) attribute_write(i, (attribute_read(i) & ~1) | (value & 1));
  }
  bda->cga_color = color;
}

// Attribute register 10h bit 7 (P54S): 4 pages of 64 colors, or 16 of 16.
static void set_color_page(u8 function, u8 value) {
  const u8 control = attribute_read(0x10);
  if (function == 0) {
    attribute_write(0x10, value & 1 ? control | 0x80 : control & ~0x80);
  } else {
    attribute_write(0x14, control & 0x80 ? value & 0x0F : (value << 2) & 0x0C);
  }
}

static void read_color_page(Frame frame) {
  const bool sixteen = attribute_read(0x10) & 0x80;
  const u8 page = attribute_read(0x14);
  frame->bx.l = sixteen;
  frame->bx.h = sixteen ? page & 0x0F : page >> 2 & 3;
}

static void dac_block(Frame frame, bool write) {
  u8 index = frame->bx.l;
  u16 offset = frame->dx.x;
  set_es(frame->es);
  for (u16 count = frame->cx.x; count > 0; --count, offset += 3) {
    out8(write ? kDacWritePort : kDacReadPort, index++);
    for (u8 i = 0; i < 3; ++i) {
      if (write) {
        out8(kDacDataPort, es_read8(offset + i));
      } else {
        es_write8(offset + i, in8(kDacDataPort));
      }
    }
  }
  if (write && bda->flags & kFlagGreySumming) sum_to_grey(frame->bx.l, frame->cx.x);
}

static void write_one_color(Frame frame) {
  const u8 red = frame->dx.h;
  const u8 green = frame->cx.h;
  const u8 blue = frame->cx.l;
  dac_write(frame->bx.l, red, green, blue);
  if (bda->flags & kFlagGreySumming) sum_to_grey(frame->bx.l, 1);
}

static void read_one_color(Frame frame) {
  out8(kDacReadPort, frame->bx.l);
  frame->dx.h = in8(kDacDataPort);
  frame->cx.h = in8(kDacDataPort);
  frame->cx.l = in8(kDacDataPort);
}

static void set_all_registers(Frame frame) {
  for (u8 i = 0; i < 17; ++i) {
    set_es(frame->es);
    attribute_write(i == 16 ? 0x11 : i, es_read8(frame->dx.x + i));
  }
}

static void read_all_registers(Frame frame) {
  set_es(frame->es);
  for (u8 i = 0; i < 17; ++i) es_write8(frame->dx.x + i, attribute_read(i == 16 ? 0x11 : i));
}

static void set_blinking(u8 on) {
  const u8 control = attribute_read(0x10);
  attribute_write(0x10, on & 1 ? control | 8 : control & ~8);
  bda->cga_mode = (bda->cga_mode & ~0x20) | (on & 1 ? 0x20 : 0);
}

// Function 10h.
void palette_functions(Frame frame) {
  const u8 bl = frame->bx.l;
  const u8 bh = frame->bx.h;
  switch (frame->ax.l) {
    case 0x00:
      if (bl <= 0x14) attribute_write(bl, bh);
      break;
    case 0x01: attribute_write(0x11, bh); break;
    case 0x02: set_all_registers(frame); break;
    case 0x03: set_blinking(bl); break;
    case 0x07:
      if (bl <= 0x14) frame->bx.h = attribute_read(bl);
      break;
    case 0x08: frame->bx.h = attribute_read(0x11); break;
    case 0x09: read_all_registers(frame); break;
    case 0x10: write_one_color(frame); break;
    case 0x12: dac_block(frame, true); break;
    case 0x13: set_color_page(bl, bh); break;
    case 0x15: read_one_color(frame); break;
    case 0x17: dac_block(frame, false); break;
    case 0x18: out8(kDacMaskPort, bl); break;
    case 0x19: frame->bx.l = in8(kDacMaskPort); break;
    case 0x1A: read_color_page(frame); break;
    case 0x1B: sum_to_grey(bl, frame->cx.x); break;
    default: break;
  }
}
