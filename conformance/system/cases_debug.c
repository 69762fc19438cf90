// Debug exceptions: single step, breakpoints, DR6 and DR7, RF (SDM 3B chapter 17).
#include "kernel.h"

enum { BS = 0x4000, BD = 0x2000 };
static struct Regs stepping(void) {
  struct Regs c = kernel();
  c.eflags |= F_TF;
  return c;
}
static void debug_trap(u32 offset, u32 dr6) {
  FAULT_AT(DB, 0, offset);
  EQ(r.dr6 & 0xE00F, dr6);
}
CASE("debug.step.nop") {
  run(stepping(), CODE("nop; nop"));
  debug_trap(1, BS);
  EQ(r.regs.eflags & F_TF, F_TF);
  EQ(r.entry_flags & F_TF, 0);
}
CASE("debug.step.user") {
  struct Regs c = user();
  c.eflags |= F_TF;
  run(c, CODE("mov eax, 1; nop"));
  debug_trap(5, BS);
}
CASE("debug.step.popf-takes-effect-after-next") {
  run(kernel(), CODE("push 0x102; popfd; nop; nop"));
  debug_trap(5 + 1 + 1, BS);
}
CASE("debug.step.popf-clearing-tf-still-traps") {
  struct Regs c = stepping();
  c.esp -= 16;
  poke(c.esp, 2);
  run(c, CODE("popfd; nop"));
  debug_trap(1, BS);
  EQ(r.regs.eflags & F_TF, 0);
}
CASE("debug.step.mov-ss-shadow") {
  struct Regs c = stepping();
  c.eax = KDATA;
  run(c, CODE("mov ss, eax; nop; nop"));
  debug_trap(3, BS);
}
CASE("debug.step.pop-ss-shadow") {
  struct Regs c = stepping();
  c.esp -= 16;
  poke(c.esp, KDATA);
  run(c, CODE("pop ss; nop; nop"));
  debug_trap(2, BS);
}
CASE("debug.step.rep-one-iteration") {
  struct Regs c = stepping();
  c.esi = DATA_AREA, c.edi = DATA_AREA + 0x100, c.ecx = 3;
  run(c, CODE("rep movsb; nop"));
  debug_trap(0, BS);
  EQ(r.regs.ecx, 2);
  c.ecx = 1;
  run(c, CODE("rep movsb; nop"));
  EQ(r.vector, DB);
  EQ(r.regs.ecx, 0);
}
CASE("debug.step.int-n-does-not-step-handler") {
  struct Regs c = stepping();
  run(c, CODE("int 0x55; nop"));
  EQ(r.vector, 0x55);
  EQ(r.regs.eflags & F_TF, F_TF);
  EQ(r.entry_flags & F_TF, 0);
}
CASE("debug.step.fault-first") {
  run(stepping(), CODE("div ecx"));
  FAULT(DE, 0);
  EQ(r.regs.eflags & F_TF, F_TF);
}
CASE("debug.step.jump-to-target") {
  run(stepping(), CODE("jmp 1f; nop; nop; 1: nop"));
  debug_trap(4, BS);
}
CASE("debug.step.iret-sets-tf") {
  struct Regs c = kernel();
  c.esp -= 32;
  poke(c.esp, TARGET), poke(c.esp + 4, KCODE), poke(c.esp + 8, F_TF | 2);
  put_code(TARGET, CODE("nop; nop"));
  run(c, CODE("iretd"));
  EQ(r.vector, DB);
  EQ(r.regs.eip, TARGET + 1);
}
CASE("debug.step.real-mode") {
  struct Regs c = real();
  c.eflags |= F_TF;
  run_real(c, CODE16("nop; nop"));
  FAULT_AT(DB, 0, 1);
}
CASE("debug.step.v86") {
  struct Regs c = v86();
  c.eflags |= F_TF;
  run(c, CODE16("nop; nop"));
  debug_trap(1, BS);
}
CASE("debug.execute") {
  for (u32 n = 0; n < 4; ++n) {
    context = n;
    breakpoint(n, CODE_AREA + 1, 0, 1);
    run(kernel(), CODE("nop; mov eax, 1; nop"));
    FAULT_AT(DB, 0, 1);
    EQ(r.dr6 & (0xE000 | 1u << n), 1u << n);
    EQ(r.regs.eax, 0);
    __asm__ volatile("mov %0, %%dr6" ::"r"(0));
  }
}
CASE("debug.execute.not-in-the-middle") {
  breakpoint(0, CODE_AREA + 2, 0, 1);
  run(kernel(), CODE("nop; mov eax, 1; nop"));
  COMPLETED();
}
CASE("debug.execute.rf-suppresses-once") {
  breakpoint(0, CODE_AREA, 0, 1);
  struct Regs c = kernel();
  c.eflags |= F_RF;
  run(c, CODE("dec ecx"));
  COMPLETED();
  c.ecx = 2;
  breakpoint(0, CODE_AREA, 0, 1);
  run(c, CODE("1: dec ecx; jnz 1b"));
  FAULT(DB, 0);
  EQ(r.regs.ecx, 1);
}
CASE("debug.execute.image-has-no-rf") {
  breakpoint(0, CODE_AREA + 1, 0, 1);
  run(kernel(), CODE("nop; nop"));
  FAULT_AT(DB, 0, 1);
  EQ(r.regs.eflags & F_RF, 0);
}
CASE("debug.trap-image-has-no-rf") {
  breakpoint(0, DATA_AREA, 1, 4);
  struct Regs c = kernel();
  c.ebx = DATA_AREA;
  run(c, CODE("mov [ebx], eax; nop"));
  debug_trap(2, 1);
  EQ(r.regs.eflags & F_RF, 0);
}
CASE("debug.execute.disabled") {
  breakpoint(0, CODE_AREA, 0, 1);
  debug_control = 0x400;
  run(kernel(), CODE("nop"));
  COMPLETED();
}
CASE("debug.execute.before-fault-of-the-instruction") {
  breakpoint(0, CODE_AREA, 0, 1);
  run(kernel(), CODE("div ecx"));
  FAULT(DB, 0);
}
CASE("debug.write.lengths") {
  for (u32 length = 1; length <= 4; length *= 2)
    for (u32 size = 1; size <= 4; size *= 2)
      for (u32 at = 0; at < 12; ++at) {
        context = length << 16 | size << 8 | at;
        breakpoint(1, DATA_AREA + 4, 1, length);
        struct Regs c = kernel();
        c.ebx = DATA_AREA + at;
        if (size == 1) run(c, CODE("mov [ebx], al; nop"));
        else if (size == 2) run(c, CODE("mov [ebx], ax; nop"));
        else run(c, CODE("mov [ebx], eax; nop"));
        const int hit = at < 4 + length && at + size > 4;
        if (hit) {
          debug_trap(size == 2 ? 3 : 2, 2);
          __asm__ volatile("mov %0, %%dr6" ::"r"(0));
        } else {
          COMPLETED();
        }
      }
}
CASE("debug.write.not-on-read") {
  breakpoint(0, DATA_AREA, 1, 4);
  struct Regs c = kernel();
  c.ebx = DATA_AREA;
  run(c, CODE("mov eax, [ebx]; nop"));
  COMPLETED();
}
CASE("debug.access.read-and-write") {
  struct Regs c = kernel();
  c.ebx = DATA_AREA;
  breakpoint(0, DATA_AREA, 3, 4);
  run(c, CODE("mov eax, [ebx]; nop"));
  debug_trap(2, 1);
  __asm__ volatile("mov %0, %%dr6" ::"r"(0));
  breakpoint(0, DATA_AREA, 3, 4);
  run(c, CODE("mov [ebx], eax; nop"));
  debug_trap(2, 1);
}
CASE("debug.access.not-on-fetch") {
  breakpoint(0, CODE_AREA, 3, 4);
  run(kernel(), CODE("nop"));
  COMPLETED();
}
CASE("debug.write.string") {
  struct Regs c = kernel();
  c.edi = DATA_AREA, c.ecx = 8;
  breakpoint(1, DATA_AREA + 8, 1, 4);
  run(c, CODE("rep stosd; nop"));
  EQ(r.vector, DB);
  EQ(r.dr6 & 0xF, 2);
  EQ(r.regs.ecx, 5);
  EQ(r.regs.eip, r.start);
}
CASE("debug.length-aligns-address") {
  breakpoint(0, DATA_AREA + 3, 1, 4);
  struct Regs c = kernel();
  c.ebx = DATA_AREA;
  run(c, CODE("mov [ebx], al; nop"));
  debug_trap(2, 1);
}
CASE("debug.write.push") {
  breakpoint(0, USTACK - 4, 1, 4);
  run(user(), CODE("push eax; nop"));
  debug_trap(1, 1);
}
CASE("debug.two-at-once") {
  breakpoint(0, DATA_AREA, 1, 4);
  breakpoint(2, DATA_AREA + 2, 3, 2);
  struct Regs c = kernel();
  c.ebx = DATA_AREA;
  run(c, CODE("mov [ebx], eax; nop"));
  debug_trap(2, 5);
}
CASE("debug.step-and-data-together") {
  breakpoint(0, DATA_AREA, 1, 4);
  struct Regs c = stepping();
  c.ebx = DATA_AREA;
  run(c, CODE("mov [ebx], eax; nop"));
  debug_trap(2, BS | 1);
}
CASE("debug.dr6-is-sticky") {
  // Bits 0 to 3 may be cleared by the processor, the others never are.
  __asm__ volatile("mov %0, %%dr6" ::"r"(0xA000));
  run(stepping(), CODE("nop"));
  EQ(r.vector, DB);
  EQ(r.dr6 & 0xE000, BS | 0xA000);
}
CASE("debug.dr6-fixed-bits") {
  struct Regs c = kernel();
  c.ecx = 0;
  run(c, CODE("mov dr6, ecx; mov eax, dr6"));
  COMPLETED();
  EQ(r.regs.eax, 0xFFFF0FF0);
  c.ecx = 0xFFFFFFFF;
  run(c, CODE("mov dr6, ecx; mov eax, dr6"));
  EQ(r.regs.eax & 0xE00F, 0xE00F);
  EQ(r.regs.eax & 0x1000, 0);
}
CASE("debug.dr7-fixed-bits") {
  struct Regs c = kernel();
  run(c, CODE("mov dr7, ecx; mov eax, dr7"));
  COMPLETED();
  EQ(r.regs.eax, 0x400);
}
CASE("debug.dr0-3-hold-all-bits") {
  struct Regs c = kernel();
  c.ecx = 0x89ABCDEF;
  run(c, CODE("mov dr3, ecx; mov eax, dr3; mov dr0, ecx; mov edx, dr0"));
  COMPLETED();
  EQ(r.regs.eax, 0x89ABCDEF);
  EQ(r.regs.edx, 0x89ABCDEF);
}
CASE("debug.dr4-dr5-alias") {
  struct Regs c = kernel();
  run(c, CODE("mov eax, dr7; .byte 0x0F, 0x21, 0xE9; .byte 0x0F, 0x21, 0xE2"));
  COMPLETED();
  EQ(r.regs.ecx, r.regs.eax);
  EQ(r.regs.edx & 0xFFFF0FF0, 0xFFFF0FF0);
}
CASE("debug.dr4-dr5-with-de") {
  struct Regs c = kernel();
  c.cr4 = CR4_DE;
  run(c, CODE(".byte 0x0F, 0x21, 0xE0"));
  FAULT(UD, 0);
  run(c, CODE(".byte 0x0F, 0x23, 0xE8"));
  FAULT(UD, 0);
}
CASE("debug.gd") {
  debug_control = 0x2400;
  run(kernel(), CODE("mov eax, dr0"));
  FAULT(DB, 0);
  EQ(r.dr6 & 0xE00F, BD);
  EQ(r.dr7 & 0x2000, 0);
  debug_control = 0x2400;
  __asm__ volatile("mov %0, %%dr6" ::"r"(0));
  run(kernel(), CODE("mov dr3, eax"));
  FAULT(DB, 0);
}
CASE("debug.mov-dr-privilege") {
  run(user(), CODE("mov eax, dr0"));
  FAULT(GP, 0);
  run(user(), CODE("mov dr7, eax"));
  FAULT(GP, 0);
}
CASE("debug.io-breakpoint") {
  struct Regs c = kernel();
  c.cr4 = CR4_DE;
  breakpoint(0, 0x80, 2, 1);
  run(c, CODE("out 0x80, al; nop"));
  debug_trap(2, 1);
  __asm__ volatile("mov %0, %%dr6" ::"r"(0));
  breakpoint(0, 0x80, 2, 1);
  run(c, CODE("in al, 0x81; nop"));
  COMPLETED();
}
CASE("debug.icebp") {
  run(kernel(), CODE(".byte 0xF1; nop"));
  FAULT_AT(DB, 0, 1);
}
CASE("debug.int3-sets-no-dr6") {
  run(kernel(), CODE("int3"));
  EQ(r.vector, BP);
  EQ(r.dr6 & 0xE00F, 0);
}
CASE("debug.cs-base-is-part-of-the-linear-address") {
  breakpoint(0, CODE_AREA + 1, 0, 1);
  run(kernel16(), CODE16("nop; nop"));
  debug_trap(1, 1);
}
