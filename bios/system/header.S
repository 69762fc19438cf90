// The first bytes of the E segment: memory managers look for this signature and leave what follows alone, here 64 KiB.
// The checksum is not right, so nobody runs it.
    .section .header, "a"
    .byte 0x55, 0xAA, 0x80
    .byte 0xCB
    .ascii "Penumbra BIOS data"
    .balign 16
