// The tables that describe the machine to operating systems.
#pragma once

#include "types.h"

void tables_init(void);
void acpi_init(void);
void mp_table_init(void);
void smbios_init(void);
// Where the F segment's room for tables built in POST goes on; the caller takes `bytes` of it, on 16 bytes.
u16 take_table_room(u32 bytes);
u8 byte_sum(const void* bytes, u32 count);
