// Privileged instructions, control registers, LAR to ARPL, SYSENTER, MSRs, interrupt shadows, alignment checks.
#include "kernel.h"

CASE("privileged.cpl-3") {
  static const u8 forms[][3] = {{0xF4, 0x90, 0x90}, {0x0F, 0x06, 0x90}, {0x0F, 0x20, 0xC0}, {0x0F, 0x22, 0xC0},
                                {0x0F, 0x20, 0xD8}, {0x0F, 0x22, 0xE0}, {0x0F, 0x08, 0x90}, {0x0F, 0x09, 0x90},
                                {0x0F, 0x30, 0x90}, {0x0F, 0x32, 0x90}, {0x0F, 0x01, 0x13}, {0x0F, 0x01, 0x1B},
                                {0x0F, 0x01, 0xF0}, {0x0F, 0x01, 0x3B}, {0x0F, 0x00, 0xD0}, {0x0F, 0x00, 0xD8}};
  struct Regs c = user();
  c.ebx = DATA_AREA;
  for (context = 0; context < sizeof forms / 3; ++context) {
    run(c, (struct Code){forms[context], 3});
    FAULT(GP, 0);
  }
}
CASE("privileged.cpl-1-and-2") {
  for (u32 cpl = 1; cpl < 3; ++cpl) {
    run(ring(cpl), CODE("hlt"));
    FAULT(GP, 0);
    run(ring(cpl), CODE("mov eax, cr0"));
    FAULT(GP, 0);
    run(ring(cpl), CODE("clts"));
    FAULT(GP, 0);
  }
}
CASE("privileged.sgdt-sidt-sldt-str-smsw-allowed") {
  struct Regs c = user();
  c.ebx = DATA_AREA;
  run(c, CODE("sgdt [ebx]; sidt [ebx + 8]; sldt ecx; str edx; smsw eax"));
  COMPLETED();
  EQ(peek16(DATA_AREA), GDT_LIMIT);
  EQ(peek(DATA_AREA + 2), (u32)gdt);
  EQ(peek16(DATA_AREA + 8), 0x7FF);
  EQ(peek(DATA_AREA + 10), (u32)idt);
  EQ(r.regs.ecx & 0xFFFF, MAIN_LDT);
  EQ(r.regs.edx & 0xFFFF, MAIN_TSS);
  EQ(r.regs.eax & 0xFFFF, CR0_PE | CR0_ET);
}
CASE("cr0.nw-without-cd") {
  struct Regs c = kernel();
  c.eax = CR0_PE | CR0_ET | CR0_NW;
  run(c, CODE("mov cr0, eax"));
  FAULT(GP, 0);
}
CASE("cr0.et-is-hardwired") {
  struct Regs c = kernel();
  c.eax = CR0_PE;
  run(c, CODE("mov cr0, eax; mov ecx, cr0"));
  COMPLETED();
  EQ(r.regs.ecx, CR0_PE | CR0_ET);
}
CASE("cr0.lmsw-sets-not-clears-pe") {
  struct Regs c = kernel();
  c.eax = 0xFFFE;
  run(c, CODE("lmsw ax; mov ecx, cr0"));
  COMPLETED();
  EQ(r.regs.ecx, CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET);
  c.eax = 0;
  run(c, CODE("lmsw ax; mov ecx, cr0"));
  EQ(r.regs.ecx, CR0_PE | CR0_ET);
}
CASE("cr0.clts") {
  struct Regs c = kernel();
  c.cr0 |= CR0_TS;
  run(c, CODE("clts; mov eax, cr0"));
  COMPLETED();
  EQ(r.regs.eax & CR0_TS, 0);
}
CASE("cr4.reserved-bits") {
  struct Regs c = kernel();
  c.eax = 0x80000000;
  run(c, CODE("mov cr4, eax; mov cr4, ecx"));
  FAULT(GP, 0);
}
CASE("tsc.tsd") {
  struct Regs c = user();
  run(c, CODE("rdtsc"));
  COMPLETED();
  c.cr4 = CR4_TSD;
  run(c, CODE("rdtsc"));
  FAULT(GP, 0);
  c = kernel();
  c.cr4 = CR4_TSD;
  run(c, CODE("rdtsc"));
  COMPLETED();
}
CASE("tsc.advances") {
  run(user(), CODE("rdtsc; mov ecx, eax; mov ebx, edx; 1: rdtsc; cmp eax, ecx; je 1b; sub eax, ecx; sbb edx, ebx"));
  COMPLETED();
  EQ(r.regs.edx, 0);
}
CASE("pmc.pce") {
  struct Regs c = user();
  run(c, CODE("rdpmc"));
  FAULT(GP, 0);
}
CASE("msr.unknown") {
  struct Regs c = kernel();
  c.ecx = 0xDEADBEEF;
  run(c, CODE("rdmsr"));
  FAULT(GP, 0);
  run(c, CODE("wrmsr"));
  FAULT(GP, 0);
}
CASE("msr.sysenter-registers") {
  if (!(cpu_features() & HAS_SEP)) return skip("no SYSENTER");
  struct Regs c = kernel();
  for (c.ecx = 0x174; c.ecx < 0x177; ++c.ecx) {
    c.eax = 0x5678 + c.ecx;
    run(c, CODE("wrmsr; xor eax, eax; rdmsr"));
    COMPLETED();
    EQ(r.regs.eax, c.eax);
  }
}
static void sysenter_msrs(u32 cs) {
  __asm__ volatile("wrmsr" ::"c"(0x174), "a"(cs), "d"(0));
  __asm__ volatile("wrmsr" ::"c"(0x175), "a"(KSTACK - 0x400), "d"(0));
  __asm__ volatile("wrmsr" ::"c"(0x176), "a"(TARGET), "d"(0));
}
static void flat_four(void) {
  descriptor(FREE, 0, 0xFFFFF, 0x9B, 0xC);
  descriptor(FREE + 8, 0, 0xFFFFF, 0x93, 0xC);
  descriptor(FREE + 16, 0, 0xFFFFF, 0xFB, 0xC);
  descriptor(FREE + 24, 0, 0xFFFFF, 0xF3, 0xC);
}
CASE("sysenter.enters") {
  if (!(cpu_features() & HAS_SEP)) return skip("no SYSENTER");
  flat_four();
  sysenter_msrs(FREE | 3);
  struct Regs c = user();
  c.eflags |= F_IF;
  run(c, CODE("sysenter"));
  EQ(r.vector, UD);
  EQ(r.regs.eip, TARGET);
  EQ(r.regs.cs, FREE);
  EQ(r.regs.ss, FREE + 8);
  EQ(r.regs.esp, KSTACK - 0x400);
  EQ(r.regs.eflags & (F_IF | F_VM), 0);
}
CASE("sysenter.null-cs") {
  if (!(cpu_features() & HAS_SEP)) return skip("no SYSENTER");
  sysenter_msrs(3);
  run(user(), CODE("sysenter"));
  FAULT(GP, 0);
  run(kernel(), CODE("sysexit"));
  FAULT(GP, 0);
}
CASE("sysenter.from-v86") {
  if (!(cpu_features() & HAS_SEP)) return skip("no SYSENTER");
  flat_four();
  sysenter_msrs(FREE);
  run(v86(), CODE16(".byte 0x0F, 0x34"));
  EQ(r.vector, UD);
  EQ(r.regs.eip, TARGET);
  EQ(r.regs.cs, FREE);
  EQ(r.regs.eflags & F_VM, 0);
}
CASE("sysenter.real-mode") {
  if (!(cpu_features() & HAS_SEP)) return skip("no SYSENTER");
  run_real(real(), CODE16(".byte 0x0F, 0x34"));
  FAULT(GP, 0);
}
CASE("sysexit.returns") {
  if (!(cpu_features() & HAS_SEP)) return skip("no SYSENTER");
  flat_four();
  sysenter_msrs(FREE);
  struct Regs c = kernel();
  c.edx = TARGET, c.ecx = USTACK - 0x80;
  run(c, CODE("sysexit"));
  EQ(r.vector, UD);
  EQ(r.regs.eip, TARGET);
  EQ(r.regs.cs, (FREE + 16) | 3);
  EQ(r.regs.ss, (FREE + 24) | 3);
  EQ(r.regs.esp, USTACK - 0x80);
}
CASE("sysexit.cpl-3") {
  if (!(cpu_features() & HAS_SEP)) return skip("no SYSENTER");
  flat_four();
  sysenter_msrs(FREE);
  run(user(), CODE("sysexit"));
  FAULT(GP, 0);
}

