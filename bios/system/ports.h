// Serial and parallel ports in POST.
#pragma once

// Fills in the BDA's port addresses and counts them in the equipment word.
void ports_init(void);
