#include "tables.h"
void smbios_init(void) {}