// LAR, LSL, VERR, VERW.
static int query(u32 cpl, struct Code code, u16 selector) {
  struct Regs c = ring(cpl);
  c.ecx = selector, c.eax = 0x77777777;
  run(c, code);
  COMPLETED();
  return (r.regs.eflags & F_ZF) != 0;
}
#define LAR CODE("lar eax, ecx")
#define LSL CODE("lsl eax, ecx")
#define VERR CODE("verr cx")
#define VERW CODE("verw cx")
CASE("lar.types") {
  for (u8 type = 0; type < 16; ++type) {
    context = type;
    descriptor(FREE, 0x12345678, 0xABCDE, 0xE0 | type, 0xD);
    const int valid = 0x1A3E >> type & 1;
    EQ(query(3, LAR, FREE | 3), valid);
    EQ(valid ? r.regs.eax & 0xFFF0FF00 : r.regs.eax, valid ? 0x00D0E000u | (u32)type << 8 : 0x77777777);
  }
}
CASE("lar.code-and-data") {
  for (u8 type = 16; type < 32; ++type) {
    context = type;
    descriptor(FREE, 0x12345678, 0xABCDE, 0xE0 | type, 0xD);
    EQ(query(3, LAR, FREE | 3), 1);
    EQ(r.regs.eax & 0xFFF0FF00, 0x00D0E000 | (u32)type << 8);
  }
}
CASE("lar.not-present-is-visible") {
  descriptor(FREE, 0, 0, 0x72, 0);
  EQ(query(3, LAR, FREE | 3), 1);
  EQ(r.regs.eax, 0x7200);
}
CASE("lsl.types") {
  for (u8 type = 0; type < 32; ++type) {
    context = type;
    descriptor(FREE, 0, 0x12345, 0xE0 | type, 0);
    const int valid = type >= 16 || (0x0A0E >> type & 1);
    EQ(query(3, LSL, FREE | 3), valid);
    EQ(r.regs.eax, valid ? 0x12345 : 0x77777777);
  }
}
CASE("lsl.granularity") {
  descriptor(FREE, 0, 0x12345, 0xF2, 0x8);
  EQ(query(3, LSL, FREE | 3), 1);
  EQ(r.regs.eax, 0x12345FFF);
}
CASE("lar.lsl.privilege") {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    descriptor(FREE, 0, 0xFFFFF, (u8)(0x92 | dpl << 5), 0xC);
    const int visible = dpl >= cpl && dpl >= rpl;
    EQ(query(cpl, LAR, (u16)(FREE | rpl)), visible);
    EQ(query(cpl, LSL, (u16)(FREE | rpl)), visible);
    EQ(query(cpl, VERR, (u16)(FREE | rpl)), visible);
    EQ(query(cpl, VERW, (u16)(FREE | rpl)), visible);
    descriptor(FREE, 0, 0xFFFFF, (u8)(0x9E | dpl << 5), 0xC);
    EQ(query(cpl, LAR, (u16)(FREE | rpl)), 1);
    EQ(query(cpl, VERR, (u16)(FREE | rpl)), 1);
  }
}
CASE("lar.lsl.null-and-beyond") {
  const u16 selectors[] = {0, 3, 0x203, 0x107};
  for (context = 0; context < 4; ++context) {
    EQ(query(3, LAR, selectors[context]), 0);
    EQ(query(3, LSL, selectors[context]), 0);
    EQ(query(3, VERR, selectors[context]), 0);
    EQ(query(3, VERW, selectors[context]), 0);
    EQ(r.regs.eax, 0x77777777);
  }
}
CASE("verr.verw.types") {
  for (u8 type = 0; type < 32; ++type) {
    context = type;
    descriptor(FREE, 0, 0x12345, 0xE0 | type, 0);
    const int data = type >= 16 && !(type & 8);
    EQ(query(3, VERR, FREE | 3), data || (type >= 16 && (type & 2)));
    EQ(query(3, VERW, FREE | 3), data && (type & 2));
    EQ(access_byte(FREE), 0xE0 | type);
  }
}
CASE("arpl") {
  for (u32 n = 0; n < 16; ++n) {
    struct Regs c = user();
    context = n;
    c.eax = 0x1230 | (n & 3), c.ecx = n >> 2;
    run(c, CODE("arpl ax, cx"));
    COMPLETED();
    const int raised = (n & 3) < n >> 2;
    EQ(r.regs.eax, 0x1230 | (raised ? n >> 2 : n & 3));
    EQ((r.regs.eflags & F_ZF) != 0, raised);
  }
}
CASE("arpl.real-mode") {
  run_real(real(), CODE16(".byte 0x63, 0xC0"));
  FAULT(UD, 0);
  run_real(real(), CODE16(".byte 0x0F, 0x02, 0xC0"));
  FAULT(UD, 0);
  run_real(real(), CODE16(".byte 0x0F, 0x00, 0xC0"));
  FAULT(UD, 0);
}

