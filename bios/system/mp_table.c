#include "tables.h"
void mp_table_init(void) {}
