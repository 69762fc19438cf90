// Saving and restoring the display's state: INT 10h function 1Ch and VBE function 04h.
// Parts, in this order: bit 0 VGA registers, bit 1 BIOS data area, bit 2 DAC, bit 3 the display interface.
#include "vga.h"

enum {
  kHardware = 1,
  kBiosData = 2,
  kDac = 4,
  kDisplayInterface = 8,

  kHardwareSize = 4 + 6 + 26 + 10 + 21,
  kBiosDataSize = 30 + 7 + 4 + 12,
  kDacSize = 4 + 768,
  kDisplayInterfaceSize = 18,
};

// In 64-byte blocks.
u16 state_size(u16 parts) {
  u16 size = 0;
  if (parts & kHardware) size += kHardwareSize;
  if (parts & kBiosData) size += kBiosDataSize;
  if (parts & kDac) size += kDacSize;
  if (parts & kDisplayInterface) size += kDisplayInterfaceSize;
  return (u16)((size + 63) / 64);
}

static u32 put8(u32 to, u8 value) {
  es_write8(to, value);
  return to + 1;
}

static u32 save_indexed(u32 to, u16 port, u8 count) {
  const u8 index = in8(port);
  to = put8(to, index);
  for (u8 i = 0; i < count; ++i) to = put8(to, in_indexed(port, i));
  out8(port, index);
  return to;
}

static u32 save_hardware(u32 to) {
  const u16 crtc = bda->crtc_port;
  es_write16(to, crtc);
  to = put8(to + 2, in8(kMiscReadPort));
  to = put8(to, in8(kFeatureReadPort));
  to = save_indexed(to, kSequencerPort, 5);
  to = save_indexed(to, crtc, 25);
  to = save_indexed(to, kGraphicsPort, 9);
  for (u8 i = 0; i < 21; ++i) {
    in8(crtc + 6);
    out8(kAttributePort, i);
    to = put8(to, in8(kAttributeReadPort));
  }
  in8(crtc + 6);
  out8(kAttributePort, 0x20);
  return to;
}

static u32 restore_indexed(u32 from, u16 port, u8 count) {
  const u8 index = es_read8(from++);
  for (u8 i = 0; i < count; ++i) out_indexed(port, i, es_read8(from++));
  out8(port, index);
  return from;
}

static u32 restore_hardware(u32 from) {
  const u16 crtc = es_read16(from);
  const u32 sequencer = from + 4;
  out_indexed(kSequencerPort, 0, 1);
  out8(kMiscWritePort, es_read8(from + 2));
  out8(crtc + 6, es_read8(from + 3));
  from = restore_indexed(sequencer, kSequencerPort, 5);
  out_indexed(kSequencerPort, 0, 3);
  out8(kSequencerPort, es_read8(sequencer));
  out_indexed(crtc, 0x11, 0);  // lifts the write protection of registers 0-7
  from = restore_indexed(from, crtc, 25);
  from = restore_indexed(from, kGraphicsPort, 9);
  in8(crtc + 6);
  for (u8 i = 0; i < 21; ++i) {
    out8(kAttributePort, i);
    out8(kAttributePort, es_read8(from++));
  }
  out8(kAttributePort, 0x20);
  in8(crtc + 6);
  return from;
}

// The video bytes of the BIOS data area and the vectors, as pieces of low memory.
static const struct {
  u16 address;
  u8 size;
} bios_data_pieces[] = {
    {0x449, 30}, {0x484, 7}, {0x4A8, 4}, {kVectorPrintScreen * 4, 4}, {kVectorUpperFont * 4, 4}, {kVectorFont * 4, 4}};

static u32 save_bios_data(u32 to) {
  for (u32 i = 0; i < ARRAY_LENGTH(bios_data_pieces); ++i) {
    const __seg_gs u8* const from = (const __seg_gs u8*)(u32)bios_data_pieces[i].address;
    for (u32 k = 0; k < bios_data_pieces[i].size; ++k) to = put8(to, from[k]);
  }
  return to;
}

static u32 restore_bios_data(u32 from) {
  for (u32 i = 0; i < ARRAY_LENGTH(bios_data_pieces); ++i) {
    __seg_gs u8* const to = (__seg_gs u8*)(u32)bios_data_pieces[i].address;
    for (u32 k = 0; k < bios_data_pieces[i].size; ++k) to[k] = es_read8(from++);
  }
  return from;
}

static u32 save_dac(u32 to) {
  to = put8(to, in8(kDacMaskPort));
  to = put8(to, in8(kDacReadPort));
  to = put8(to, in8(kDacWritePort));
  to = put8(to, 0);
  out8(kDacReadPort, 0);
  for (u32 i = 0; i < 768; ++i) to = put8(to, in8(kDacDataPort));
  return to;
}

static u32 restore_dac(u32 from) {
  out8(kDacMaskPort, es_read8(from));
  out8(kDacWritePort, 0);
  for (u32 i = 0; i < 768; ++i) out8(kDacDataPort, es_read8(from + 4 + i));
  out8(kDacWritePort, es_read8(from + 2));
  return from + kDacSize;
}

// Enable first: what the other registers mean and whether they may be written depends on it.
static const u8 display_registers[9] = {kDispiEnable,  kDispiWidth,   kDispiHeight,
                                        kDispiDepth,   kDispiBank,    kDispiVirtualWidth,
                                        kDispiXOffset, kDispiYOffset, kDispiVirtualHeight};

static void save_display_interface(u32 to) {
  for (u32 i = 0; i < ARRAY_LENGTH(display_registers); ++i) {
    es_write16(to + i * 2, dispi_read(display_registers[i]));
  }
}

static void restore_display_interface(u32 from) {
  const u16 enable = es_read16(from);
  dispi_write(kDispiEnable, 0);
  if (!(enable & kEnableOn)) return;
  for (u32 i = 1; i < 4; ++i) dispi_write(display_registers[i], es_read16(from + i * 2));
  dispi_write(kDispiEnable, enable | kEnableNoClear);
  for (u32 i = 4; i < 8; ++i) dispi_write(display_registers[i], es_read16(from + i * 2));
}

void save_state(u16 parts, u16 segment, u16 offset) {
  u32 to = offset;
  set_es(segment);
  if (parts & kHardware) to = save_hardware(to);
  if (parts & kBiosData) to = save_bios_data(to);
  if (parts & kDac) to = save_dac(to);
  if (parts & kDisplayInterface) save_display_interface(to);
}

// The display interface comes first: switching it on or off may change VGA registers, which are then put right.
void restore_state(u16 parts, u16 segment, u16 offset) {
  u32 from = offset;
  set_es(segment);
  if (parts & kDisplayInterface) {
    u32 skipped = offset;
    if (parts & kHardware) skipped += kHardwareSize;
    if (parts & kBiosData) skipped += kBiosDataSize;
    if (parts & kDac) skipped += kDacSize;
    restore_display_interface(skipped);
  }
  if (parts & kHardware) from = restore_hardware(from);
  if (parts & kBiosData) from = restore_bios_data(from);
  if (parts & kDac) restore_dac(from);
}

// Function 1Ch. Only the parts it knows: CX = 1 to 7.
void state_functions(Frame frame) {
  const u16 parts = frame->cx.x & 7;
  if (frame->ax.l > 2 || parts == 0) return;
  switch (frame->ax.l) {
    case 0: frame->bx.x = state_size(parts); break;
    case 1: save_state(parts, frame->es, frame->bx.x); break;
    default: restore_state(parts, frame->es, frame->bx.x); break;
  }
  frame->ax.l = 0x1C;
}