// LLDT and LTR.
static void load_system(struct Code code, u16 selector) {
  struct Regs c = kernel();
  c.ecx = selector;
  run(c, code);
}
CASE("lldt.checks") {
  load_system(CODE("lldt cx"), 0x200);
  FAULT(GP, 0x200);
  load_system(CODE("lldt cx"), KDATA);
  FAULT(GP, KDATA);
  load_system(CODE("lldt cx"), 0x0C);
  FAULT(GP, 0x0C);
  descriptor(FREE, DATA_AREA, 0xFF, 0x02, 0);
  load_system(CODE("lldt cx"), FREE);
  FAULT(NP, FREE);
}
CASE("lldt.null") {
  load_system(CODE("lldt cx; sldt eax"), 3);
  COMPLETED();
  EQ(r.regs.eax & 0xFFFC, 0);
}
CASE("ltr.checks") {
  load_system(CODE("ltr cx"), 0);
  FAULT(GP, 0);
  load_system(CODE("ltr cx"), MAIN_TSS);
  FAULT(GP, MAIN_TSS);
  load_system(CODE("ltr cx"), KDATA);
  FAULT(GP, KDATA);
  load_system(CODE("ltr cx"), 0x0C);
  FAULT(GP, 0x0C);
  descriptor(FREE, DATA_AREA, 0x67, 0x09, 0);
  load_system(CODE("ltr cx"), FREE);
  FAULT(NP, FREE);
}
CASE("ltr.marks-busy") {
  descriptor(FREE, DATA_AREA, 0x67, 0x89, 0);
  load_system(CODE("ltr cx; str eax"), FREE);
  COMPLETED();
  EQ(access_byte(FREE), 0x8B);
  EQ(r.regs.eax & 0xFFFF, FREE);
}

