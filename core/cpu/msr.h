// Model-specific registers (SDM 4).
#pragma once

#include "core/cpu/cpu.h"

namespace penumbra {

// Both throw #GP(0) for registers that the model lacks and for reserved bits.
u64 read_msr(Cpu& cpu, u32 number);
void write_msr(Cpu& cpu, u32 number, u64 value);

}  // namespace penumbra
