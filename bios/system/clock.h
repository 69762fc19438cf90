// The real-time clock as POST and INT 15h use it.
#pragma once

void clock_init(void);
// The 1,024 Hz interrupt that counts BDA 9Ch down.
void clock_periodic_on(void);
void clock_periodic_off(void);
