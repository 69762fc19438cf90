// The VBE modes: VESA's own numbers up to 11Bh, above that the ones in common use with this display interface.
#include "vga.h"

const VbeMode vbe_modes[] = {
    {0x100, 640, 400, 8},    {0x101, 640, 480, 8},    {0x102, 800, 600, 4},    {0x103, 800, 600, 8},
    {0x104, 1024, 768, 4},   {0x105, 1024, 768, 8},   {0x106, 1280, 1024, 4},  {0x107, 1280, 1024, 8},
    {0x108, 80, 60, 0},      {0x109, 132, 25, 0},     {0x10A, 132, 43, 0},     {0x10B, 132, 50, 0},
    {0x10C, 132, 60, 0},     {0x10D, 320, 200, 15},   {0x10E, 320, 200, 16},   {0x10F, 320, 200, 24},
    {0x110, 640, 480, 15},   {0x111, 640, 480, 16},   {0x112, 640, 480, 24},   {0x113, 800, 600, 15},
    {0x114, 800, 600, 16},   {0x115, 800, 600, 24},   {0x116, 1024, 768, 15},  {0x117, 1024, 768, 16},
    {0x118, 1024, 768, 24},  {0x119, 1280, 1024, 15}, {0x11A, 1280, 1024, 16}, {0x11B, 1280, 1024, 24},
    {0x11C, 1600, 1200, 8},  {0x11D, 1600, 1200, 15}, {0x11E, 1600, 1200, 16}, {0x11F, 1600, 1200, 24},
    {0x140, 320, 200, 32},   {0x141, 640, 400, 32},   {0x142, 640, 480, 32},   {0x143, 800, 600, 32},
    {0x144, 1024, 768, 32},  {0x145, 1280, 1024, 32}, {0x146, 320, 200, 8},    {0x147, 1600, 1200, 32},
    {0x148, 1152, 864, 8},   {0x149, 1152, 864, 15},  {0x14A, 1152, 864, 16},  {0x14B, 1152, 864, 24},
    {0x14C, 1152, 864, 32},  {0x175, 1280, 768, 16},  {0x176, 1280, 768, 24},  {0x177, 1280, 768, 32},
    {0x178, 1280, 800, 16},  {0x179, 1280, 800, 24},  {0x17A, 1280, 800, 32},  {0x17B, 1280, 960, 16},
    {0x17C, 1280, 960, 24},  {0x17D, 1280, 960, 32},  {0x17E, 1440, 900, 16},  {0x17F, 1440, 900, 24},
    {0x180, 1440, 900, 32},  {0x181, 1400, 1050, 16}, {0x182, 1400, 1050, 24}, {0x183, 1400, 1050, 32},
    {0x184, 1680, 1050, 16}, {0x185, 1680, 1050, 24}, {0x186, 1680, 1050, 32}, {0x187, 1920, 1200, 16},
    {0x188, 1920, 1200, 24}, {0x189, 1920, 1200, 32}, {0x18A, 2560, 1600, 16}, {0x18B, 2560, 1600, 24},
    {0x18C, 2560, 1600, 32}, {0x18D, 1280, 720, 16},  {0x18E, 1280, 720, 24},  {0x18F, 1280, 720, 32},
    {0x190, 1920, 1080, 16}, {0x191, 1920, 1080, 24}, {0x192, 1920, 1080, 32}, {0x1A0, 1280, 720, 8},
    {0x1A1, 1280, 800, 8},   {0x1A2, 1440, 900, 8},   {0x1A3, 1680, 1050, 8},  {0x1A4, 1920, 1080, 8},
    {0x1A5, 1920, 1200, 8},  {0x1A6, 512, 384, 8},    {0x1A7, 512, 384, 16},   {0x1A8, 512, 384, 32},
    {0x1A9, 640, 400, 16},   {0x1AA, 320, 240, 8},    {0x1AB, 320, 240, 16},   {0x1AC, 320, 240, 32},
    {0x1AD, 400, 300, 8},    {0x1AE, 400, 300, 16},   {0x1AF, 400, 300, 32},
};
const u16 vbe_mode_count = ARRAY_LENGTH(vbe_modes);
// The list of modes lies in the reserved part of a 256-byte information block.
_Static_assert(ARRAY_LENGTH(vbe_modes) <= (256 - 0x22) / 2 - 1, "too many VBE modes for the mode list");

const VbeMode* find_vbe_mode(u16 number) {
  for (u16 i = 0; i < vbe_mode_count; ++i) {
    if (vbe_modes[i].number == number) return &vbe_modes[i];
  }
  return 0;
}

u32 vbe_bytes_per_line(u32 width, u8 depth) { return depth == 4 ? width / 8 : width * ((depth + 7u) / 8); }

// Whether display memory and the device's own limits allow a mode.
bool vbe_mode_fits(const VbeMode* mode) {
  if (mode->depth == 0) return true;
  if (!dispi_present()) return false;
  const u32 planes = mode->depth == 4 ? 4 : 1;
  if (vbe_bytes_per_line(mode->width, mode->depth) * mode->height * planes > video_memory_size()) return false;
  const u16 enable = dispi_read(kDispiEnable);
  dispi_write(kDispiEnable, enable | kEnableCapabilities);
  const u16 width = dispi_read(kDispiWidth);
  const u16 height = dispi_read(kDispiHeight);
  const u16 depth = dispi_read(kDispiDepth);
  dispi_write(kDispiEnable, enable);
  return mode->width <= width && mode->height <= height && mode->depth <= depth;
}

// As function 03h reports it: bit 14 for the linear framebuffer, bit 15 for memory that was not cleared.
u16 current_vbe_mode(void) {
  const u16 enable = dispi_present() ? dispi_read(kDispiEnable) : 0;
  if (enable & kEnableOn) {
    const u16 width = dispi_read(kDispiWidth);
    const u16 height = dispi_read(kDispiHeight);
    const u16 depth = dispi_read(kDispiDepth);
    const u16 flags = (u16)((enable & kEnableLinear ? 0x4000 : 0) | (enable & kEnableNoClear ? 0x8000 : 0));
    for (u16 i = 0; i < vbe_mode_count; ++i) {
      const VbeMode* mode = &vbe_modes[i];
      if (mode->width == width && mode->height == height && mode->depth == depth) return mode->number | flags;
    }
  }
  const u8 mode = bda->mode;
  if (mode >= kFirstVbeTextMode && mode <= kLastVbeTextMode) return (u16)(0x108 + mode - kFirstVbeTextMode);
  return (u16)(mode | (bda->control & kControlNoClear ? 0x8000 : 0));
}
