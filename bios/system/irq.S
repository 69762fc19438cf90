// Hardware interrupts: short ones whole, the others with their C part called as a service. All run on the stack of what
// they interrupt and call what programs may have hooked from there.
#include "layout.h"

    .text
    .code16

    .macro call_service label
    pushfw
    pushw %cs
    call \label
    .endm

    .macro end_of_interrupt
    movb $0x20, %al
    outb %al, $0x20
    .endm

    .macro end_of_interrupt_slave
    movb $0x20, %al
    outb %al, $0xA0
    outb %al, $0x20
    .endm

// IRQ 0: time of day, floppy motor, user tick.
    .globl int08_entry
int08_entry:
    pushw %ds
    pushw %ax
    pushw %dx
    movw $0x40, %ax
    movw %ax, %ds
    incl 0x6C
    cmpl $0x001800B0, 0x6C
    jb 1f
    movl $0, 0x6C
    movb $1, 0x70
1:  cmpb $0, 0x40
    je 2f
    decb 0x40
    jnz 2f
    andb $0xF0, 0x3F
    movw $0x3F2, %dx
    movb $0x0C, %al
    outb %al, %dx
2:  int $0x1C
    end_of_interrupt
    popw %dx
    popw %ax
    popw %ds
    iretw

// IRQ 1: a byte from the keyboard.
    .globl int09_entry
int09_entry:
    pushw %ax
    inb $0x64, %al
    andb $0x21, %al
    cmpb $0x21, %al
    je 9f
    inb $0x60, %al
    cmpb $0xFA, %al
    je 1f
    cmpb $0xFE, %al
    je 1f
    movb $0x4F, %ah
    stc
    int $0x15
    jnc 9f
1:  xorb %ah, %ah
    call_service key_event_service
    cmpb $KEY_ACTION_NONE, %ah
    jne 2f
9:  end_of_interrupt
    popw %ax
    iretw

2:  pushw %ax
    end_of_interrupt
    popw %ax
    cmpb $KEY_ACTION_PRINT_SCREEN, %ah
    je 3f
    cmpb $KEY_ACTION_BREAK, %ah
    je 4f
    cmpb $KEY_ACTION_PAUSE, %ah
    je 5f
    cmpb $KEY_ACTION_SYSREQ, %ah
    je 7f
    cmpb $KEY_ACTION_REBOOT, %ah
    jne 8f
    pushw $DATA_SEGMENT
    popw %ds
    calll reset_machine
3:  sti
    int $0x05
    jmp 8f
4:  sti
    int $0x1B
    jmp 8f
5:  pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
6:  sti
    hlt
    testb $0x08, 0x18
    jnz 6b
    popw %ds
    jmp 8f
7:  movb $0x85, %ah
    sti
    int $0x15
8:  popw %ax
    iretw

// IRQ 6: the floppy controller is done.
    .globl int0e_entry
int0e_entry:
    pushw %ax
    pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
    orb $0x80, 0x3E
    end_of_interrupt
    movw $0x9101, %ax
    int $0x15
    popw %ds
    popw %ax
    iretw

// IRQ 8: periodic interrupt and alarm.
    .globl int70_entry
int70_entry:
    pushw %ax
    call_service clock_event_service
    pushw %ax
    end_of_interrupt_slave
    popw %ax
    testb %ah, %ah
    jz 1f
    sti
    int $0x4A
1:  popw %ax
    iretw

// IRQ 9: where IRQ 2 went on the XT.
    .globl int71_entry
int71_entry:
    pushw %ax
    movb $0x20, %al
    outb %al, $0xA0
    popw %ax
    int $0x0A
    iretw

// IRQ 12: a byte from the mouse; a whole packet goes to the handler at EBDA:22h as four words.
    .globl int74_entry
int74_entry:
    pushal
    pushw %ds
    pushw %es
    call_service mouse_event_service
    movb %al, %ah
    end_of_interrupt_slave
    testb %ah, %ah
    jz 1f
    pushw %bx
    pushw %cx
    pushw %dx
    pushw $0
    movw $0x40, %ax
    movw %ax, %ds
    movw 0x0E, %ax
    movw %ax, %ds
    lcallw *0x22
    addw $8, %sp
    cli
1:  popw %es
    popw %ds
    popal
    iretw

// IRQ 13: a numeric error, handed to INT 2 as on the XT.
    .globl int75_entry
int75_entry:
    pushw %ax
    xorb %al, %al
    outb %al, $0xF0
    end_of_interrupt_slave
    popw %ax
    int $0x02
    iretw

// IRQ 14: the hard disk.
    .globl int76_entry
int76_entry:
    pushw %ax
    pushw %ds
    movw $0x40, %ax
    movw %ax, %ds
    movb $0xFF, 0x8E
    end_of_interrupt_slave
    movw $0x9100, %ax
    int $0x15
    popw %ds
    popw %ax
    iretw

// IRQ 15, the second IDE channel, and the other lines that nobody serves.
    .globl int77_entry
int77_entry:
    pushw %ax
    end_of_interrupt_slave
    popw %ax
    iretw

    .globl unexpected_irq_entry
unexpected_irq_entry:
    pushw %ax
    call_service unexpected_irq_service
    popw %ax
    iretw
