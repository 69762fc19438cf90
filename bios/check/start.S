// Boot sector of the check diskette: loads the program behind it to 1000:0000 and runs it with all segments there.
    .code16
    .section .boot, "ax"
    ljmpw $0x07C0, $1f
1:  movw %cs, %ax
    movw %ax, %ds
    movb %dl, drive
    movw $0x1000, %ax
    movw %ax, %es
    xorw %bx, %bx
    movw $1, %si            // next sector of the diskette
2:  movw %si, %ax
    movb $18, %cl
    divb %cl
    movb %ah, %cl
    incb %cl                // sector
    xorb %ah, %ah
    shrw $1, %ax            // track to cylinder and head
    movb %al, %ch
    movb $0, %dh
    adcb $0, %dh
    movb drive, %dl
    movw $0x0201, %ax
    int $0x13
    jc 2b
    addw $512, %bx
    incw %si
    cmpw $program_sectors + 1, %si
    jb 2b
    movb drive, %dl
    movw $0x1000, %ax
    movw %ax, %ds
    movw %ax, %ss
    movl $0xFFF0, %esp
    xorw %ax, %ax
    movw %ax, %fs
    ljmpw $0x1000, $start
    .set drive, 0x1F0
    .org 510
    .word 0xAA55

    .text
    .globl start
start:
    movzbl %dl, %eax
    calll check_main
1:  hlt
    jmp 1b

// void interrupt(u32 vector, struct registers *r): eax, edx.
    .globl interrupt
interrupt:
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    pushl %edx
    movb %al, 1f + 1
    pushw %ds
    movw 32(%edx), %es
    movl 0(%edx), %edi
    movl 4(%edx), %esi
    movl 8(%edx), %ebp
    movl 12(%edx), %ebx
    movl 20(%edx), %ecx
    movl 24(%edx), %eax
    pushl 16(%edx)
    movw 34(%edx), %ds
    popl %edx
1:  int $0
    pushfw
    pushw %ds
    pushw %cs
    popw %ds
    pushl %edx
    movl 10(%esp), %edx
    popl 16(%edx)
    popw 34(%edx)
    popw 36(%edx)
    movl %edi, 0(%edx)
    movl %esi, 4(%edx)
    movl %ebp, 8(%edx)
    movl %ebx, 12(%edx)
    movl %ecx, 20(%edx)
    movl %eax, 24(%edx)
    movw %es, 32(%edx)
    popw %ds
    popl %edx
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    pushw %cs
    popw %es
    xorw %ax, %ax
    movw %ax, %fs
    cld
    retl

// Handlers that count.
    .globl on_1c, on_4a, on_1b
on_1c:
    incl %cs:ticks_seen
    iretw
on_4a:
    incl %cs:alarms_seen
    iretw
on_1b:
    incl %cs:breaks_seen
    iretw
    .globl on_mouse
on_mouse:
    incl %cs:packets_seen
    lretw
    .globl ticks_seen, alarms_seen, breaks_seen, packets_seen
    .balign 4
ticks_seen: .long 0
alarms_seen: .long 0
breaks_seen: .long 0
packets_seen: .long 0
