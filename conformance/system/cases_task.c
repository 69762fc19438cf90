// Hardware task switches: JMP, CALL, IRET, task gates, 386 and 286 TSS, faults in the new task (SDM chapter 7).
#include "kernel.h"

#define NEXT ((struct Tss*)(DATA_AREA + 0x4000))
enum { NEXT_STACK = DATA_AREA + 0xF000, TASK = FREE, GATE = FREE + 8, OTHER = FREE + 16 };

static void next_task(unsigned cpl) {
  static const u16 codes[] = {KCODE, CODE1, CODE2, UCODE}, datas[] = {KDATA, DATA1, DATA2, UDATA};
  memset(NEXT, 0, 0x68);
  NEXT->esp0 = DATA_AREA + 0xE000;
  NEXT->ss0 = KDATA;
  NEXT->eip = TARGET;
  NEXT->eflags = 2;
  NEXT->eax = 0xA0, NEXT->ecx = 0xA1, NEXT->edx = 0xA2, NEXT->ebx = 0xA3;
  NEXT->esp = NEXT_STACK;
  NEXT->ebp = 0xA5, NEXT->esi = 0xA6, NEXT->edi = 0xA7;
  NEXT->cs = codes[cpl];
  NEXT->ss = NEXT->ds = NEXT->es = NEXT->fs = NEXT->gs = datas[cpl];
  NEXT->io_map = 0x68;
  descriptor(TASK, (u32)NEXT, 0x67, 0x89, 0);
}
static struct Regs switching(u32 cpl, u16 selector) {
  struct Regs c = ring(cpl);
  c.ebx = DATA_AREA;
  poke(DATA_AREA, 0xDEADDEAD), poke16(DATA_AREA + 4, selector);
  return c;
}
#define JMP CODE("jmp fword ptr [ebx]")
#define CALL CODE("call fword ptr [ebx]")
static void in_next(void) {
  EQ(r.vector, UD);
  EQ(r.regs.eip, TARGET);
  EQ(r.regs.eax, 0xA0);
}

