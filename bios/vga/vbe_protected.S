# The VBE protected-mode interface (function 0Ah): a table of offsets, then 32-bit code which a program copies where it likes.
# Each routine is called near, with EBX, ECX, EDX as in real mode; it may use the ports in the list.
    .text
    .balign 4
    .globl vbe_protected_mode_interface
    .globl vbe_protected_mode_interface_end
vbe_protected_mode_interface:
    .word set_window - vbe_protected_mode_interface
    .word set_display_start - vbe_protected_mode_interface
    .word set_palette - vbe_protected_mode_interface
    .word ports - vbe_protected_mode_interface
ports:
    .word 0x1CE, 0x1CF, 0x3C8, 0x3C9, 0xFFFF
    .word 0xFFFF                    # no memory to be mapped

    .code32
# Reads display register \index into AX.
.macro dispi_in index
    movw $0x1CE, %dx
    movw $\index, %ax
    outw %ax, %dx
    incl %edx
    inw %dx, %ax
.endm
# Writes \value, which must not be AX or DX, into display register \index.
.macro dispi_out index, value
    movw $0x1CE, %dx
    movw $\index, %ax
    outw %ax, %dx
    incl %edx
    movw \value, %ax
    outw %ax, %dx
.endm

# BL = window 0, BH = 0 to set bank DX, 1 to read it.
set_window:
    testb %bl, %bl
    jnz failed
    testb %bh, %bh
    jnz 1f
    pushl %ecx
    pushl %edx
    movl %edx, %ecx
    dispi_out 5, %cx
    popl %edx
    popl %ecx
    movw $0x004F, %ax
    ret
1:
    dispi_in 5
    movzwl %ax, %edx
    movw $0x004F, %ax
    ret
failed:
    movw $0x014F, %ax
    ret

# DX:CX = display start in units of 4 bytes (of 1 byte a plane with 4 bits a pixel). The device wants a pixel and a line.
set_display_start:
    pushl %ebx
    pushl %ecx
    pushl %edx
    pushl %esi
    shll $16, %edx
    movw %cx, %dx
    movl %edx, %esi
    dispi_in 3
    movzwl %ax, %ebx
    dispi_in 6
    movzwl %ax, %ecx
    cmpl $4, %ebx
    jne 1f
    shrl $3, %ecx                   # bytes a line in each plane
    xorl %ebx, %ebx
    jmp 2f
1:
    shll $2, %esi
    addl $7, %ebx
    shrl $3, %ebx                   # bytes a pixel
    imull %ebx, %ecx                # bytes a line
2:
    testl %ecx, %ecx
    jz 4f
    movl %esi, %eax
    xorl %edx, %edx
    divl %ecx
    movl %eax, %ecx                 # line
    movl %edx, %eax
    testl %ebx, %ebx
    jnz 3f
    shll $3, %eax
    incl %ebx
3:
    xorl %edx, %edx
    divl %ebx
    movl %eax, %ebx                 # pixel
    dispi_out 8, %bx
    dispi_out 9, %cx
4:
    popl %esi
    popl %edx
    popl %ecx
    popl %ebx
    movw $0x004F, %ax
    ret

# CX entries from DX on at ES:EDI: blue, green, red, spare.
set_palette:
    pushl %ebx
    pushl %ecx
    pushl %edx
    pushl %edi
    movzwl %cx, %ecx
    movb %dl, %al
    movw $0x3C8, %dx
    outb %al, %dx
    incl %edx
    jecxz 2f
1:
    movb %es:2(%edi), %al
    outb %al, %dx
    movb %es:1(%edi), %al
    outb %al, %dx
    movb %es:(%edi), %al
    outb %al, %dx
    addl $4, %edi
    decl %ecx
    jnz 1b
2:
    popl %edi
    popl %edx
    popl %ecx
    popl %ebx
    movw $0x004F, %ax
    ret
vbe_protected_mode_interface_end:
    .code16

    .section .note.GNU-stack, "", @progbits
