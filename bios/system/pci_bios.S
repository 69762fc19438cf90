// INT 1Ah/B1h and the 32-bit PCI BIOS behind the BIOS32 service directory (PCI BIOS Specification 2.1): one text,
// assembled for both widths. It uses registers and stack only, since no data segment is known in protected mode.
#include "layout.h"

    .set SUCCESSFUL, 0x00
    .set FUNC_NOT_SUPPORTED, 0x81
    .set BAD_VENDOR_ID, 0x83
    .set DEVICE_NOT_FOUND, 0x86
    .set BAD_REGISTER_NUMBER, 0x87
    .set SET_FAILED, 0x88
    .set BUFFER_TOO_SMALL, 0x89

    .text

    .macro pci_body width
// EAX = address of function BX, register DI; it is selected.
pci_select_\width:
    pushl %edx
    movzwl %bx, %eax
    shll $8, %eax
    movzwl %di, %edx
    andl $0xFC, %edx
    leal 0x80000000(%eax,%edx), %eax
    movw $0xCF8, %dx
    outl %eax, %dx
    popl %edx
    ret

// DX = the data port of register DI.
pci_port_\width:
    movw %di, %dx
    andw $3, %dx
    addw $0xCFC, %dx
    ret

// Steps through the functions of bus 0 for one where (dword at DI and EDX) is ECX, passing by the first SI of them.
// Carry clear: BX is it.
pci_scan_\width:
    pushl %esi
    xorl %ebx, %ebx
1:  pushw %di
    xorw %di, %di
    call pci_select_\width
    pushl %edx
    movw $0xCFC, %dx
    inl %dx, %eax
    popl %edx
    popw %di
    cmpw $0xFFFF, %ax
    jne 2f
    testb $7, %bl
    jnz 3f
    orb $7, %bl
    jmp 3f
2:  call pci_select_\width
    pushl %edx
    movw $0xCFC, %dx
    inl %dx, %eax
    popl %edx
    cmpw $8, %di
    jne 4f
    shrl $8, %eax
4:  cmpl %ecx, %eax
    jne 3f
    subw $1, %si
    jc 5f
3:  incw %bx
    cmpw $0x100, %bx
    jb 1b
    stc
    jmp 6f
5:  clc
6:  popl %esi
    ret

// The service itself: AL = function.
pci_service_\width:
    andb $0x7F, %al
    cmpb $0x01, %al
    je pci_present_\width
    cmpb $0x02, %al
    je pci_find_device_\width
    cmpb $0x03, %al
    je pci_find_class_\width
    cmpb $0x08, %al
    jb pci_unsupported_\width
    cmpb $0x0D, %al
    jbe pci_access_\width
    cmpb $0x0E, %al
    je pci_routing_\width
    cmpb $0x0F, %al
    je pci_set_irq_\width
pci_unsupported_\width:
    movb $FUNC_NOT_SUPPORTED, %ah
    stc
    ret

pci_present_\width:
    movl $0x20494350, %edx
    movw $0x0001, %ax
    movw $0x0210, %bx
    movb $0, %cl
    clc
    ret

pci_find_device_\width:
    movb $BAD_VENDOR_ID, %ah
    cmpw $0xFFFF, %dx
    stc
    je 1f
    pushl %ecx
    pushl %edi
    shll $16, %ecx
    movw %dx, %cx
    xorl %edi, %edi
    call pci_scan_\width
    popl %edi
    popl %ecx
pci_found_\width:
    movb $DEVICE_NOT_FOUND, %ah
    jc 1f
    movb $SUCCESSFUL, %ah
1:  ret

pci_find_class_\width:
    pushl %ecx
    pushl %edi
    andl $0xFFFFFF, %ecx
    movl $8, %edi
    call pci_scan_\width
    popl %edi
    popl %ecx
    jmp pci_found_\width

// 08h-0Ah read byte, word, doubleword; 0Bh-0Dh write.
pci_access_\width:
    movb $BAD_REGISTER_NUMBER, %ah
    cmpw $0xFF, %di
    ja 9f
    pushl %eax
    pushl %edx
    pushl %eax
    call pci_select_\width
    call pci_port_\width
    popl %eax
    cmpb $0x08, %al
    je 1f
    cmpb $0x09, %al
    je 2f
    cmpb $0x0A, %al
    je 3f
    cmpb $0x0B, %al
    je 4f
    cmpb $0x0C, %al
    je 5f
    testw $3, %di
    jnz 8f
    movl %ecx, %eax
    outl %eax, %dx
    jmp 7f
