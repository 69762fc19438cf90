// What POST sets up in the CPU, and what tables say about it.
#pragma once

#include "types.h"

struct processor {
  u32 signature;  // CPUID 1: EAX, EDX; 0 without CPUID
  u32 features;
  char vendor[13];
  u8 apic;  // a local APIC at FEE00000h
  u8 apic_id;
};

extern struct processor processor;

void processor_init(u32 memory_top);
