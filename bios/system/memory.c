// Memory size, shadow RAM and the address map.
#include "memory.h"

#include "bios.h"
#include "pci.h"

struct memory_range memory_map[12];
u32 memory_map_count, memory_low, memory_usable_end;
u64 memory_high;

static void add(u64 base, u64 length, u32 type) {
  if (memory_map_count < count_of(memory_map))
    memory_map[memory_map_count++] = (struct memory_range){base, length, type};
}

// CMOS 34h-35h: 64 KiB units above 16 MiB; 17h-18h (30h-31h): KiB above 1 MiB; 5Bh-5Dh: 64 KiB units above 4 GiB.
void memory_init(void) {
  const u32 above_16 = (u32)(cmos_read(0x34) | cmos_read(0x35) << 8) << 16;
  u32 above_1 = (u32)(cmos_read(0x30) | cmos_read(0x31) << 8) << 10;
  if (!above_1) above_1 = (u32)(cmos_read(0x17) | cmos_read(0x18) << 8) << 10;
  memory_low = above_16 ? 0x1000000 + above_16 : 0x100000 + above_1;
  memory_high = (u64)((u32)cmos_read(0x5B) | (u32)cmos_read(0x5C) << 8 | (u32)cmos_read(0x5D) << 16) << 16;
  memory_usable_end = memory_low;
  if (memory_low >= 0x100000 + 4 * (kTableBytes + kStorageBytes)) memory_usable_end -= kTableBytes + kStorageBytes;

  add(0, LOW_MEMORY_KIB * 1024, kUsable);
  add(LOW_MEMORY_KIB * 1024, 1024, kReserved);
  add(0xE0000, 0x20000, kReserved);
  if (memory_usable_end > 0x100000) add(0x100000, memory_usable_end - 0x100000, kUsable);
  if (memory_usable_end != memory_low) {
    add(memory_usable_end, kTableBytes, kAcpiTables);
    add(memory_usable_end + kTableBytes, kStorageBytes, kAcpiStorage);
  }
  add(0xFEC00000, 0x1000, kReserved);
  add(0xFEE00000, 0x1000, kReserved);
  add(0xFFFE0000, 0x20000, kReserved);
  if (memory_high) add(0x100000000ull, memory_high, kUsable);
}

// 440FX PAM registers 5Ah-5Dh: two 16 KiB blocks each from C0000h; 0 is the bus, 3 RAM, 1 RAM read-only.
static void set_pam(u32 block, u8 mode) {
  const u8 reg = (u8)(0x5A + block / 2);
  const u8 old = pci_read8(0, reg);
  pci_write8(0, reg, block & 1 ? (u8)((old & 0x0F) | mode << 4) : (u8)((old & 0xF0) | mode));
}

void memory_open_option_roms(void) {
  for (u32 block = 0; block < 8; ++block) set_pam(block, 0);
  const int on_bus = peek16(0xC000, 0) == 0xAA55;
  for (u32 block = 4; block < 8; ++block) set_pam(block, 3);
  // A ROM cannot be copied onto itself: by way of D0000h.
  if (on_bus) flat_copy(0xD0000, 0xC0000, 0x10000);
  for (u32 block = 0; block < 4; ++block) set_pam(block, 3);
  if (on_bus) flat_copy(0xC0000, 0xD0000, 0x10000);
  if (on_bus) flat_fill(0xD0000, 0, 0x10000);
}

void memory_protect(u32 rom_end) {
  // The rest of the last ROM's block looks like an empty bus.
  if (rom_end & 0x3FFF) flat_fill(rom_end, 0xFF, 0x4000 - (rom_end & 0x3FFF));
  for (u32 block = 0; block < 8; ++block) set_pam(block, 0xC0000 + block * 0x4000 < rom_end ? 1 : 0);
  for (u32 block = 8; block < 11; ++block) set_pam(block, 1);
  set_pam(11, 3);
  pci_write8(0, 0x59, 0x10);
}