CASE("task.jmp.loads-registers") {
  next_task(0);
  run(switching(0, TASK), JMP);
  in_next();
  EQ(r.regs.ecx, 0xA1);
  EQ(r.regs.edx, 0xA2);
  EQ(r.regs.ebx, 0xA3);
  EQ(r.regs.ebp, 0xA5);
  EQ(r.regs.esi, 0xA6);
  EQ(r.regs.edi, 0xA7);
  EQ(r.regs.esp, NEXT_STACK);
}
CASE("task.jmp.busy-bits") {
  next_task(0);
  run(switching(0, TASK), JMP);
  in_next();
  EQ(access_byte(TASK), 0x8B);
  EQ(r.main_tss_access, 0x89);
}
CASE("task.jmp.no-link-no-nt") {
  next_task(0);
  NEXT->link = 0x1234;
  run(switching(0, TASK), JMP);
  in_next();
  EQ(NEXT->link, 0x1234);
  EQ(r.regs.eflags & F_NT, 0);
}
CASE("task.jmp.sets-ts") {
  next_task(0);
  run(switching(0, TASK), JMP);
  in_next();
  EQ(r.cr0 & CR0_TS, CR0_TS);
}
CASE("task.jmp.saves-old-state") {
  next_task(0);
  struct Regs c = switching(0, TASK);
  c.eax = 1, c.ecx = 2, c.edx = 3, c.ebp = 5, c.esi = 6, c.edi = 7;
  c.eflags |= F_CF | F_DF;
  c.gs = UDATA;
  tss.cr3 = 0x77;
  run(c, JMP);
  in_next();
  EQ(tss.eip, CODE_AREA + 2);
  EQ(tss.eflags, F_CF | F_DF | 2);
  EQ(tss.eax, 1);
  EQ(tss.ecx, 2);
  EQ(tss.edx, 3);
  EQ(tss.ebx, DATA_AREA);
  EQ(tss.esp, KSTACK);
  EQ(tss.ebp, 5);
  EQ(tss.esi, 6);
  EQ(tss.edi, 7);
  EQ(tss.cs & 0xFFFF, KCODE);
  EQ(tss.ss & 0xFFFF, KDATA);
  EQ(tss.gs & 0xFFFF, UDATA);
  EQ(tss.cr3, 0x77);
  EQ(tss.link, 0);
}
CASE("task.jmp.to-user-task") {
  next_task(3);
  NEXT->eflags = F_IF | F_IOPL | 2;
  run(switching(0, TASK), JMP);
  in_next();
  EQ(r.regs.cs, UCODE);
  EQ(r.regs.ss, UDATA);
  EQ(r.regs.eflags & (F_IF | F_IOPL), F_IF | F_IOPL);
  EQ(r.entry_esp, DATA_AREA + 0xE000 - 20);
}
CASE("task.jmp.privilege") {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    next_task(0);
    descriptor(TASK, (u32)NEXT, 0x67, (u8)(0x89 | dpl << 5), 0);
    run(switching(cpl, (u16)(TASK | rpl)), JMP);
    if (dpl >= cpl && dpl >= rpl) in_next();
    else FAULT(GP, TASK);
  }
}
CASE("task.jmp.busy") {
  next_task(0);
  descriptor(TASK, (u32)NEXT, 0x67, 0x8B, 0);
  run(switching(0, TASK), JMP);
  FAULT(GP, TASK);
}
CASE("task.jmp.to-itself-is-busy") {
  run(switching(0, MAIN_TSS), JMP);
  FAULT(GP, MAIN_TSS);
}
CASE("task.jmp.not-present") {
  next_task(0);
  descriptor(TASK, (u32)NEXT, 0x67, 0x09, 0);
  run(switching(0, TASK), JMP);
  FAULT(NP, TASK);
}
CASE("task.jmp.limit") {
  next_task(0);
  descriptor(TASK, (u32)NEXT, 0x66, 0x89, 0);
  run(switching(0, TASK), JMP);
  FAULT(TS, TASK);
  EQ(access_byte(TASK), 0x89);
}
CASE("task.jmp.tss-in-ldt") {
  next_task(0);
  descriptor(0x0C, (u32)NEXT, 0x67, 0x89, 0);
  run(switching(0, 0x0C), JMP);
  FAULT(GP, 0x0C);
}
CASE("task.call.link-nt-busy") {
  next_task(0);
  run(switching(0, TASK), CALL);
  in_next();
  EQ(NEXT->link & 0xFFFF, MAIN_TSS);
  EQ(r.regs.eflags & F_NT, F_NT);
  EQ(access_byte(TASK), 0x8B);
  EQ(r.main_tss_access, 0x8B);
}
CASE("task.call-and-iret") {
  next_task(0);
  put_code(TARGET, CODE("mov ecx, 0x77; iretd"));
  struct Regs c = switching(0, TASK);
  c.ecx = 0x55;
  run(c, CALL);
  COMPLETED();
  EQ(r.regs.ecx, 0x55);
  EQ(r.regs.eflags & F_NT, 0);
  EQ(NEXT->ecx, 0x77);
  EQ(NEXT->eip, TARGET + 6);
  EQ(NEXT->eflags & F_NT, 0);
  EQ(access_byte(TASK), 0x89);
  EQ(r.main_tss_access, 0x8B);
}
CASE("task.call.twice-continues-behind-iret") {
  next_task(0);
  put_code(TARGET, CODE("mov ecx, 1; iretd; mov ecx, 2; iretd"));
  struct Regs c = switching(0, TASK);
  run(c, CODE("call fword ptr [ebx]; call fword ptr [ebx]"));
  COMPLETED();
  EQ(NEXT->ecx, 2);
}
CASE("task.gate.jmp") {
  next_task(0);
  call_gate(GATE, TASK, 0x12345678, 0x85, 0);
  run(switching(0, GATE), JMP);
  in_next();
  EQ(r.main_tss_access, 0x89);
}
CASE("task.gate.privilege-is-the-gates") {
  next_task(0);
  call_gate(GATE, TASK, 0, 0xE5, 0);
  run(switching(3, GATE | 3), CALL);
  in_next();
  call_gate(GATE, TASK, 0, 0xC5, 0);
  next_task(0);
  run(switching(3, GATE), CALL);
  FAULT(GP, GATE);
}
CASE("task.gate.not-present") {
  next_task(0);
  call_gate(GATE, TASK, 0, 0x05, 0);
  run(switching(0, GATE), CALL);
  FAULT(NP, GATE);
}
CASE("task.gate.bad-tss-selector") {
  next_task(0);
  call_gate(GATE, 0x200, 0, 0x85, 0);
  run(switching(0, GATE), CALL);
  FAULT(GP, 0x200);
  call_gate(GATE, KDATA, 0, 0x85, 0);
  run(switching(0, GATE), CALL);
  FAULT(GP, KDATA);
  call_gate(GATE, 0x0C, 0, 0x85, 0);
  run(switching(0, GATE), CALL);
  FAULT(GP, 0x0C);
}
CASE("task.gate.busy-and-not-present-tss") {
  next_task(0);
  call_gate(GATE, TASK, 0, 0x85, 0);
  descriptor(TASK, (u32)NEXT, 0x67, 0x8B, 0);
  run(switching(0, GATE), CALL);
  FAULT(GP, TASK);
  descriptor(TASK, (u32)NEXT, 0x67, 0x09, 0);
  run(switching(0, GATE), CALL);
  FAULT(NP, TASK);
}
CASE("task.interrupt") {
  next_task(0);
  idt_gate(0x55, TASK, 0, 0xE5);
  run(user(), CODE("int 0x55"));
  in_next();
  EQ(NEXT->link & 0xFFFF, MAIN_TSS);
  EQ(r.regs.eflags & F_NT, F_NT);
  EQ(tss.eip, CODE_AREA + 2);
  EQ(tss.cs & 0xFFFF, UCODE);
  EQ(r.regs.esp, NEXT_STACK);
}
CASE("task.interrupt-and-iret") {
  next_task(0);
  put_code(TARGET, CODE("iretd"));
  idt_gate(0x55, TASK, 0, 0xE5);
  run(user(), CODE("int 0x55"));
  COMPLETED();
  EQ(r.regs.cs, UCODE);
}
CASE("task.interrupt.dpl") {
  next_task(0);
  idt_gate(0x55, TASK, 0, 0x85);
  run(user(), CODE("int 0x55"));
  FAULT(GP, 0x55 * 8 + 2);
}
CASE("task.interrupt.bad-tss") {
  idt_gate(0x55, KDATA, 0, 0xE5);
  run(user(), CODE("int 0x55"));
  FAULT(GP, KDATA);
  next_task(0);
  descriptor(TASK, (u32)NEXT, 0x67, 0x09, 0);
  idt_gate(0x55, TASK, 0, 0xE5);
  run(user(), CODE("int 0x55"));
  FAULT(NP, TASK);
}
CASE("task.fault.error-code-on-new-stack") {
  next_task(0);
  idt_gate(GP, TASK, 0, 0x85);
  struct Regs c = user();
  c.eax = 0x200;
  run(c, CODE("mov ds, eax"));
  in_next();
  EQ(r.regs.esp, NEXT_STACK - 4);
  EQ(peek(NEXT_STACK - 4), 0x200);
  EQ(tss.eip, CODE_AREA);
}
CASE("task.fault.returns-to-faulting-instruction") {
  next_task(0);
  put_code(TARGET, CODE("mov dword ptr [0x210800], 1; add esp, 4; iretd"));
  idt_gate(PF, TASK, 0, 0x85);
  idt_gate(DE, TASK, 0, 0x85);
  put_code(TARGET, CODE("inc dword ptr [0x210800]; iretd"));
  struct Regs c = kernel();
  c.ecx = 0;
  run(c, CODE("div ecx"));
  EQ(r.vector, UD);
  EQ(peek(DATA_AREA + 0x800), 1);
}
CASE("task.from-v86") {
  next_task(0);
  idt_gate(GP, TASK, 0, 0x85);
  run(v86(), CODE16("hlt"));
  in_next();
  EQ(tss.eflags & F_VM, F_VM);
  EQ(tss.ds & 0xFFFF, LOW_DATA >> 4);
  EQ(r.regs.ds, KDATA);
}
CASE("task.to-v86") {
  next_task(0);
  NEXT->eflags = F_VM | F_IF | 2;
  NEXT->cs = LOW_CODE >> 4, NEXT->eip = 0x300, NEXT->ss = LOW_STACK >> 4, NEXT->esp = 0xE000, NEXT->ds = 0x1234;
  NEXT->es = NEXT->fs = NEXT->gs = 0;
  poke16(LOW_CODE + 0x300, 0x0B0F);
  run(switching(0, TASK), JMP);
  EQ(r.vector, UD);
  EQ(r.regs.eip, 0x300);
  EQ(r.regs.cs, LOW_CODE >> 4);
  EQ(r.regs.ds, 0x1234);
  EQ(r.regs.eflags & (F_VM | F_IF), F_VM | F_IF);
}
CASE("task.ldt-switch") {
  next_task(0);
  u64* other = (u64*)(DATA_AREA + 0x5000);
  other[1] = gdt[KDATA / 8];
  descriptor(OTHER, (u32)other, 15, 0x82, 0);
  NEXT->ldt = OTHER;
  NEXT->es = 0x0C;
  put_code(TARGET, CODE("sldt edi; mov dx, es"));
  run(switching(0, TASK), JMP);
  EQ(r.vector, UD);
  EQ(r.regs.edi & 0xFFFF, OTHER);
  EQ(r.regs.edx & 0xFFFF, 0x0C);
}
CASE("task.cr3-switch") {
  next_task(0);
  for (u32 n = 0; n < 1024; ++n) poke(TABLES + 0x1000 + 4 * n, n << 12 | 7);
  memset((void*)TABLES, 0, 0x1000), memset((void*)(TABLES + 0x2000), 0, 0x1000);
  poke(TABLES, (TABLES + 0x1000) | 7), poke(TABLES + 0x2000, (TABLES + 0x1000) | 7);
  NEXT->cr3 = TABLES + 0x2000;
  struct Regs c = switching(0, TASK);
  c.cr0 |= CR0_PG, c.cr3 = TABLES;
  run(c, JMP);
  in_next();
  EQ(r.cr3, TABLES + 0x2000);
}
CASE("task.cr3-not-loaded-without-paging") {
  next_task(0);
  NEXT->cr3 = 0x123000;
  struct Regs c = switching(0, TASK);
  c.cr3 = 0x5000;
  run(c, JMP);
  in_next();
}
CASE("task.trap-bit") {
  next_task(0);
  NEXT->trap = 1;
  run(switching(0, TASK), JMP);
  EQ(r.vector, DB);
  EQ(r.regs.eip, TARGET);
  EQ(r.dr6 & 0xE00F, 0x8000);
  EQ(r.regs.eax, 0xA0);
}
CASE("task.clears-local-breakpoints") {
  next_task(0);
  breakpoint(0, TARGET, 0, 1);
  run(switching(0, TASK), JMP);
  in_next();
}
CASE("task.keeps-global-breakpoints") {
  next_task(0);
  breakpoint(0, TARGET, 0, 1);
  debug_control = 0x402;
  run(switching(0, TASK), JMP);
  EQ(r.vector, DB);
  EQ(r.regs.eip, TARGET);
}

