// How a software interrupt reaches its C function: registers into a frame on the BIOS's own stack, and back.
#include "layout.h"

    .code16

// A service: INT entry `label` answered by the C function `handler(struct regs *)`.
    .macro service label, handler
    .globl \label
\label:
    pushw $\handler
    jmp service_common
    .endm

    .text
    service int11_entry, int11
    service int12_entry, int12
    service int13_entry, int13
    service int14_entry, int14
    service int15_entry, int15
    service int17_entry, int17
    service int18_entry, int18
    service int19_entry, int19
    service clock_service, int1a
    service keyboard_service, int16
    service key_event_service, key_event
    service mouse_event_service, mouse_event
    service clock_event_service, clock_event
    service unexpected_irq_service, unexpected_irq

// Caller's stack: handler, IP, CS, FLAGS. A call that comes while a service sleeps on the BIOS's stack (an interrupt
// handler, a TSR) may run on that stack or on its own; in both cases its frame goes below what is in use.
service_common:
    cli
    cld
    pushw %ds
    pushl %eax
    movw $DATA_SEGMENT, %ax
    movw %ax, %ds
    movw %ss, %ax
    cmpw $DATA_SEGMENT, %ax
    movzwl %sp, %eax
    je 1f
    movzwl stack_next, %eax
1:  subl $REGS_SIZE, %eax
    movl %ebx, REGS_EBX(%eax)
    movl %ecx, REGS_ECX(%eax)
    movl %edx, REGS_EDX(%eax)
    movl %esi, REGS_ESI(%eax)
    movl %edi, REGS_EDI(%eax)
    movl %ebp, REGS_EBP(%eax)
    movw %es, REGS_ES(%eax)
    movw %fs, REGS_FS(%eax)
    movw %gs, REGS_GS(%eax)
    movl %esp, REGS_ESP(%eax)
    movw %ss, REGS_SS(%eax)
    movzwl %sp, %ebx
    movl %ss:(%ebx), %ecx
    movl %ecx, REGS_EAX(%eax)
    movw %ss:4(%ebx), %cx
    movw %cx, REGS_DS(%eax)
    movzwl %ss:6(%ebx), %esi
    movl %ss:8(%ebx), %ecx
    movl %ecx, REGS_IP(%eax)
    movw %ss:12(%ebx), %cx
    movw %cx, REGS_FLAGS(%eax)
    // stack_next moves down by one share while a call from outside is being answered.
    movw stack_next, %cx
    movw %cx, REGS_SS+2(%eax)
    movw %ss, %dx
    cmpw $DATA_SEGMENT, %dx
    je 2f
    cmpw $STACK_LOWEST, %cx
    jbe 2f
    subw $STACK_SHARE, %cx
    movw %cx, stack_next
2:  movw %ds, %cx
    movw %cx, %es
    movw %cx, %ss
    movl %eax, %esp
    xorw %cx, %cx
    movw %cx, %fs
    calll *%esi

    cli
    movl %esp, %eax
    movw REGS_SS+2(%eax), %cx
    movw %cx, stack_next
    movl REGS_ESP(%eax), %ebx
    movw REGS_SS(%eax), %ss
    movl %ebx, %esp
    movzwl %sp, %ebx
    movl REGS_EAX(%eax), %ecx
    movl %ecx, %ss:(%ebx)
    movw REGS_DS(%eax), %cx
    movw %cx, %ss:4(%ebx)
    movw REGS_FLAGS(%eax), %cx
    movw %cx, %ss:12(%ebx)
    movw REGS_GS(%eax), %gs
    movw REGS_FS(%eax), %fs
    movw REGS_ES(%eax), %es
    movl REGS_EBP(%eax), %ebp
    movl REGS_EDI(%eax), %edi
    movl REGS_ESI(%eax), %esi
    movl REGS_EDX(%eax), %edx
    movl REGS_ECX(%eax), %ecx
    movl REGS_EBX(%eax), %ebx
    popl %eax
    popw %ds
    addw $2, %sp
    iretw

// INT 16h: functions 00h and 10h sleep here, on the caller's stack, because programs that take over an interrupt may
// stay away for long and call again meanwhile.
    .globl int16_entry
int16_entry:
    testb $0xEF, %ah
    jnz keyboard_service
1:  cli
    pushw %ax
    orb $1, %ah
    pushfw
    pushw %cs
    call keyboard_service
    popw %ax
    jnz keyboard_service
    sti
    hlt
    jmp 1b

// void call_interrupt(u8 vector, struct regs *r): eax, edx.
    .globl call_interrupt
call_interrupt:
    movzbl %al, %eax
    movl %fs:(,%eax,4), %eax
    jmp 1f

// void call_far(struct far_ptr target, struct regs *r): eax, edx. The callee sees flags below its return address, so
// it may return with IRET; whatever it leaves on the stack is dropped.
    .globl call_far
call_far:
1:  pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    pushl %edx
    pushl call_stack_outer
    movl %esp, call_stack_outer
    pushfw
    pushw %cs
    pushw $2f
    pushl %eax
    movw REGS_ES(%edx), %es
    movl REGS_EDI(%edx), %edi
    movl REGS_ESI(%edx), %esi
    movl REGS_EBP(%edx), %ebp
    movl REGS_EBX(%edx), %ebx
    movl REGS_ECX(%edx), %ecx
    movl REGS_EAX(%edx), %eax
    pushl REGS_EDX(%edx)
    movw REGS_DS(%edx), %ds
    popl %edx
    cli
    lretw

    // Back from the call: SS is still ours.
2:  pushfw
    pushw %ds
    pushl %eax
    movw %cs:own_data, %ax
    movw %ax, %ds
    movl call_stack_outer, %eax
    pushl %edx
    movl 4(%eax), %edx
    popl REGS_EDX(%edx)
    popl REGS_EAX(%edx)
    popw REGS_DS(%edx)
    popw REGS_FLAGS(%edx)
    movw %es, REGS_ES(%edx)
    movl %edi, REGS_EDI(%edx)
    movl %esi, REGS_ESI(%edx)
    movl %ebp, REGS_EBP(%edx)
    movl %ebx, REGS_EBX(%edx)
    movl %ecx, REGS_ECX(%edx)
    movl %eax, %esp
    popl call_stack_outer
    popl %edx
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    movw $DATA_SEGMENT, %ax
    movw %ax, %es
    xorw %ax, %ax
    movw %ax, %fs
    cld
    retl

own_data:
    .word DATA_SEGMENT

// void start_boot_sector(struct far_ptr entry, u8 drive): the stack of the BIOS is empty from here on.
    .globl start_boot_sector
start_boot_sector:
    cli
    movw $STACK_TOP, stack_next
    movzbl %dl, %edx
    xorl %ebx, %ebx
    movw %bx, %ss
    movl $0x7C00, %esp
    pushl %eax
    movw %bx, %ds
    movw %bx, %es
    movw %bx, %fs
    movw %bx, %gs
    movl $0xAA55, %eax
    xorl %ecx, %ecx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %ebp, %ebp
    sti
    lretw

    .data
    .globl stack_next
stack_next:
    .word STACK_TOP
    .balign 4
call_stack_outer:
    .long 0