1:  inb %dx, %al
    movb %al, %cl
    jmp 7f
2:  testw $1, %di
    jnz 8f
    inw %dx, %ax
    movw %ax, %cx
    jmp 7f
3:  testw $3, %di
    jnz 8f
    inl %dx, %eax
    movl %eax, %ecx
    jmp 7f
4:  movb %cl, %al
    outb %al, %dx
    jmp 7f
5:  testw $1, %di
    jnz 8f
    movw %cx, %ax
    outw %ax, %dx
7:  popl %edx
    popl %eax
    movb $SUCCESSFUL, %ah
    clc
    ret
8:  popl %edx
    popl %eax
    movb $BAD_REGISTER_NUMBER, %ah
9:  stc
    ret

// The IRQ routing table into the buffer that ES:DI describes; BX = the IRQs that only PCI uses.
pci_routing_\width:
    pushl %esi
    pushl %edi
    pushl %ecx
    .if \width == 32
    movl %edi, %esi
    movzwl %es:(%esi), %ecx
    movl %es:2(%esi), %edi
    .else
    movzwl %di, %esi
    movzwl %es:(%esi), %ecx
    movzwl %es:2(%esi), %edi
    .endif
    movw $PIR_SLOT_BYTES, %es:(%esi)
    cmpw $PIR_SLOT_BYTES, %cx
    movb $BUFFER_TOO_SMALL, %ah
    jb 2f
    .if \width == 16
    pushw %es
    movw %es:4(%esi), %es
    .endif
    movl $pir_slots, %esi
1:  movb %cs:(%esi), %cl
    movb %cl, %es:(%edi)
    incl %esi
    incl %edi
    cmpl $pir_slots_end, %esi
    jb 1b
    .if \width == 16
    popw %es
    .endif
    movw $0x0C00, %bx
    movb $SUCCESSFUL, %ah
    clc
    jmp 3f
2:  stc
3:  popl %ecx
    popl %edi
    popl %esi
    ret

// CL = pin (0Ah INTA#), CH = IRQ, BX = function: the routing is fixed, so only what is so already succeeds.
pci_set_irq_\width:
    pushl %ecx
    pushl %ebx
    shrb $3, %bl
    addb %bl, %cl
    subb $0x0B, %cl
    andb $3, %cl
    movb $10, %bl
    cmpb $2, %cl
    jb 1f
    movb $11, %bl
1:  cmpb %bl, %ch
    popl %ebx
    popl %ecx
    movb $SET_FAILED, %ah
    stc
    jne 2f
    movb $SUCCESSFUL, %ah
    clc
2:  ret
    .endm

    .code16
    pci_body 16

// INT 1Ah: PCI here, the clock in C. The caller's flags lie above IP and CS.
    .globl int1a_entry
int1a_entry:
    cmpb $0xB1, %ah
    jne clock_service
    cld
    pushl %ebp
    movzwl %sp, %ebp
    pushl %edi
    movzwl %di, %edi
    call pci_service_16
    popl %edi
    jc 1f
    andb $0xFE, %ss:8(%ebp)
    jmp 2f
1:  orb $1, %ss:8(%ebp)
2:  popl %ebp
    iretw

    .code32
    pci_body 32

// Far entry of the 32-bit PCI BIOS.
    .globl pci_entry32
pci_entry32:
    cld
    call pci_service_32
    lret

// BIOS32 service directory (Standard BIOS 32-bit Service Directory 0.4): EAX = service, BL = 0; answers base, length
// and entry.
    .globl bios32_entry
bios32_entry:
    testb %bl, %bl
    jnz 2f
    cmpl $0x49435024, %eax
    jne 1f
    movl $(CODE_SEGMENT << 4), %ebx
    movl $0x10000, %ecx
    movl $pci_entry32, %edx
    movb $0, %al
    lret
1:  movb $0x80, %al
    lret
2:  movb $0x81, %al
    lret
