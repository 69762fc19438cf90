// Guest instructions as text, for traces and failure reports.
#pragma once

#include <span>
#include <string>

#include "core/cpu/cpu.h"

namespace penumbra {

// Intel syntax; "(bad)" for bytes that are no instruction.
std::string disassemble(std::span<const u8> bytes, u32 address, bool code32);
// Of the first instruction; 1 for bytes that are none.
u32 instruction_length(std::span<const u8> bytes, bool code32);
// One line of the `instructions` channel: where, what, and the general registers before it.
void trace_instruction(Cpu& cpu, const Insn& insn);

}  // namespace penumbra