// Faults of the new task, at its first instruction. A user task, so that the handler has the TSS's stack.
static void new_task_fault(u32 vector, u32 error) {
  run(switching(0, TASK), JMP);
  EQ(r.vector, vector);
  EQ(r.error, error);
  EQ(r.regs.eip, NEXT->eip);
  EQ(access_byte(TASK), 0x8B);
}
CASE("task.new.bad-ldt") {
  next_task(3);
  NEXT->ldt = KDATA;
  new_task_fault(TS, KDATA);
  next_task(3);
  NEXT->ldt = 0x200;
  new_task_fault(TS, 0x200);
  next_task(3);
  descriptor(OTHER, DATA_AREA, 0xFF, 0x02, 0);
  NEXT->ldt = OTHER;
  new_task_fault(TS, OTHER);
}
CASE("task.new.bad-cs") {
  next_task(3);
  NEXT->cs = UDATA;
  new_task_fault(TS, UDATA & ~3);
  next_task(3);
  NEXT->cs = 0x203;
  new_task_fault(TS, 0x200);
  next_task(3);
  NEXT->cs = KCODE | 3;
  new_task_fault(TS, KCODE);
}
CASE("task.new.cs-not-present") {
  next_task(3);
  descriptor(OTHER, 0, 0xFFFFF, 0x7B, 0xC);
  NEXT->cs = OTHER | 3;
  new_task_fault(NP, OTHER);
}
CASE("task.new.bad-ss") {
  next_task(3);
  NEXT->ss = KDATA;
  new_task_fault(TS, KDATA);
  next_task(3);
  NEXT->ss = UCODE;
  new_task_fault(TS, UCODE & ~3);
}
CASE("task.new.ss-not-present") {
  next_task(3);
  descriptor(OTHER, 0, 0xFFFFF, 0x73, 0xC);
  NEXT->ss = OTHER | 3;
  new_task_fault(SS, OTHER);
}
CASE("task.new.bad-ds") {
  next_task(3);
  NEXT->ds = KDATA;
  new_task_fault(TS, KDATA);
  next_task(3);
  NEXT->fs = MAIN_TSS;
  new_task_fault(TS, MAIN_TSS);
}
CASE("task.new.ds-not-present") {
  next_task(3);
  descriptor(OTHER, 0, 0xFFFFF, 0x73, 0xC);
  NEXT->es = OTHER | 3;
  new_task_fault(NP, OTHER);
}
CASE("task.new.null-data-segments") {
  next_task(3);
  NEXT->ds = NEXT->es = NEXT->fs = NEXT->gs = 0;
  run(switching(0, TASK), JMP);
  in_next();
  EQ(r.regs.ds, 0);
}
CASE("task.new.eip-beyond-limit") {
  next_task(3);
  descriptor(OTHER, CODE_AREA, 0xFFF, 0xFB, 4);
  NEXT->cs = OTHER | 3;
  NEXT->eip = 0x1000;
  new_task_fault(GP, 0);
}

