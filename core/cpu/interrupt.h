// Interrupts and exceptions: from a vector to the first instruction of its handler (SDM 3A chapter 6, real mode
// 3B 20.1).
#pragma once

#include "core/cpu/cpu.h"

namespace penumbra {

// As the error code of a #DB: the fault of an instruction breakpoint, whose pushed RF stays as it is (SDM 3B 17.3.1.1).
inline constexpr u32 kCodeBreakpoint = 1;

enum class Source : u8 {
  external,   // hardware interrupt or NMI
  exception,  // fault or trap of an instruction
  software,   // INT n
  int3_into,  // INT3 and INTO: as INT n, but without VME's redirection
};

// Delivers one event; throws the fault that its delivery meets. EIP is the return address.
void deliver_event(Cpu& cpu, u8 vector, Source source, u32 error_code = 0, bool has_error_code = false);
// Delivers a fault with everything that may follow from it: double fault, shutdown (SDM 3A table 6-5).
void deliver_fault(Cpu& cpu, const GuestFault& fault);
// A hardware interrupt or NMI.
void deliver_external(Cpu& cpu, u8 vector);

}  // namespace penumbra
