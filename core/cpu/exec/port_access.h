// Port accesses of instructions: the I/O permission check and the access itself (SDM 1 chapter 19).
#pragma once

#include "core/cpu/cpu.h"

namespace penumbra {

// Throws #GP(0) where IOPL and the TSS's I/O permission map deny the access.
void check_port(Cpu& cpu, u16 port, u32 bytes);
u32 port_read(Cpu& cpu, u16 port, Width width);
void port_write(Cpu& cpu, u16 port, Width width, u32 value);

}  // namespace penumbra
