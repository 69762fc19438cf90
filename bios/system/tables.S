// Tables that must lie in the F segment on 16 bytes: their fixed parts, and room for what POST builds.
#include "layout.h"

    .section .ftables, "ax"
    .balign 16
// BIOS32 service directory (Standard BIOS 32-bit Service Directory 0.4). POST fills in the checksums.
    .globl bios32_directory
bios32_directory:
    .ascii "_32_"
    .long (CODE_SEGMENT << 4) + bios32_entry
    .byte 0, 1, 0, 0, 0, 0, 0, 0

    .balign 16
// PCI IRQ routing (PCI IRQ Routing Table Specification 1.0): the PIIX3 at 00:01.0 routes PIRQA#-D# with its registers
// 60h-63h; INTA# of device n is PIRQ (n - 1) mod 4. IRQ 10 and 11 are PCI's alone.
    .globl pir_table, pir_slots, pir_slots_end
pir_table:
    .ascii "$PIR"
    .word 0x0100, pir_slots_end - pir_table
    .byte 0, 1 << 3
    .word 0x0C00
    .long 0x70008086, 0
    .fill 11, 1, 0
    .byte 0
pir_slots:
    .macro pir_slot device
    .byte 0, \device << 3
    .byte 0x60 + (\device + 3) % 4
    .word 0x0C00
    .byte 0x60 + (\device + 4) % 4
    .word 0x0C00
    .byte 0x60 + (\device + 5) % 4
    .word 0x0C00
    .byte 0x60 + (\device + 6) % 4
    .word 0x0C00
    .byte \device, 0
    .endm
    .set device, 1
    .rept PIR_SLOTS
    pir_slot device
    .set device, device + 1
    .endr
pir_slots_end:

    .balign 16
    .globl table_room, table_room_end
table_room:
    .fill 1536, 1, 0
table_room_end:
