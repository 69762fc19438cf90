// Interrupt and trap gates, the frames they push, and IRET (SDM 6.12, IRET).
#include "kernel.h"

enum { V = 0x55 };
static void taken(u32 vector, u32 eip) {
  EQ(r.vector, vector);
  EQ(r.regs.eip, eip);
}

CASE("int.interrupt-gate.same-level") {
  struct Regs c = kernel();
  c.eflags |= F_IF | F_CF;
  run(c, CODE("int 0x55"));
  taken(V, r.start + 2);
  EQ(r.entry_esp, KSTACK - 12);
  EQ(r.entry_flags & F_IF, 0);
  EQ(r.regs.eflags & (F_IF | F_CF), F_IF | F_CF);
  EQ(r.words[1], KCODE);
}
CASE("int.trap-gate.keeps-if") {
  idt_gate(V, KCODE, stub(V), 0x8F);
  struct Regs c = kernel();
  c.eflags |= F_IF;
  run(c, CODE("int 0x55"));
  taken(V, r.start + 2);
  EQ(r.entry_flags & F_IF, F_IF);
}
CASE("int.clears-tf-nt-rf") {
  struct Regs c = kernel();
  c.eflags |= F_NT | F_AC | F_DF;
  idt_gate(V, KCODE, stub(V), 0x8F);
  run(c, CODE("pushfd; or dword ptr [esp], 0x4000; popfd; int 0x55"));
  EQ(r.vector, V);
  EQ(r.entry_flags & (F_NT | F_TF | F_RF | F_VM), 0);
  EQ(r.regs.eflags & F_NT, F_NT);
}
CASE("int.inner-frame") {
  idt_gate(V, KCODE, stub(V), 0xEE);
  run(user(), CODE("int 0x55"));
  taken(V, r.start + 2);
  EQ(r.entry_esp, ESP0 - 20);
  EQ(r.entry_ss, KDATA);
  EQ(r.words[0], CODE_AREA + 2);
  EQ(r.words[1] & 0xFFFF, UCODE);
  EQ(r.words[3], USTACK);
  EQ(r.words[4] & 0xFFFF, UDATA);
}
CASE("int.inner-frame-with-error-code") {
  struct Regs c = user();
  run(c, CODE("hlt"));
  FAULT(GP, 0);
  EQ(r.entry_esp, ESP0 - 24);
  EQ(r.words[0], 0);
  EQ(r.words[1], CODE_AREA);
}
CASE("int.software-gp-pushes-no-error-code") {
  idt_gate(GP, KCODE, stub(GP), 0xEE);
  plain_vector = GP;
  run(user(), CODE("int 13"));
  taken(GP, r.start + 2);
  EQ(r.entry_esp, ESP0 - 20);
}
CASE("int.to-ring-1") {
  idt_gate(V, CODE1, TARGET, 0xEE);
  put_code(TARGET, CODE("mov eax, [esp]; mov ecx, [esp + 16]"));
  run(user(), CODE("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.cs, CODE1);
  EQ(r.regs.esp, ESP1 - 20);
  EQ(r.regs.ss, DATA1);
  EQ(peek(ESP1 - 20), CODE_AREA + 2);
  EQ(peek16(ESP1 - 4), UDATA);
}
CASE("int.conforming-handler-keeps-cpl") {
  descriptor(FREE, 0, 0xFFFFF, 0x9F, 0xC);
  idt_gate(V, FREE, TARGET, 0xEE);
  run(user(), CODE("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.cs, FREE | 3);
  EQ(r.regs.esp, USTACK - 12);
}
CASE("int.gate-selector-rpl-ignored") {
  idt_gate(V, KCODE | 3, stub(V), 0xEE);
  run(user(), CODE("int 0x55"));
  taken(V, r.start + 2);
  EQ(r.entry_flags & 2, 2);
}
CASE("int.16-bit-gate-same-level") {
  descriptor(FREE, CODE_AREA, 0xFFFF, 0x9B, 4);
  idt_gate(V, FREE, 0x11000, 0x86);
  poke16(DATA_AREA + 0x1000, 0x0B0F);
  struct Regs c = kernel();
  c.eflags |= F_IF;
  run(c, CODE("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.eip, 0x1000);
  EQ(r.regs.esp, KSTACK - 6);
  EQ(peek16(KSTACK - 6), (CODE_AREA + 2) & 0xFFFF);
  EQ(peek16(KSTACK - 4), KCODE);
  EQ(peek16(KSTACK - 2), 0x202);
  EQ(r.regs.eflags & F_IF, 0);
}
CASE("int.16-bit-trap-gate-keeps-if") {
  descriptor(FREE, CODE_AREA, 0xFFFF, 0x9B, 4);
  idt_gate(V, FREE, 0x1000, 0x87);
  struct Regs c = kernel();
  c.eflags |= F_IF;
  run(c, CODE("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.eflags & F_IF, F_IF);
}
CASE("int.16-bit-gate-inner") {
  descriptor(FREE, CODE_AREA, 0xFFFF, 0x9B, 4);
  idt_gate(V, FREE, 0x1000, 0xE6);
  run(user(), CODE("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.esp, ESP0 - 10);
  EQ(peek16(ESP0 - 10), (CODE_AREA + 2) & 0xFFFF);
  EQ(peek16(ESP0 - 4), USTACK & 0xFFFF);
  EQ(peek16(ESP0 - 2), UDATA);
}
CASE("int.16-bit-gate-error-code") {
  descriptor(FREE, CODE_AREA, 0xFFFF, 0x9B, 4);
  idt_gate(GP, FREE, 0x1000, 0x86);
  struct Regs c = user();
  c.eax = 0x200;
  run(c, CODE("mov ds, eax"));
  EQ(r.vector, UD);
  EQ(r.regs.esp, ESP0 - 12);
  EQ(peek16(ESP0 - 12), 0x200);
  EQ(peek16(ESP0 - 10), CODE_AREA & 0xFFFF);
  EQ(peek16(ESP0 - 8), UCODE);
}
CASE("int.inner-stack.selector-faults") {
  idt_gate(V, CODE1, TARGET, 0xEE);
  tss.ss1 = 1;
  run(user(), CODE("int 0x55"));
  FAULT(TS, 0);
  tss.ss1 = 0x201;
  run(user(), CODE("int 0x55"));
  FAULT(TS, 0x200);
  tss.ss1 = DATA2;
  run(user(), CODE("int 0x55"));
  FAULT(TS, DATA2 & ~3);
  descriptor(FREE, 0, 0xFFFFF, 0x33, 0xC);
  tss.ss1 = FREE | 1;
  run(user(), CODE("int 0x55"));
  FAULT(SS, FREE);
}
CASE("int.inner-stack.ext-bit-for-exceptions") {
  idt_gate(UD, CODE1, TARGET, 0x8E);
  descriptor(FREE, 0, 0xFFFFF, 0x33, 0xC);
  tss.ss1 = FREE | 1;
  run(user(), CODE("ud2; nop"));
  EQ(r.vector, SS);
  EQ(r.error, FREE | 1);
  tss.ss1 = DATA2;
  run(user(), CODE("ud2; nop"));
  EQ(r.vector, TS);
  EQ(r.error, (DATA2 & ~3) | 1);
}
CASE("int.inner-stack.too-small") {
  idt_gate(V, CODE1, TARGET, 0xEE);
  descriptor(FREE, DATA_AREA, 0xFFF, 0xB3, 4);
  tss.ss1 = FREE | 1;
  tss.esp1 = 16;
  run(user(), CODE("int 0x55"));
  EQ(r.vector, SS);
  EQ(r.error, FREE);
  tss.esp1 = 20;
  run(user(), CODE("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.esp, 0);
}
CASE("int.inner-stack.tss-limit") {
  idt_gate(V, CODE1, TARGET, 0xEE);
  main_tss_limit = 0x10;
  reload_tables();
  run(user(), CODE("int 0x55"));
  FAULT(TS, MAIN_TSS);
}
CASE("int.same-level-stack-fault-is-double") {
  descriptor(FREE, DATA_AREA, 0xFFF, 0x93, 4);
  struct Regs c = kernel();
  c.eax = FREE;
  run(c, CODE("mov ss, eax; mov esp, 8; int 0x55"));
  EQ(r.vector, DF);
  EQ(r.error, 0);
  EQ(r.regs.eip, r.start + 7);
}
CASE("int.double-fault.contributory-pairs") {
  // #NP from a bad gate while delivering a contributory #GP becomes #DF; while delivering a benign #UD it is just #NP.
  idt_gate(GP, KCODE, stub(GP), 0x0E);
  run(user(), CODE("hlt"));
  EQ(r.vector, DF);
  EQ(r.error, 0);
  EQ(r.regs.eip, r.start);
  idt_gate(UD, KCODE, stub(UD), 0x0E);
  run(user(), CODE("ud2; nop"));
  EQ(r.vector, NP);
}
CASE("int.double-fault.interrupt-gate-frame") {
  idt_gate(DF, KCODE, stub(DF), 0x8E);
  idt_gate(DE, KCODE, stub(DE), 0x0E);
  run(user(), CODE("div ecx"));
  EQ(r.vector, DF);
  EQ(r.error, 0);
  EQ(r.regs.eip, r.start);
  EQ(r.entry_esp, ESP0 - 24);
}
CASE("int.frame-saves-eip-of-fault-with-prefix") {
  run(user(), CODE(".byte 0x3E, 0x3E, 0xF4"));
  FAULT(GP, 0);
}

// IRET.
static struct Regs iret_from(u32 cpl, u32 eip, u32 cs, u32 eflags, u32 esp, u32 ss) {
  struct Regs c = ring(cpl);
  c.esp -= 64;
  poke(c.esp, eip), poke(c.esp + 4, cs), poke(c.esp + 8, eflags), poke(c.esp + 12, esp), poke(c.esp + 16, ss);
  return c;
}
static struct Code iret(void) { return CODE("iretd"); }
CASE("iret.same-level-cpl-0-all-flags") {
  const u32 flags = F_CF | F_PF | F_AF | F_ZF | F_SF | F_IF | F_DF | F_OF | F_IOPL | F_AC | F_ID | 2;
  struct Regs c = iret_from(0, TARGET, KCODE, flags, 0, 0);
  run(c, iret());
  taken(UD, TARGET);
  EQ(r.regs.eflags & ~F_RF, flags);
  EQ(r.regs.esp, c.esp + 12);
}
CASE("iret.same-level-cpl-3-keeps-if-iopl") {
  run(iret_from(3, TARGET, UCODE, F_IF | F_IOPL | F_CF | 2, 0, 0), iret());
  taken(UD, TARGET);
  EQ(r.regs.eflags & (F_IF | F_IOPL | F_CF), F_CF);
}
CASE("iret.cpl-3-iopl-3-changes-if") {
  struct Regs c = iret_from(3, TARGET, UCODE, F_IF | 2, 0, 0);
  c.eflags |= F_IOPL;
  run(c, iret());
  taken(UD, TARGET);
  EQ(r.regs.eflags & (F_IF | F_IOPL), F_IF | F_IOPL);
}
CASE("iret.vm-ignored-above-cpl-0") {
  run(iret_from(3, TARGET, UCODE, F_VM | F_VIF | F_VIP | 2, 0, 0), iret());
  taken(UD, TARGET);
  EQ(r.regs.eflags & (F_VM | F_VIF | F_VIP), 0);
}
CASE("iret.outer") {
  run(iret_from(0, TARGET, UCODE, F_IF | F_IOPL | 2, USTACK - 16, UDATA), iret());
  taken(UD, TARGET);
  EQ(r.regs.cs, UCODE);
  EQ(r.regs.esp, USTACK - 16);
  EQ(r.regs.ss, UDATA);
  EQ(r.regs.eflags & (F_IF | F_IOPL), F_IF | F_IOPL);
}
CASE("iret.outer-nulls-data-segments") {
  struct Regs c = iret_from(0, TARGET, UCODE, 2, USTACK, UDATA);
  descriptor(FREE, 0, 0xFFFFF, 0x9F, 0xC);
  c.es = UDATA, c.fs = FREE, c.gs = DATA2;
  run(c, iret());
  taken(UD, TARGET);
  EQ(r.regs.ds, 0);
  EQ(r.regs.es, UDATA);
  EQ(r.regs.fs, FREE);
  EQ(r.regs.gs, 0);
}
CASE("iret.16-bit-operand") {
  struct Regs c = kernel();
  c.esp -= 64;
  c.eflags |= F_AC | F_ID;
  poke16(c.esp, 0x1000), poke16(c.esp + 2, KCODE16), poke16(c.esp + 4, F_CF | 2);
  run(c, CODE(".byte 0x66, 0xCF"));
  taken(UD, 0x1000);
  EQ(r.regs.cs, KCODE16);
  EQ(r.regs.eflags & (F_CF | F_AC | F_ID), F_CF | F_AC | F_ID);
}
CASE("iret.cs-checks") {
  run(iret_from(0, TARGET, 0, 2, 0, 0), iret());
  FAULT(GP, 0);
  run(iret_from(0, TARGET, 0x203, 2, USTACK, UDATA), iret());
  FAULT(GP, 0x200);
  run(iret_from(0, TARGET, UDATA, 2, USTACK, UDATA), iret());
  FAULT(GP, UDATA & ~3);
  run(iret_from(3, TARGET, KCODE, 2, 0, 0), iret());
  FAULT(GP, KCODE);
  descriptor(FREE, 0, 0xFFFFF, 0x7B, 0xC);
  run(iret_from(0, TARGET, FREE | 3, 2, USTACK, UDATA), iret());
  FAULT(NP, FREE);
  descriptor(FREE, CODE_AREA, 0xFFF, 0xFB, 4);
  run(iret_from(0, 0x1000, FREE | 3, 2, USTACK, UDATA), iret());
  FAULT(GP, 0);
}
CASE("iret.outer-stack-checks") {
  run(iret_from(0, TARGET, UCODE, 2, USTACK, 0), iret());
  FAULT(GP, 0);
  run(iret_from(0, TARGET, UCODE, 2, USTACK, UDATA & ~3), iret());
  FAULT(GP, UDATA & ~3);
  run(iret_from(0, TARGET, UCODE, 2, USTACK, UCODE), iret());
  FAULT(GP, UCODE & ~3);
}
CASE("iret.outer-stack-not-present") {
  descriptor(FREE, 0, 0xFFFFF, 0x73, 0xC);
  run(iret_from(0, TARGET, UCODE, 2, USTACK, FREE | 3), iret());
  FAULT(SS, FREE);
}
CASE("iret.fault-leaves-state") {
  struct Regs c = iret_from(0, TARGET, UCODE, F_IF | F_CF | 2, USTACK, KDATA);
  run(c, iret());
  FAULT(GP, KDATA);
  EQ(r.regs.esp, c.esp);
  EQ(r.regs.eflags & (F_IF | F_CF), 0);
}
CASE("iret.to-v86") {
  struct Regs c = kernel();
  c.esp -= 64;
  const u32 frame[] = {0x100, 0x2000, F_VM | F_IF | F_IOPL | 2, 0x1234, 0x4000, 0x1111, 0x2222, 0x3333, 0x4444};
  memcpy((void*)c.esp, frame, sizeof frame);
  poke16(0x20100, 0x0B0F);
  run(c, iret());
  taken(UD, 0x100);
  EQ(r.regs.cs, 0x2000);
  EQ(r.regs.ss, 0x4000);
  EQ(r.regs.esp, 0x1234);
  EQ(r.regs.es, 0x1111);
  EQ(r.regs.ds, 0x2222);
  EQ(r.regs.fs, 0x3333);
  EQ(r.regs.gs, 0x4444);
  EQ(r.regs.eflags & (F_VM | F_IF | F_IOPL), F_VM | F_IF | F_IOPL);
}
CASE("iret.nt-without-valid-link") {
  struct Regs c = kernel();
  tss.link = 0;
  run(c, CODE("pushfd; or dword ptr [esp], 0x4000; popfd; iretd"));
  EQ(r.vector, TS);
  EQ(r.regs.eip, r.end - 1);
  tss.link = KDATA;
  run(c, CODE("pushfd; or dword ptr [esp], 0x4000; popfd; iretd"));
  EQ(r.vector, TS);
  EQ(r.error, KDATA);
}
CASE("iret.nt-link-not-busy") {
  descriptor(FREE, DATA_AREA, 0x67, 0x89, 0);
  tss.link = FREE;
  run(kernel(), CODE("pushfd; or dword ptr [esp], 0x4000; popfd; iretd"));
  EQ(r.vector, TS);
  EQ(r.error, FREE);
}
CASE("iret.stack-limit") {
  descriptor(FREE, DATA_AREA, 0xFFF, 0xF3, 4);
  struct Regs c = user();
  c.ss = FREE | 3;
  c.esp = 0xFF8;
  poke(DATA_AREA + 0xFF8, TARGET), poke(DATA_AREA + 0xFFC, UCODE);
  run(c, iret());
  FAULT(SS, 0);
  EQ(r.regs.esp, 0xFF8);
}
CASE("popf.cpl-3-keeps-if-iopl") {
  run(user(), CODE("push 0x3202; popfd; pushfd; pop eax"));
  COMPLETED();
  EQ(r.regs.eax & (F_IF | F_IOPL), 0);
}
CASE("popf.cpl-0-changes-all") {
  run(kernel(), CODE("push 0x243ED7; popfd; pushfd; pop eax; push 2; popfd"));
  COMPLETED();
  EQ(r.regs.eax, 0x243ED7);
}
CASE("popf.cannot-set-vm-or-rf") {
  run(kernel(), CODE("push 0x30002; popfd; pushfd; pop eax"));
  COMPLETED();
  EQ(r.regs.eax, 2);
}
