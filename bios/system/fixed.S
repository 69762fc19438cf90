// The entry points and tables that software expects at fixed addresses in the F segment since the IBM PC.
#include "layout.h"

    .code16
    .section .fixed, "ax"
    .set base, .

    .macro at address
    .org \address - 0xE000, 0xFF
    .endm
    .macro entry address, target
    at \address
    jmp \target
    .endm

    .ascii "Penumbra BIOS"
    entry 0xE05B, cold_start

    at 0xE2C3
    .globl nmi_entry
nmi_entry:
    iretw

    entry 0xE3FE, int13_entry
    at 0xE401
    // Drive 1 of the AT's disk table; every drive here has its own at INT 41h and 46h.
    .word 306
    .byte 4
    .word 0, 128
    .byte 0, 0, 0, 0, 0
    .word 305
    .byte 17, 0

    entry 0xE6F2, int19_entry

    at 0xE6F5
    .globl system_configuration
system_configuration:
    .word 9             // length of what follows
    .byte 0xFC, 0x01, 0 // an AT, submodel 1
    .byte 0x74          // second 8259, RTC, INT 15h/4Fh, extended BIOS data area
    .byte 0x40          // INT 16h/09h
    .byte 0, 0, 0, 0

    at 0xE729
    .globl baud_divisors
baud_divisors:
    .word 1047, 768, 384, 192, 96, 48, 24, 12

    entry 0xE739, int14_entry
    entry 0xE82E, int16_entry
    entry 0xE987, int09_entry
    entry 0xEC59, int13_entry
    entry 0xEF57, int0e_entry

    at 0xEFC7
    .globl diskette_table
diskette_table:
    .byte 0xAF          // step rate 6 ms, head unload 240 ms
    .byte 0x02          // head load 4 ms, DMA
    .byte 0x25          // ticks until the motor stops
    .byte 0x02          // 512-byte sectors
    .byte 18            // sectors a track
    .byte 0x1B          // gap
    .byte 0xFF          // data length
    .byte 0x54          // gap when formatting
    .byte 0xF6          // fill byte
    .byte 0x0F          // head settle, ms
    .byte 0x08          // motor start, 1/8 s

    entry 0xEFD2, int17_entry

    at 0xF065
    .globl int10_entry
int10_entry:
    iretw

    at 0xF0A4
    .globl video_parameters
video_parameters:
    // INT 1Dh: the 6845's registers for 40x25, 80x25, graphics and monochrome text, then buffer sizes, columns, modes.
    .byte 0x38, 0x28, 0x2D, 0x0A, 0x1F, 0x06, 0x19, 0x1C, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
    .byte 0x71, 0x50, 0x5A, 0x0A, 0x1F, 0x06, 0x19, 0x1C, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
    .byte 0x38, 0x28, 0x2D, 0x0A, 0x7F, 0x06, 0x64, 0x70, 0x02, 0x01, 0x06, 0x07, 0, 0, 0, 0
    .byte 0x61, 0x50, 0x52, 0x0F, 0x19, 0x06, 0x19, 0x19, 0x02, 0x0D, 0x0B, 0x0C, 0, 0, 0, 0
    .word 2048, 4096, 16384, 16384
    .byte 40, 40, 80, 80, 40, 40, 80, 80
    .byte 0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29

    entry 0xF841, int12_entry
    entry 0xF84D, int11_entry
    entry 0xF859, int15_entry
    entry 0xFE6E, int1a_entry
    entry 0xFEA5, int08_entry

    at 0xFF53
    .globl iret_entry
iret_entry:
    iretw
    entry 0xFF54, int05_entry

    at 0xFFF0
    .globl reset_vector
reset_vector:
    ljmpw $CODE_SEGMENT, $cold_start
    at 0xFFF5
    .ascii "06/01/24"
    at 0xFFFE
    .byte 0xFC
    .globl rom_checksum
rom_checksum:
    .byte 0
