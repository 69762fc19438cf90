// Entry by multiboot, the exception stubs, and calls that survive whatever the called code does.
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
// u32 call_kernel(u32 eip, u32 eax, u32 ecx): calls with these registers, at CPL 0. The result is EAX at the return, or at
// the exception that `caught` then tells of.
.globl call_kernel
call_kernel:
  push %ebp
  push %ebx
  push %esi
  push %edi
  mov %esp, recover_esp
  movl $-1, caught
  mov 20(%esp), %edx
  mov 24(%esp), %eax
  mov 28(%esp), %ecx
  xor %ebx, %ebx
  call *%edx
recovered:
  mov recover_esp, %esp
  cld
  pop %edi
  pop %esi
  pop %ebx
  pop %ebp
  ret

// The same at CPL 3; the code's RET leads to an INT.
.globl call_user
call_user:
  push %ebp
  push %ebx
  push %esi
  push %edi
  mov %esp, recover_esp
  movl $-1, caught
  mov 20(%esp), %edx
  mov 24(%esp), %eax
  mov 28(%esp), %ecx
  mov $USER_STACK - 4, %ebx
  movl $user_return, (%ebx)
  mov $UDATA, %esi
  mov %esi, %ds
  mov %esi, %es
  push $UDATA
  push %ebx
  push $2
  push $UCODE
  push %edx
  xor %ebx, %ebx
  xor %edx, %edx
  iretl

user_return:
  int $RETURN_VECTOR

.globl exception_stubs
.balign 16
exception_stubs:
  .set vector, 0
  .rept 64
  .if vector != 8 && (vector < 10 || vector > 14) && vector != 17
  push $0
  .endif
  push $vector
  .byte 0xE9
  .long entered - (. + 4)
  .balign 16
  .set vector, vector + 1
  .endr

// Vector, error code and EIP of what happened; then as if the called code had returned.
entered:
  push %ecx
  mov $KDATA, %ecx
  mov %ecx, %ds
  mov %ecx, %es
  mov 4(%esp), %ecx
  cmp $RETURN_VECTOR, %ecx
  je 1f
  mov %ecx, caught
  mov 8(%esp), %ecx
  mov %ecx, caught_error
  mov 12(%esp), %ecx
  mov %ecx, caught_eip
  mov %cr2, %ecx
  mov %ecx, caught_address
1:
  jmp recovered

.bss
.balign 16
  .skip 0x4000
kernel_stack_top:
.globl caught, caught_error, caught_eip, caught_address
recover_esp: .long 0
caught: .long 0
caught_error: .long 0
caught_eip: .long 0
caught_address: .long 0