// The 286 TSS.
static u16* const old_tss = (u16*)(DATA_AREA + 0x5000);
static void next_task16(void) {
  memset(old_tss, 0, 44);
  old_tss[7] = 0x1000;
  old_tss[8] = F_CF | 2;
  for (u32 n = 0; n < 8; ++n) old_tss[9 + n] = (u16)(0xB0 + n);
  old_tss[13] = 0xE000;
  old_tss[18] = KCODE16;
  old_tss[17] = old_tss[19] = old_tss[20] = KDATA16;
  descriptor(TASK, (u32)old_tss, 43, 0x81, 0);
}
CASE("task.286.jmp") {
  next_task16();
  run(switching(0, TASK), JMP);
  EQ(r.vector, UD);
  EQ(r.regs.eip, 0x1000);
  EQ(r.regs.cs, KCODE16);
  EQ(r.regs.eax & 0xFFFF, 0xB0);
  EQ(r.regs.edi & 0xFFFF, 0xB7);
  EQ(r.regs.eflags & F_CF, F_CF);
  EQ(access_byte(TASK), 0x83);
  EQ(r.main_tss_access, 0x89);
  EQ(r.regs.fs | r.regs.gs, 0);
}
CASE("task.286.call-and-iret") {
  next_task16();
  put_code(TARGET, CODE16("mov cx, 0x77; iret"));
  run(switching(0, TASK), CALL);
  COMPLETED();
  EQ(old_tss[0], MAIN_TSS);
  EQ(old_tss[10], 0x77);
  EQ(old_tss[7], 0x1004);
  EQ(access_byte(TASK), 0x81);
}
CASE("task.286.limit") {
  next_task16();
  descriptor(TASK, (u32)old_tss, 42, 0x81, 0);
  run(switching(0, TASK), JMP);
  FAULT(TS, TASK);
}
CASE("task.286.error-code-is-16-bit") {
  next_task16();
  idt_gate(GP, TASK, 0, 0x85);
  struct Regs c = user();
  c.eax = 0x200;
  run(c, CODE("mov ds, eax"));
  EQ(r.vector, UD);
  EQ(r.regs.esp & 0xFFFF, 0xDFFE);
  EQ(peek16(CODE_AREA + 0xDFFE), 0x200);
}
