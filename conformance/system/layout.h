// Selectors and addresses that assembler and C share.
#pragma once

#define KCODE 0x08
#define KDATA 0x10
#define UCODE 0x1B
#define UDATA 0x23
#define MAIN_TSS 0x28
#define MAIN_LDT 0x30
#define KCODE16 0x38
#define KDATA16 0x40
#define UCODE16 0x4B
#define UDATA16 0x53
#define CODE1 0x59
#define DATA1 0x61
#define CODE2 0x6A
#define DATA2 0x72
#define FAULT_TSS 0x78
#define LOW_CODE16 0x80
#define LOW_DATA16 0x88
#define FREE 0x90  // from here on a case's own
#define GDT_LIMIT 0x1FF
#define LDT_LIMIT 0xFF

#define REAL_BASE 0x8000
#define REAL_SEGMENT 0x800
#define LOW_CODE 0x20000
#define LOW_DATA 0x30000
#define LOW_STACK 0x40000

#define CODE_AREA 0x200000
#define DATA_AREA 0x210000
#define KSTACK 0x22F000
#define USTACK 0x23F000
#define ESP0 0x24F000
#define ESP1 0x25F000
#define ESP2 0x26F000
#define FAULT_STACK 0x27F000
#define TABLES 0x280000  // page tables
#define FRAMES 0x300000  // page frames for paging cases
