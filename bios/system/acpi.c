#include "tables.h"
void acpi_init(void) {}