// Interrupts and the instructions that hold them off.
static void interrupted(u32 offset) { FAULT_AT(0x60, 0, offset); }
CASE("irq.sti-shadow") {
  pending_interrupt();
  run(kernel(), CODE("sti; nop; nop"));
  interrupted(2);
  EQ(r.regs.eflags & F_IF, F_IF);
  EQ(r.entry_flags & F_IF, 0);
}
CASE("irq.sti-cli") {
  pending_interrupt();
  run(kernel(), CODE("sti; cli; nop"));
  COMPLETED();
}
CASE("irq.sti-when-already-set-has-no-shadow-chain") {
  pending_interrupt();
  run(kernel(), CODE("sti; sti; sti; nop"));
  interrupted(2);
}
CASE("irq.mov-ss-shadow") {
  pending_interrupt();
  struct Regs c = kernel();
  c.eax = KDATA;
  run(c, CODE("sti; mov ss, eax; nop; nop"));
  EQ(r.vector, 0x60);
  // Of several instructions in a row that hold interrupts off only the first is sure to (SDM 3A 6.8.3).
  EQ(r.regs.eip == r.start + 3 || r.regs.eip == r.start + 4, 1);
}
CASE("irq.popf-is-immediate") {
  pending_interrupt();
  run(kernel(), CODE("push 0x202; popfd; nop; nop"));
  interrupted(6);
}
CASE("irq.iret-is-immediate") {
  pending_interrupt();
  struct Regs c = user();
  c.eflags |= F_IF;
  run(c, CODE("nop; nop"));
  interrupted(0);
  EQ(r.regs.cs, UCODE);
}
CASE("irq.hlt-wakes-behind") {
  pending_interrupt();
  run(kernel(), CODE("sti; hlt; nop"));
  interrupted(2);
}
CASE("irq.ext-bit") {
  pending_interrupt();
  idt_gate(0x60, KCODE, stub(0x60), 0x0E);
  run(kernel(), CODE("sti; nop; nop"));
  EQ(r.vector, NP);
  EQ(r.error, 0x60 * 8 + 3);
  EQ(r.regs.eip, r.start + 2);
}
CASE("irq.from-v86-with-iopl-0") {
  pending_interrupt();
  struct Regs c = v86();
  c.eflags |= F_IF;
  run(c, CODE16("nop"));
  interrupted(0);
  EQ(r.regs.eflags & F_VM, F_VM);
}
CASE("irq.rep-is-interruptible") {
  struct Regs c = kernel();
  pending_interrupt();
  c.eflags |= F_IF;
  c.edi = DATA_AREA, c.ecx = 0x100;
  run(c, CODE("rep stosb"));
  interrupted(0);
  EQ(r.regs.ecx, 0x100);
}
CASE("irq.real-mode") {
  pending_interrupt();
  run_real(real(), CODE16("sti; nop; nop"));
  interrupted(2);
}

