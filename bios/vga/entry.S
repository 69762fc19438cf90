# The ROM's header, its PCI data structure, and the ways from a caller's registers into C code.
    .code16

    .section .header, "ax"
rom:
    .byte 0x55, 0xAA
    .byte 0                         # length in 512-byte units: romtool fills it in
    jmp post
    .org 0x18
    .word pci_data
    .word 0                         # no PnP header: a display is found by its PCI class
    .byte 0, 0
    .asciz "IBM VGA compatible: Penumbra VGA BIOS"  # old programs look for the first three letters at C000:001E

# PCI Firmware Specification 3.0, 5.1.2: PCI data structure.
    .balign 4
pci_data:
    .ascii "PCIR"
    .word 0x1234, 0x1111
    .word 0                         # no vital product data
    .word 0x18
    .byte 0
    .byte 0, 0, 3                   # VGA compatible controller
    .word 0                         # image length: romtool fills it in
    .word 1
    .byte 0                         # code for PC/AT
    .byte 0x80                      # last image
    .word 0

    .text
# Pushes what FrameLayout names, sets up the segment registers, calls the C function with the frame in EAX.
# The upper half of ESP is the caller's and may be anything; C code addresses the stack by all of ESP.
.macro into_c function
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    pushal
    cld
    movzwl %sp, %esp
    movw %ss, %ax
    movw %ax, %fs
    movw %cs, %ax
    movw %ax, %ds
    xorw %ax, %ax
    movw %ax, %gs
    movl %esp, %eax
    pushw %ax                       # machine.h: a call's return address takes 4 bytes, of which it uses 2
    callw \function
    movl 12(%esp), %eax             # ESP as PUSHAD saw it
    subl $32, %eax
    movl %eax, %esp
    popal
    popw %gs
    popw %fs
    popw %es
    popw %ds
.endm

# INT 10h. Interrupts are let in again if the caller had them on.
    .globl int10_entry
int10_entry:
    pushw %bp
    movw %sp, %bp
    testb $0x02, 7(%bp)             # IF in the pushed FLAGS
    popw %bp
    jz 1f
    sti
1:
    into_c int10
    iretw

    .globl print_screen_entry
print_screen_entry:
    sti
    into_c print_screen
    iretw

# Called by the system BIOS at offset 3.
post:
    pushfw
    into_c power_on
    popfw
    lretw

# u8 call_printer(u8 character): INT 17h function 0 on LPT1; returns its status.
    .globl call_printer
call_printer:
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    xorb %ah, %ah
    xorw %dx, %dx
    int $0x17
    movzbl %ah, %eax
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    movzwl %sp, %esp
    retw $2

# VBE 4F05h as a far call (WinFuncPtr): BH = 0 sets window BL to bank DX, BH = 1 reads it into DX. Destroys AX, DX.
    .globl vbe_window_function
vbe_window_function:
    testb %bl, %bl
    jnz 2f
    pushw %cx
    movw %dx, %cx
    movw $0x1CE, %dx
    movw $5, %ax
    outw %ax, %dx
    incw %dx
    testb %bh, %bh
    jnz 1f
    movw %cx, %ax
    outw %ax, %dx
    movw %cx, %dx
    popw %cx
    movw $0x004F, %ax
    lretw
1:
    inw %dx, %ax
    movw %ax, %dx
    popw %cx
    movw $0x004F, %ax
    lretw
2:
    movw $0x014F, %ax
    lretw

    .section .note.GNU-stack, "", @progbits
