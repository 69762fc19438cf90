// A boot sector that loads the kernel behind it to 1 MiB and enters it as a multiboot loader does, for machines that
// take no --kernel.
.code16
.globl _start
_start:
  ljmp $0x7C0, $(1f - _start)
1:
  cli
  xor %ax, %ax
  mov %ax, %ss
  mov $0x7000, %sp
  mov %cs, %ax
  mov %ax, %ds
  sti
  xor %bp, %bp  // track * 2 + head
next:
  mov $0x1000, %ax
  mov %ax, %es
  xor %bx, %bx
  mov %bp, %ax
  shr $1, %ax
  mov %al, %ch
  mov %bp, %dx
  and $1, %dx
  xchg %dl, %dh
  mov $1, %cl
  mov $0x0212, %ax
  int $0x13
  jc next
  push %ds
  pop %es
  mov $(moves - _start), %si
  mov $4608, %cx
  mov $0x87, %ah
  int $0x15
  addl $9216, to - _start
  // base bits 0-23 lie in bytes 2-4 of the descriptor: `to` is there, its top byte the access rights
  movb $0x93, to + 3 - _start
  inc %bp
  cmp $58, %bp
  jb next
  cli
  lgdtl table - _start
  mov %cr0, %eax
  or $1, %al
  mov %eax, %cr0
  ljmpl $8, $(flat - _start + 0x7C00)
.code32
flat:
  mov $16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov %eax, %ss
  mov $0x2BADB002, %eax
  mov $(info - _start + 0x7C00), %ebx
  mov 0x100010, %ecx
  mov $0x80000, %esp
  mov 0x10001C, %ecx
  jmp *%ecx
.balign 8
moves:
  .skip 16
  .word 0xFFFF, 0, 0x9301, 0
  .word 0xFFFF
to:
  .long 0x930FFE00
  .word 0
  .skip 16
gdt:
  .quad 0, 0xCF9B000000FFFF, 0xCF93000000FFFF
table:
  .word 23
  .long gdt - _start + 0x7C00
info:
  .long 0
.org 510
.word 0xAA55
