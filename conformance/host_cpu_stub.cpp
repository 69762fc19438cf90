// Machine code of the host harness: the way into compatibility mode, the way out, and the signal handler's first steps.
#include "conformance/host_cpu_layout.h"

#if defined(__x86_64__) && defined(__linux__)

static_assert(penumbra::conformance::kHarnessBase == 0x5A5A0000, "C below");

// C is the control page's address; field offsets are those asserted in host_cpu_layout.h. All memory operands are
// absolute (sign-extended 32 bits: the page lies below 2 GiB).
asm(R"(
    .set C, 0x5A5A0000
    .pushsection .rodata
    .global penumbra_stub_begin, penumbra_stub_exit, penumbra_stub_signal, penumbra_stub_end
penumbra_stub_begin:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    pushfq
    mov %rsp, C+0x50
    stmxcsr C+0x60
    fxrstor C+0xC0
    cmpl $0, C+0x64
    je 1f
    rdfsbase %rax
    mov %rax, C+0x58
    movq $1, C+0xA0
    mov C+0x4C, %fs
1:  movq $1, C+0xA0
    mov C+0x48, %ds
    mov C+0x4A, %es
    mov C+0x4E, %gs
    mov C+0x00, %eax
    mov C+0x04, %ecx
    mov C+0x08, %edx
    mov C+0x0C, %ebx
    mov C+0x14, %ebp
    mov C+0x18, %esi
    mov C+0x1C, %edi
    mov $C+0x20, %esp
    iretq

penumbra_stub_exit:
    mov %eax, C+0x68
    mov %ecx, C+0x6C
    mov %edx, C+0x70
    mov %ebx, C+0x74
    mov %esp, C+0x78
    mov %ebp, C+0x7C
    mov %esi, C+0x80
    mov %edi, C+0x84
    mov C+0x50, %rsp
    pushfq
    popq C+0x88
    pushq $2
    popfq
    mov %ss, C+0x90
    mov %ds, C+0x92
    mov %es, C+0x94
    mov %fs, C+0x96
    mov %gs, C+0x98
    fxsave C+0x2C0
    fninit
leave:
    ldmxcsr C+0x60
    mov $0x2B, %eax
    mov %eax, %ss
    cmpl $0, C+0x64
    je 2f
    xor %eax, %eax
    mov %eax, %fs
    mov C+0x58, %rax
    wrfsbase %rax
2:  movq $0, C+0xA0
    popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

penumbra_stub_signal:
    pushq $2
    popfq
    cmpq $0, C+0xA0
    je 4f
    mov %ds, C+0x92
    mov %es, C+0x94
    mov %fs, C+0x96
    mov %gs, C+0x98
    cmpl $0, C+0x64
    je 3f
    xor %eax, %eax
    mov %eax, %fs
    mov C+0x58, %rax
    wrfsbase %rax
3:  mov %rdx, %rsi
    sub $8, %rsp
    call *C+0xA8
    mov C+0x50, %rsp
    jmp leave
4:  xor %esi, %esi
    jmp *C+0xA8
penumbra_stub_end:
    .popsection
)");

#endif
