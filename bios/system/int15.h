// What INT 15h hands on.
#pragma once

#include "bios.h"

void mouse_service(struct regs* r);         // C2h
void apm_service(struct regs* r);           // 53h
void memory_service(struct regs* r);        // 88h, 8Ah, E801h, E820h, E881h
void wait_service(struct regs* r);          // 83h, 86h
void enter_protected_mode(struct regs* r);  // 89h
