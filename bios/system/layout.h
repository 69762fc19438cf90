// Numbers that C and assembler share: segments, selectors, and where things lie in low memory.
#pragma once

#define CODE_SEGMENT 0xF000
#define DATA_SEGMENT 0xE000
#define EBDA_SEGMENT 0x9FC0
#define LOW_MEMORY_KIB 639

// The services' stack: from the end of the variables to the end of the E segment (README).
#define STACK_TOP 0xFFF0
// What one service call may use of it before another one that interrupts it gets its own part.
#define STACK_SHARE 2560
#define STACK_LOWEST 0xEBF0

// Selectors of mode.S.
#define SELECTOR_FLAT_CODE 0x08
#define SELECTOR_FLAT_DATA 0x10
#define SELECTOR_CODE32 0x18
#define SELECTOR_CODE16 0x20
#define SELECTOR_DATA16 0x28

// Offsets in struct regs (bios.h).
#define REGS_EDI 0
#define REGS_ESI 4
#define REGS_EBP 8
#define REGS_EBX 12
#define REGS_EDX 16
#define REGS_ECX 20
#define REGS_EAX 24
#define REGS_GS 28
#define REGS_FS 30
#define REGS_ES 32
#define REGS_DS 34
#define REGS_IP 36
#define REGS_CS 38
#define REGS_FLAGS 40
#define REGS_ESP 44
#define REGS_SS 48
#define REGS_SIZE 52

// What the keyboard and mouse handlers ask of the assembler part of their interrupt.
#define KEY_ACTION_NONE 0
#define KEY_ACTION_PRINT_SCREEN 1
#define KEY_ACTION_BREAK 2
#define KEY_ACTION_REBOOT 3
#define KEY_ACTION_PAUSE 4
#define KEY_ACTION_SYSREQ 5

#define PM_BASE 0x600
#define SMBUS_BASE 0x700
#define PM_TIMER (PM_BASE + 8)

// Devices in the PCI IRQ routing table, from 00:01, 16 bytes each.
#define PIR_SLOTS 8
#define PIR_SLOT_BYTES (16 * PIR_SLOTS)

// The I/O APIC's number, set in POST; the CPU's local APIC is 0.
#define IO_APIC_ID 1

// In CMOS 0Fh: POST asked for a hard reset of its own accord.
#define RESET_TRIED 0x5A
