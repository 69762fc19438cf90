// Power-on entry, protected mode for the few services that need all of memory, and the ways out of the BIOS.
#include "layout.h"

    .text
    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF  // 08: flat code
    .quad 0x00CF93000000FFFF  // 10: flat data
    .quad 0x00409B0F0000FFFF  // 18: the F segment, 32-bit code
    .quad 0x00009B0F0000FFFF  // 20: the F segment, 16-bit code
    .quad 0x000093000000FFFF  // 28: data with real mode's limit
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long (CODE_SEGMENT << 4) + gdt

// The CPU comes here from FFFF:0000 or from 4 GiB - 16. The F segment may show ROM, its RAM copy or, after a reset of the
// CPU alone, a RAM copy that software wrote over: so the copy is made anew, by code running from the top of memory.
    .code16
    .globl cold_start
cold_start:
    cli
    cld
    movb $0x01, %al
    outb %al, $0x80
    // After a jump here address line 20 may be masked.
    inb $0x92, %al
    andb $0xFE, %al
    orb $0x02, %al
    outb %al, $0x92
    // A shutdown code in CMOS 0Fh: 5 and 9 and 0Ah return to who reset the CPU (80286 software leaving protected mode).
    movb $0x8F, %al
    outb %al, $0x70
    inb $0x71, %al
    movb %al, %bl
    movb $0x8F, %al
    outb %al, $0x70
    xorb %al, %al
    outb %al, $0x71
    movb $0x0D, %al
    outb %al, $0x70
    cmpb $0x05, %bl
    je resume_with_eoi
    cmpb $0x09, %bl
    je resume_block_move
    cmpb $0x0A, %bl
    je resume_at_67
    // The PIIX3's interrupt routing is off (80h) after a reset of the whole machine. Otherwise only the CPU was reset, or
    // a program jumped here: the devices are as it left them, and a hard reset (PIIX3 datasheet 2.5.4.1) brings us here
    // again with all of them fresh. CMOS 0Fh tells that it was tried.
    cmpb $RESET_TRIED, %bl
    je 1f
    movw $0xCF8, %dx
    movl $0x80000860, %eax
    outl %eax, %dx
    movw $0xCFC, %dx
    inl %dx, %eax
    cmpl $0x80808080, %eax
    je 1f
    movb $0x8F, %al
    outb %al, $0x70
    movb $RESET_TRIED, %al
    outb %al, $0x71
    movw $0xCF9, %dx
    movb $0x02, %al
    outb %al, %dx
    movb $0x06, %al
    outb %al, %dx
1:  lgdtl %cs:gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $SELECTOR_FLAT_CODE, $(0xFFFF0000 + 2f)
    .code32
2:  movw $SELECTOR_FLAT_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    // i440FX PAM0 (59h, F segment) and PAM5-6 (5Eh-5Fh, E segment) as plain RAM, 440FX datasheet 3.2.18.
    movw $0xCF8, %dx
    movl $0x80000058, %eax
    outl %eax, %dx
    movw $0xCFD, %dx
    movb $0x30, %al
    outb %al, %dx
    movw $0xCF8, %dx
    movl $0x8000005C, %eax
    outl %eax, %dx
    movw $0xCFE, %dx
    movw $0x3333, %ax
    outw %ax, %dx
    movl $0xFFFE0000, %esi
    movl $0x000E0000, %edi
    movl $0x8000, %ecx
    rep movsl
    movl $0x000E0000 + bss_start, %edi
    movl $bss_end, %ecx
    subl $bss_start, %ecx
    xorl %eax, %eax
    rep stosb
    movw $SELECTOR_DATA16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    ljmpl $SELECTOR_CODE16, $3f
    .code16
3:  movl %cr0, %eax
    andb $0xFE, %al
    movl %eax, %cr0
    ljmpw $CODE_SEGMENT, $4f
4:  movw $DATA_SEGMENT, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $STACK_TOP, %esp
    xorw %ax, %ax
    movw %ax, %fs
    lidtl %cs:real_idt
    calll post
0:  hlt
    jmp 0b

// 40:67 holds the far address to go on at.
resume_with_eoi:
    movb $0x20, %al
    outb %al, $0xA0
    outb %al, $0x20
resume_at_67:
    xorw %ax, %ax
    movw %ax, %ds
    ljmpw *0x467
// An INT 15h/87h frame as the AT leaves it: SS:SP at 40:67, ES and DS, all registers, then the INT's own frame.
resume_block_move:
    xorw %ax, %ax
    movw %ax, %ds
    movw 0x469, %ss
    movw 0x467, %sp
    popw %ds
    popw %es
    popaw
    iretw

real_idt:
    .word 0x3FF
    .long 0

// u32 flat_call(operation, u32 a, u32 b, u32 c): runs the 32-bit code at `operation` with EDI = a, ESI = b, ECX = c,
// EDX = b and flat DS and ES; its EAX is the answer. Interrupts stay off; segment limits are real mode's afterwards.
    .globl flat_call