// #AC.
static struct Regs aligned(void) {
  struct Regs c = user();
  c.cr0 |= CR0_AM;
  c.eflags |= F_AC;
  c.ebx = DATA_AREA;
  return c;
}
CASE("ac.sizes") {
  for (u32 at = 0; at < 8; ++at) {
    struct Regs c = aligned();
    context = at;
    c.ebx += at;
    run(c, CODE("mov al, [ebx]"));
    COMPLETED();
    run(c, CODE("mov ax, [ebx]"));
    if (at & 1) FAULT(AC, 0);
    else COMPLETED();
    run(c, CODE("mov [ebx], eax"));
    if (at & 3) FAULT(AC, 0);
    else COMPLETED();
    run(c, CODE("fld qword ptr [ebx]; fninit"));
    if (at & 7) FAULT(AC, 0);
    else COMPLETED();
  }
}
CASE("ac.needs-am-flag-and-cpl-3") {
  struct Regs c = aligned();
  c.ebx++;
  c.cr0 &= ~CR0_AM;
  run(c, CODE("mov eax, [ebx]"));
  COMPLETED();
  c = aligned();
  c.ebx++;
  c.eflags &= ~F_AC;
  run(c, CODE("mov eax, [ebx]"));
  COMPLETED();
  c = kernel();
  c.cr0 |= CR0_AM, c.eflags |= F_AC, c.ebx = DATA_AREA + 1;
  run(c, CODE("mov eax, [ebx]"));
  COMPLETED();
}
CASE("ac.stack") {
  struct Regs c = aligned();
  c.esp = USTACK - 2;
  run(c, CODE("push eax"));
  FAULT(AC, 0);
  EQ(r.regs.esp, USTACK - 2);
}
CASE("ac.v86") {
  struct Regs c = v86();
  c.cr0 |= CR0_AM, c.eflags |= F_AC, c.ebx = 1;
  run(c, CODE16("mov ax, [bx]"));
  FAULT(AC, 0);
}
CASE("shutdown.triple-fault") {
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) table = {0, 0};
  __asm__ volatile("lidt %0" ::"m"(table));
  run(kernel(), CODE("ud2"));
  fail("went on after a triple fault");
}
CASE("shutdown.double-fault-without-stack") {
  idt_gate(DF, KCODE, stub(DF), 0x8E);
  struct Regs c = kernel();
  descriptor(FREE, DATA_AREA, 0xFFF, 0x93, 4);
  c.eax = FREE;
  run(c, CODE("mov ss, eax; mov esp, 4; int 0x55"));
  fail("went on after a triple fault");
}
