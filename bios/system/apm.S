// The protected-mode side of APM 1.2 (APM BIOS Interface Specification): one text for 16- and 32-bit callers, which works
// on registers alone. The real-mode side is apm.c.
#include "layout.h"

    .text

// AX = 53xxh. Interrupts may be on or off; idling turns them on for the HLT and puts them back.
    .macro apm_body width
    cmpb $0x05, %al
    je apm_idle_\width
    cmpb $0x07, %al
    je apm_state_\width
    cmpb $0x0A, %al
    je apm_power_\width
    cmpb $0x0B, %al
    je apm_event_\width
    cmpb $0x0C, %al
    je apm_get_state_\width
    cmpb $0x0E, %al
    je apm_version_\width
    cmpb $0x10, %al
    je apm_capabilities_\width
    cmpb $0x04, %al
    je apm_done_\width
    cmpb $0x06, %al
    je apm_done_\width
    cmpb $0x08, %al
    je apm_done_\width
    cmpb $0x09, %al
    je apm_done_\width
    cmpb $0x0D, %al
    je apm_done_\width
    cmpb $0x0F, %al
    je apm_done_\width
    movb $0x0C, %ah
    stc
    ret
apm_idle_\width:
    pushf
    sti
    hlt
    popf
apm_done_\width:
    movb $0, %ah
    clc
    ret
apm_state_\width:
    // Off, for all devices that APM manages, turns the machine off; the other states are entered by doing nothing.
    cmpw $0x0001, %bx
    jne apm_done_\width
    cmpw $0x0003, %cx
    jne apm_done_\width
    pushl %edx
    pushl %eax
    movw $(PM_BASE + 4), %dx
    movw $0x2000, %ax
    outw %ax, %dx
    popl %eax
    popl %edx
    movb $0x60, %ah
    stc
    ret
apm_power_\width:
    cmpw $0x0001, %bx
    movb $0x09, %ah
    jne 1f
    movw $0x01FF, %bx
    movw $0x80FF, %cx
    movw $0xFFFF, %dx
    jmp apm_done_\width
apm_event_\width:
    movb $0x80, %ah
1:  stc
    ret
apm_get_state_\width:
    xorw %cx, %cx
    jmp apm_done_\width
apm_version_\width:
    movw $0x0102, %ax
    clc
    ret
apm_capabilities_\width:
    xorw %bx, %bx
    xorw %cx, %cx
    jmp apm_done_\width
    .endm

    .code16
apm_service_16:
    apm_body 16
    .globl apm_entry16
apm_entry16:
    call apm_service_16
    lretw

    .code32
apm_service_32:
    apm_body 32
    .globl apm_entry32
apm_entry32:
    call apm_service_32
    lret