flat_call:
    pushfl
    cli
    pushl %ebx
    pushl %esi
    pushl %edi
    pushw %ds
    pushw %es
    movl %eax, %ebx
    movl %edx, %edi
    movl %ecx, %esi
    movl %ecx, %edx
    movl 24(%esp), %ecx
    lgdtl %cs:gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $SELECTOR_CODE32, $1f
    .code32
1:  movw $SELECTOR_FLAT_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    cld
    call *%ebx
    movl %eax, %ebx
    movw $SELECTOR_DATA16, %ax
    movw %ax, %ds
    movw %ax, %es
    ljmpl $SELECTOR_CODE16, $2f
    .code16
2:  movl %cr0, %eax
    andb $0xFE, %al
    movl %eax, %cr0
    ljmpw $CODE_SEGMENT, $3f
3:  popw %es
    popw %ds
    movl %ebx, %eax
    popl %edi
    popl %esi
    popl %ebx
    popfl
    retl

// What flat_call may run.
    .code32
    .globl op_copy, op_fill, op_port_read8, op_read32, op_write32
op_copy:
    movl %ecx, %edx
    shrl $2, %ecx
    rep movsl
    movl %edx, %ecx
    andl $3, %ecx
    rep movsb
    ret
op_fill:
    movl %edx, %eax
    rep stosb
    ret
op_port_read8:
    rep insb
    ret
op_read32:
    movl (%edi), %eax
    ret
op_write32:
    movl %edx, (%edi)
    ret

// INT 15h/89h, with the frame in EAX: to protected mode with the caller's tables at ES:SI, the interrupt controllers at
// BH and BL, and back to the caller with CS 30h, DS 18h, ES 20h, SS 28h. Descriptor 38h is the BIOS's own.
    .code16
    .globl enter_protected_mode
enter_protected_mode:
    cli
    movl %eax, %ebp
    movw REGS_ES(%ebp), %es
    movzwl REGS_ESI(%ebp), %esi
    movl $0x0000FFFF, %es:0x38(%esi)
    movl $0x00009B0F, %es:0x3C(%esi)
    inb $0x92, %al
    andb $0xFE, %al
    orb $0x02, %al
    outb %al, $0x92
    movb $0x11, %al
    outb %al, $0x20
    outb %al, $0xA0
    movb REGS_EBX+1(%ebp), %al
    outb %al, $0x21
    movb REGS_EBX(%ebp), %al
    outb %al, $0xA1
    movb $0x04, %al
    outb %al, $0x21
    movb $0x02, %al
    outb %al, $0xA1
    movb $0x01, %al
    outb %al, $0x21
    outb %al, $0xA1
    movb $0xFF, %al
    outb %al, $0x21
    outb %al, $0xA1
    lgdtw %es:0x08(%esi)
    lidtw %es:0x10(%esi)
    movw REGS_IP(%ebp), %dx
    movl REGS_ESP(%ebp), %ecx
    addw $14, %cx
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpw $0x38, $1f
1:  movl REGS_EBX(%ebp), %ebx
    movl REGS_ESI(%ebp), %esi
    movl REGS_EDI(%ebp), %edi
    movl REGS_EBP(%ebp), %ebp
    movw $0x18, %ax
    movw %ax, %ds
    movw $0x20, %ax
    movw %ax, %es
    movw $0x28, %ax
    movw %ax, %ss
    movl %ecx, %esp
    pushw $0x30
    pushw %dx
    xorw %ax, %ax
    lretw

// void start_multiboot(u32 entry, u32 info): Multiboot 0.6.96, 3.2.
    .code16
    .globl start_multiboot
start_multiboot:
    cli
    movl %eax, %ecx
    movl %edx, %ebx
    lgdtl %cs:gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $SELECTOR_CODE32, $1f
    .code32
1:  movw $SELECTOR_FLAT_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl $0x7C00, %esp
    pushl $SELECTOR_FLAT_CODE
    pushl %ecx
    movl $0x2BADB002, %eax
    lret

// void start_linux(u16 segment): the setup code one paragraph run above the boot sector at `segment`
// (Documentation/x86/boot.rst, "Running the kernel").
    .code16
    .globl start_linux
start_linux:
    cli
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl $0xFFF0, %esp
    addw $0x20, %ax
    xorl %ecx, %ecx
    pushw %ax
    pushw %cx
    xorl %ebx, %ebx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    lretw

    .globl reset_machine
reset_machine:
    cli
    movb $0x06, %al
    movw $0xCF9, %dx
    outb %al, %dx
    movb $0xFE, %al
    outb %al, $0x64
    movl $0x10000, %ecx
1:  inb $0x64, %al
    loopl 1b
    // Neither reset line is wired: a triple fault resets any PC.
    lidtl %cs:no_idt
    int3
2:  hlt
    jmp 2b
no_idt:
    .word 0
    .long 0
