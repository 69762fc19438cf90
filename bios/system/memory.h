// How much memory there is, and the map that INT 15h tells of it.
#pragma once

#include "types.h"

struct memory_range {
  u64 base, length;
  u32 type;
};

enum { kUsable = 1, kReserved = 2, kAcpiTables = 3, kAcpiStorage = 4 };

extern struct memory_range memory_map[12];
extern u32 memory_map_count;

// Bytes of RAM below 4 GiB and above it, counted from 0 and from 4 GiB.
extern u32 memory_low;
extern u64 memory_high;
// The end of what programs may use below 4 GiB: the ACPI tables lie above.
extern u32 memory_usable_end;

// The tables' place, 0 if there is no memory above 1 MiB to hold them.
enum { kTableBytes = 0xF000, kStorageBytes = 0x1000 };

void memory_init(void);
// Takes the F and E segments' copies (but not EC000h-EFFFFh) and `rom_end` (from C0000h) write-protected.
void memory_protect(u32 rom_end);
// Opens C0000h-DFFFFh for option ROMs, keeping a ROM that is there.
void memory_open_option_roms(void);
