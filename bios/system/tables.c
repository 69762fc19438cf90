// Checksums of the fixed tables and room for the others.
#include "tables.h"

#include "bios.h"

extern const char bios32_directory[], pir_table[], pir_slots_end[], table_room[], table_room_end[], rom_checksum[];

static u16 taken;

u8 byte_sum(const void* bytes, u32 count) {
  const u8* b = bytes;
  u8 sum = 0;
  while (count--) sum = (u8)(sum + *b++);
  return sum;
}

u16 take_table_room(u32 bytes) {
  const u16 at = (u16)((u32)table_room + taken);
  if (at + bytes > (u32)table_room_end) return 0;
  taken = (u16)((taken + bytes + 15) & ~15u);
  return at;
}

// Makes the bytes at F000:`table` add up to 0 by the one at `checksum`.
static void fix_checksum(const char* table, u32 bytes, u32 checksum) {
  u8 sum = 0;
  const u32 at = (u16)(u32)table;
  for (u32 i = 0; i < bytes; ++i)
    if (i != checksum) sum = (u8)(sum + peek8(CODE_SEGMENT, at + i));
  poke8(CODE_SEGMENT, at + checksum, (u8)-sum);
}

void tables_init(void) {
  fix_checksum(bios32_directory, 16, 10);
  fix_checksum(pir_table, (u32)(pir_slots_end - pir_table), 31);
  mp_table_init();
  smbios_init();
  acpi_init();
}
