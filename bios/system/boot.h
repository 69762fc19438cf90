// Ways to start an operating system.
#pragma once

#include "types.h"

// If the machine gave a multiboot image (fw_cfg "penumbra/multiboot") or a Linux kernel, starts it and does not return.
void direct_boot(void);
// Loads the boot image of a CD. Returns 0 with the reason in *why, or the address to start in *entry.
int cd_boot(u8 cd, const char** why, u32* load_segment, u8* drive);
// What a CD emulates ends before the next thing is tried.
void cd_boot_forget(void);
void boot_next(void);
