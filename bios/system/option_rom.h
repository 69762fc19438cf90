// Option ROMs: from C0000h, and the display's from its PCI expansion ROM.
#pragma once

#include "types.h"

// Runs the display's ROM and returns where ROMs end.
u32 option_rom_video(void);
// Runs the others; returns where they end.
u32 option_rom_others(u32 from);
