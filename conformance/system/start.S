// Entry by multiboot, the exception stubs of both modes, and the way into and out of a situation.
#include "layout.h"

.section .start, "ax"
.code32
.globl _start
.balign 4
multiboot_header:
  .long 0x1BADB002
  .long 0x00010000
  .long -(0x1BADB002 + 0x00010000)
  .long multiboot_header
  .long image_start
  .long image_end
  .long bss_end
  .long _start
// What the suite reads from the file: the table of cases.
  .ascii "PENUMBRA-CASES\0\0"
  .long cases_start
  .long cases_end
_start:
  cli
  cld
  mov $kernel_stack_top, %esp
  push $0
  popf
  push %ebx
  push %eax
  call kernel_main
1:
  hlt
  jmp 1b

.text
// void enter(u32 ss, u32 esp): takes a whole register image off the stack ss:esp. Control comes back through leave().
.globl enter
enter:
  push %ebp
  push %ebx
  push %esi
  push %edi
  mov 20(%esp), %eax
  mov 24(%esp), %ebx
  mov %esp, harness_esp
  mov enter_cr4, %ecx
  test %ecx, %ecx
  jz 1f
  mov %ecx, %cr4
1:
  mov enter_cr3, %ecx
  mov %ecx, %cr3
  mov enter_cr0, %ecx
  mov %ecx, %cr0
  jmp 2f
2:
  mov %eax, %ss
  mov %ebx, %esp
  pop %gs
  pop %fs
  pop %es
  pop %ds
  popal
  iretl

// void leave(void): returns from the last enter().
.globl leave
leave:
  mov harness_esp, %esp
  pop %edi
  pop %esi
  pop %ebx
  pop %ebp
  ret

.globl exception_stubs
.balign 16
exception_stubs:
  .set vector, 0
  .rept 256
  .byte 0x68
  .long vector
  .byte 0xE9
  .long entered - (. + 4)
  .balign 16
  .set vector, vector + 1
  .endr

entered:
  pushal
  push %ds
  push %es
  push %fs
  push %gs
  mov $KDATA, %ecx
  mov %ecx, %ds
  mov %ecx, %es
  mov %ss, %eax
  mov %esp, %ebx
  mov %eax, entry_ss
  mov %ebx, entry_esp
  mov %ecx, %ss
  mov $kernel_stack_top - 0x2000, %esp
  call save_control
  call caught
  jmp leave

.globl double_fault_entry
double_fault_entry:
  mov $KDATA, %ecx
  mov %ecx, %ds
  mov %ecx, %es
  mov %ecx, %ss
  mov %esp, entry_esp
  mov $kernel_stack_top - 0x2000, %esp
  call save_control
  call caught_by_task
  jmp leave

save_control:
  pushf
  pop entry_flags
  mov %cr0, %eax
  mov %eax, entry_cr0
  mov %cr2, %eax
  mov %eax, entry_cr2
  mov %cr3, %eax
  mov %eax, entry_cr3
  mov $0x11, %eax
  mov %eax, %cr0
  jmp 1f
1:
  mov %dr6, %eax
  mov %eax, entry_dr6
  mov %dr7, %eax
  mov %eax, entry_dr7
  mov $0x400, %eax
  mov %eax, %dr7
  push $2
  popf
  cld
  ret

// void enter_real(u32 ss, u32 sp): like enter(), through real mode; a 16-bit image.
.globl enter_real
enter_real:
  push %ebp
  push %ebx
  push %esi
  push %edi
  mov 20(%esp), %edx
  mov 24(%esp), %ebx
  mov %esp, harness_esp
  lidt real_idtr
  mov $LOW_DATA16, %ecx
  mov %ecx, %ds
  mov %ecx, %es
  mov %ecx, %fs
  mov %ecx, %gs
  mov %ecx, %ss
  ljmp $LOW_CODE16, $(to_real - real_base)

.globl real_return
real_return:
  mov $KDATA, %ecx
  mov %ecx, %ds
  mov %ecx, %es
  mov %ecx, %fs
  mov %ecx, %gs
  mov %ecx, %ss
  mov $kernel_stack_top - 0x2000, %esp
  mov REAL_BASE + real_ss - real_base, %eax
  mov %eax, entry_ss
  mov REAL_BASE + real_esp - real_base, %eax
  mov %eax, entry_esp
  call save_control
  call caught_real
  jmp leave

// Copied to REAL_BASE, segment REAL_SEGMENT.
.code16
.globl real_base, real_end, real_stubs
real_base:
to_real:
  mov %cr0, %eax
  and $~1, %al
  mov %eax, %cr0
  ljmp $REAL_SEGMENT, $(1f - real_base)
1:
  mov %dx, %ss
  mov %ebx, %esp
  pop %gs
  pop %fs
  pop %es
  pop %ds
  popal
  iret
real_entered:
  pushal
  push %ds
  push %es
  push %fs
  push %gs
  mov %ss, %cs:(real_ss - real_base)
  mov %esp, %cs:(real_esp - real_base)
  lgdtl %cs:(real_gdtr - real_base)
  mov %cr0, %eax
  mov %eax, %cs:(real_cr0 - real_base)
  or $1, %al
  mov %eax, %cr0
  ljmpl $KCODE, $real_return
.balign 4
real_ss: .long 0
real_esp: .long 0
.globl real_cr0
real_cr0: .long 0
.balign 8
real_gdtr: .word GDT_LIMIT
  .long gdt
.balign 16
real_stubs:
  .rept 256
  call real_entered
  .endr
real_end:
.code32

.data
.balign 4
.globl entry_ss, entry_esp, entry_flags, entry_cr0, entry_cr2, entry_cr3, entry_dr6, entry_dr7
.globl enter_cr0, enter_cr3, enter_cr4
entry_ss: .long 0
entry_esp: .long 0
entry_flags: .long 0
entry_cr0: .long 0
entry_cr2: .long 0
entry_cr3: .long 0
entry_dr6: .long 0
entry_dr7: .long 0
enter_cr0: .long 0
enter_cr3: .long 0
enter_cr4: .long 0
harness_esp: .long 0
.globl real_idtr
real_idtr: .word 0x3FF
  .long 0
.section .bss
.balign 16
  .skip 0x6000
kernel_stack_top:
  .skip 16
