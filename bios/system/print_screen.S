// INT 05h: the text screen to the first printer; 50:00 is 1 while it prints, FFh after an error.
    .text
    .code16
    .globl int05_entry
int05_entry:
    pushaw
    pushw %ds
    pushw %es
    movw $0x50, %ax
    movw %ax, %ds
    cmpb $1, 0
    je 9f
    movb $1, 0
    sti
    movb $0x0F, %ah
    int $0x10
    movb %ah, %cl       // columns; BH is the page
    movb $0x03, %ah
    pushw %cx
    int $0x10
    popw %cx
    pushw %dx           // the cursor, to be put back
    pushw $0x40
    popw %es
    movb %es:0x84, %ch  // last row
    testb %ch, %ch
    jnz 1f
    movb $24, %ch
1:  xorw %dx, %dx
    call new_line
    jnz 7f
2:  movb $0x02, %ah
    int $0x10
    movb $0x08, %ah
    int $0x10
    testb %al, %al
    jnz 3f
    movb $' ', %al
3:  call to_printer
    jnz 7f
    incb %dl
    cmpb %cl, %dl
    jb 2b
    call new_line
    jnz 7f
    xorb %dl, %dl
    incb %dh
    cmpb %ch, %dh
    jbe 2b
    movb $0, 0
    jmp 8f
7:  movb $0xFF, 0
8:  popw %dx
    movb $0x02, %ah
    int $0x10
9:  popw %es
    popw %ds
    popaw
    iretw

new_line:
    movb $13, %al
    call to_printer
    jnz 1f
    movb $10, %al
// AL to LPT1; not zero: it failed.
to_printer:
    pushw %dx
    xorw %dx, %dx
    xorb %ah, %ah
    int $0x17
    popw %dx
    testb $0x29, %ah
1:  ret
