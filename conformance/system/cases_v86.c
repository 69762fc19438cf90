// Virtual-8086 mode: sensitive instructions, interrupts out of it, VME, the I/O permission map (SDM 3B chapter 20).
#include "kernel.h"

static struct Regs v86_iopl(u32 iopl) {
  struct Regs c = v86();
  c.eflags |= iopl << 12;
  return c;
}
// The instruction faults with #GP(0) for IOPL 0 to 2 and completes with 3.
static void sensitive(struct Code code) {
  for (u32 iopl = 0; iopl < 4; ++iopl) {
    context = iopl;
    run(v86_iopl(iopl), code);
    if (iopl < 3) FAULT(GP, 0);
    else COMPLETED();
  }
}
CASE("v86.cli") { sensitive(CODE16("cli")); }
CASE("v86.sti") { sensitive(CODE16("sti")); }
CASE("v86.pushf") { sensitive(CODE16("pushf")); }
CASE("v86.popf") { sensitive(CODE16("popf")); }
CASE("v86.pushfd-popfd") {
  sensitive(CODE16("pushfd"));
  struct Regs c = v86_iopl(0);
  run(c, CODE16("popfd"));
  FAULT(GP, 0);
}
CASE("v86.iret") {
  for (u32 iopl = 0; iopl < 4; ++iopl) {
    struct Regs c = v86_iopl(iopl);
    c.esp = 0xEF00;
    poke16(LOW_STACK + 0xEF00, 0x200), poke16(LOW_STACK + 0xEF02, 0x2100), poke16(LOW_STACK + 0xEF04, F_CF | 2);
    poke16(0x21200, 0x0B0F);
    run(c, CODE16("iret"));
    if (iopl < 3) {
      FAULT(GP, 0);
      continue;
    }
    EQ(r.vector, UD);
    EQ(r.regs.cs, 0x2100);
    EQ(r.regs.eip, 0x200);
    EQ(r.regs.esp, 0xEF06);
    EQ(r.regs.eflags & (F_CF | F_IOPL | F_VM), F_CF | F_IOPL | F_VM);
  }
}
CASE("v86.int-n") {
  idt_gate(0x55, KCODE, stub(0x55), 0xEE);
  for (u32 iopl = 0; iopl < 3; ++iopl) {
    run(v86_iopl(iopl), CODE16("int 0x55"));
    FAULT(GP, 0);
  }
  run(v86_iopl(3), CODE16("int 0x55"));
  FAULT_AT(0x55, 0, 2);
}
CASE("v86.int-n-dpl") {
  run(v86_iopl(3), CODE16("int 0x55"));
  FAULT(GP, 0x55 * 8 + 2);
}
CASE("v86.int3-and-into-are-not-sensitive") {
  run(v86_iopl(0), CODE16("int3"));
  FAULT_AT(BP, 0, 1);
  struct Regs c = v86_iopl(0);
  c.eflags |= F_OF;
  run(c, CODE16("into"));
  FAULT_AT(OF, 0, 1);
}
CASE("v86.int3-by-opcode-cd") {
  run(v86_iopl(0), CODE16(".byte 0xCD, 3"));
  FAULT(GP, 0);
}
CASE("v86.interrupt-frame") {
  struct Regs c = v86_iopl(0);
  c.es = 0x1111, c.ds = 0x2222, c.fs = 0x3333, c.gs = 0x4444;
  run(c, CODE16("hlt"));
  FAULT(GP, 0);
  EQ(r.entry_esp, ESP0 - 40);
  EQ(r.words[0], 0);
  EQ(r.words[1], 0x100);
  EQ(r.words[2] & 0xFFFF, LOW_CODE >> 4);
  EQ(r.words[3] & (F_VM | F_IOPL), F_VM);
  EQ(r.words[4], 0xF000);
  EQ(r.words[5] & 0xFFFF, LOW_STACK >> 4);
  EQ(r.words[6] & 0xFFFF, 0x1111);
  EQ(r.words[7] & 0xFFFF, 0x2222);
  EQ(r.words[8] & 0xFFFF, 0x3333);
  EQ(r.words[9] & 0xFFFF, 0x4444);
  EQ(r.entry_flags & F_VM, 0);
}
CASE("v86.handler-segments-null") {
  idt_gate(GP, KCODE, TARGET, 0x8E);
  put_code(TARGET, CODE("mov eax, ds; mov ecx, es; mov edx, fs; mov ebx, gs"));
  struct Regs c = v86_iopl(0);
  c.es = 0x1111, c.fs = 0x3333;
  run(c, CODE16("hlt"));
  EQ(r.vector, UD);
  EQ(r.regs.cs, KCODE);
  EQ(r.regs.eax | r.regs.ecx | r.regs.edx | r.regs.ebx, 0);
}
CASE("v86.gate-to-ring-1-or-3-or-conforming") {
  idt_gate(0x55, CODE1, TARGET, 0xEE);
  run(v86_iopl(3), CODE16("int 0x55"));
  FAULT(GP, CODE1 & ~3);
  idt_gate(0x55, UCODE, TARGET, 0xEE);
  run(v86_iopl(3), CODE16("int 0x55"));
  FAULT(GP, UCODE & ~3);
  descriptor(FREE, 0, 0xFFFFF, 0x9F, 0xC);
  idt_gate(0x55, FREE, TARGET, 0xEE);
  run(v86_iopl(3), CODE16("int 0x55"));
  FAULT(GP, FREE);
}
CASE("v86.privileged") {
  static const u8 forms[][3] = {{0xF4, 0x90, 0x90}, {0x0F, 0x06, 0x90}, {0x0F, 0x20, 0xC0}, {0x0F, 0x22, 0xC0},
                                {0x0F, 0x21, 0xC0}, {0x0F, 0x23, 0xC0}, {0x0F, 0x08, 0x90}, {0x0F, 0x09, 0x90},
                                {0x0F, 0x30, 0x90}, {0x0F, 0x32, 0x90}, {0x0F, 0x01, 0x17}, {0x0F, 0x01, 0x1F},
                                {0x0F, 0x01, 0xF0}, {0x0F, 0x01, 0x3F}};
  for (context = 0; context < sizeof forms / 3; ++context) {
    run(v86_iopl(3), (struct Code){forms[context], 3});
    FAULT(GP, 0);
  }
}
CASE("v86.not-recognized") {
  static const u8 forms[][3] = {{0x63, 0xC0, 0x90}, {0x0F, 0x00, 0xC0}, {0x0F, 0x00, 0xC8}, {0x0F, 0x00, 0xD0},
                                {0x0F, 0x00, 0xD8}, {0x0F, 0x00, 0xE0}, {0x0F, 0x00, 0xE8}, {0x0F, 0x02, 0xC0},
                                {0x0F, 0x03, 0xC0}};
  for (context = 0; context < sizeof forms / 3; ++context) {
    run(v86_iopl(3), (struct Code){forms[context], 3});
    FAULT(UD, 0);
  }
}
CASE("v86.smsw-sgdt-sidt-allowed") {
  run(v86_iopl(0), CODE16("smsw ax; sgdt [bx]; sidt [bx]"));
  COMPLETED();
  EQ(r.regs.eax & 1, 1);
}
CASE("v86.segments-are-paragraphs") {
  struct Regs c = v86();
  poke(0x12340 + 0x10, 0xBEEF0001);
  c.eax = 0x1234;
  run(c, CODE16("mov ds, ax; mov ecx, [0x10]; mov dx, ds"));
  COMPLETED();
  EQ(r.regs.ecx, 0xBEEF0001);
  EQ(r.regs.ds, 0x1234);
}
CASE("v86.limit-64k") {
  struct Regs c = v86();
  c.ebx = 0xFFFF;
  run(c, CODE16("mov ax, [bx]"));
  FAULT(GP, 0);
  run(c, CODE16("mov al, [bx]"));
  COMPLETED();
  c.ebx = 0x10000;
  run(c, CODE16("mov al, [ebx]"));
  FAULT(GP, 0);
  c.ebp = 0xFFFF;
  run(c, CODE16("mov ax, [bp]"));
  FAULT(SS, 0);
}
CASE("v86.far-jump-and-call") {
  poke16(0x21234, 0x0B0F);
  run(v86(), CODE16(".byte 0xEA; .word 0x234, 0x2100"));
  EQ(r.vector, UD);
  EQ(r.regs.cs, 0x2100);
  EQ(r.regs.eip, 0x234);
  run(v86(), CODE16(".byte 0x9A; .word 0x234, 0x2100"));
  EQ(r.vector, UD);
  EQ(r.regs.esp, 0xEFFC);
  EQ(peek(LOW_STACK + 0xEFFC), (LOW_CODE >> 4) << 16 | 0x105);
}
CASE("v86.lds-les") {
  struct Regs c = v86();
  poke(LOW_DATA + 0x40, 0xABCD1234);
  run(c, CODE16("les di, [0x40]"));
  COMPLETED();
  EQ(r.regs.es, 0xABCD);
  EQ(r.regs.edi, 0x1234);
}
CASE("v86.write-read-only-code-segment-allowed") {
  run(v86(), CODE16("mov cs:[0x4000], eax"));
  COMPLETED();
}
CASE("v86.popf-cannot-change-iopl-or-vm") {
  struct Regs c = v86_iopl(3);
  run(c, CODE16("pushfd; pop eax; push 0; popf; pushfd; pop ecx"));
  COMPLETED();
  EQ(r.regs.ecx & F_IOPL, F_IOPL);
  EQ(r.regs.eflags & (F_IOPL | F_VM), F_IOPL | F_VM);
  EQ(r.regs.ecx & F_VM, 0);
}
CASE("v86.sti-cli-change-if-with-iopl-3") {
  struct Regs c = v86_iopl(3);
  run(c, CODE16("sti"));
  COMPLETED();
  EQ(r.regs.eflags & F_IF, F_IF);
}

// The I/O permission map.
static void map_on(void) {
  main_tss_limit = 0x88 + 0x2000;
  tss.io_map = 0x88;
  reload_tables();
}
static void allow(u32 port, int allowed) {
  u8* byte = &((u8*)&tss)[0x88 + port / 8];
  *byte = (u8)(allowed ? *byte & ~(1 << port % 8) : *byte | 1 << port % 8);
}
CASE("io.v86.map-denies-with-any-iopl") {
  map_on();
  struct Regs c = v86_iopl(3);
  c.edx = 0x80;
  run(c, CODE16("in al, dx"));
  FAULT(GP, 0);
  allow(0x80, 1);
  run(c, CODE16("in al, dx"));
  COMPLETED();
}
CASE("io.v86.iopl-0-with-map") {
  map_on();
  allow(0x80, 1);
  struct Regs c = v86_iopl(0);
  c.edx = 0x80;
  run(c, CODE16("out dx, al"));
  COMPLETED();
}
CASE("io.user.map-bits") {
  map_on();
  struct Regs c = user();
  c.edx = 0x80;
  run(c, CODE("in al, dx"));
  FAULT(GP, 0);
  allow(0x80, 1);
  run(c, CODE("in al, dx"));
  COMPLETED();
  run(c, CODE("in ax, dx"));
  FAULT(GP, 0);
  allow(0x81, 1);
  run(c, CODE("in ax, dx"));
  COMPLETED();
  run(c, CODE("in eax, dx"));
  FAULT(GP, 0);
  allow(0x82, 1), allow(0x83, 1);
  run(c, CODE("in eax, dx"));
  COMPLETED();
}
CASE("io.user.crosses-map-bytes") {
  map_on();
  allow(0x87, 1);
  struct Regs c = user();
  c.edx = 0x87;
  run(c, CODE("out dx, ax"));
  FAULT(GP, 0);
  allow(0x88, 1);
  run(c, CODE("out dx, ax"));
  COMPLETED();
}
CASE("io.user.iopl-3-skips-map") {
  struct Regs c = user();
  c.eflags |= F_IOPL;
  run(c, CODE("in al, 0x80; out 0x80, al; cli; sti; cli"));
  COMPLETED();
}
CASE("io.user.no-map") {
  struct Regs c = user();
  run(c, CODE("in al, 0x80"));
  FAULT(GP, 0);
  run(c, CODE("out 0x80, al"));
  FAULT(GP, 0);
  run(c, CODE("insb"));
  FAULT(GP, 0);
  run(c, CODE("outsd"));
  FAULT(GP, 0);
  run(c, CODE("cli"));
  FAULT(GP, 0);
  run(c, CODE("sti"));
  FAULT(GP, 0);
}
CASE("io.user.map-limit-edge") {
  // The processor reads two bytes of the map: the second must lie within the limit too.
  tss.io_map = 0x88;
  allow(0, 1), allow(8, 1);
  main_tss_limit = 0x88;
  reload_tables();
  struct Regs c = user();
  run(c, CODE("in al, 0"));
  FAULT(GP, 0);
  main_tss_limit = 0x89;
  reload_tables();
  run(c, CODE("in al, 0"));
  COMPLETED();
  allow(8, 1);
  c.edx = 8;
  run(c, CODE("in al, dx"));
  FAULT(GP, 0);
}
CASE("io.user.16-bit-tss-has-no-map") {
  descriptor(FREE, (u32)&tss, 0x2088, 0x81, 0);
  tss.io_map = 0x88;
  allow(0x80, 1);
  __asm__ volatile("ltr %w0" ::"r"(FREE));
  run(user(), CODE("in al, 0x80"));
  EQ(r.vector == GP || r.vector == DF || r.vector == TS, 1);
}

// VME.
static struct Regs vme(u32 iopl) {
  struct Regs c = v86_iopl(iopl);
  c.cr4 = CR4_VME;
  return c;
}
static void redirect(u8 vector, int to_v86) {
  tss.io_map = 0x88;
  main_tss_limit = 0x88 + 0x2000;
  memset(tss.redirection, 0xFF, 32);
  if (to_v86) tss.redirection[vector / 8] &= (u8) ~(1 << vector % 8);
  reload_tables();
  poke(vector * 4, 0x21000100);
  poke16(0x21100, 0x0B0F);
}
#define NEED_VME() \
  if (!(cpu_features() & HAS_VME)) return skip("no VME")
CASE("vme.int.redirected-iopl-3") {
  NEED_VME();
  redirect(0x55, 1);
  struct Regs c = vme(3);
  c.eflags |= F_IF | F_CF;
  run(c, CODE16("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.cs, 0x2100);
  EQ(r.regs.eip, 0x100);
  EQ(r.regs.esp, 0xEFFA);
  EQ(peek16(LOW_STACK + 0xEFFA), 0x102);
  EQ(peek16(LOW_STACK + 0xEFFC), LOW_CODE >> 4);
  EQ(peek16(LOW_STACK + 0xEFFE), F_IF | F_CF | F_IOPL | 2);
  EQ(r.regs.eflags & F_IF, 0);
}
CASE("vme.int.redirected-iopl-0") {
  NEED_VME();
  redirect(0x55, 1);
  struct Regs c = vme(0);
  c.eflags |= F_IF | F_VIF;
  run(c, CODE16("int 0x55"));
  EQ(r.vector, UD);
  EQ(r.regs.cs, 0x2100);
  EQ(peek16(LOW_STACK + 0xEFFE) & (F_IF | F_IOPL), F_IF | F_IOPL);
  EQ(r.regs.eflags & (F_VIF | F_IF), F_IF);
  c.eflags &= ~F_VIF;
  run(c, CODE16("int 0x55"));
  EQ(peek16(LOW_STACK + 0xEFFE) & (F_IF | F_IOPL), F_IOPL);
}
CASE("vme.int.not-redirected") {
  NEED_VME();
  redirect(0x55, 0);
  run(vme(0), CODE16("int 0x55"));
  FAULT(GP, 0);
  idt_gate(0x55, KCODE, stub(0x55), 0xEE);
  run(vme(3), CODE16("int 0x55"));
  FAULT_AT(0x55, 0, 2);
}
CASE("vme.int3-is-not-redirected") {
  NEED_VME();
  redirect(3, 1);
  run(vme(3), CODE16("int3"));
  FAULT_AT(BP, 0, 1);
}
CASE("vme.cli-sti-on-vif") {
  NEED_VME();
  struct Regs c = vme(0);
  c.eflags |= F_IF;
  run(c, CODE16("sti"));
  COMPLETED();
  EQ(r.regs.eflags & (F_VIF | F_IF), F_VIF | F_IF);
  c.eflags |= F_VIF;
  run(c, CODE16("cli"));
  COMPLETED();
  EQ(r.regs.eflags & (F_VIF | F_IF), F_IF);
}
CASE("vme.cli-sti-iopl-3-on-if") {
  NEED_VME();
  struct Regs c = vme(3);
  run(c, CODE16("sti"));
  COMPLETED();
  EQ(r.regs.eflags & (F_VIF | F_IF), F_IF);
}
CASE("vme.sti-with-vip") {
  NEED_VME();
  struct Regs c = vme(0);
  c.eflags |= F_VIP;
  run(c, CODE16("sti"));
  FAULT(GP, 0);
  run(c, CODE16("cli"));
  COMPLETED();
}
CASE("vme.pushf-shows-vif") {
  NEED_VME();
  struct Regs c = vme(0);
  c.eflags |= F_VIF;
  run(c, CODE16("pushf; pop ax"));
  COMPLETED();
  EQ(r.regs.eax & (F_IF | F_IOPL), F_IF | F_IOPL);
  c.eflags = (c.eflags & ~F_VIF) | F_IF;
  run(c, CODE16("pushf; pop ax"));
  EQ(r.regs.eax & (F_IF | F_IOPL), F_IOPL);
}
CASE("vme.popf-sets-vif") {
  NEED_VME();
  struct Regs c = vme(0);
  c.eflags |= F_IF;
  run(c, CODE16("push 0x202; popf"));
  COMPLETED();
  EQ(r.regs.eflags & (F_VIF | F_IF), F_VIF | F_IF);
  c.eflags |= F_VIF;
  run(c, CODE16("push 2; popf"));
  EQ(r.regs.eflags & (F_VIF | F_IF), F_IF);
}
CASE("vme.popf-faults") {
  NEED_VME();
  struct Regs c = vme(0);
  run(c, CODE16("push 0x102; popf"));
  FAULT_AT(GP, 0, 3);
  c.eflags |= F_VIP;
  run(c, CODE16("push 0x202; popf"));
  FAULT_AT(GP, 0, 3);
}
CASE("vme.pushfd-popfd-iretd-still-fault") {
  NEED_VME();
  run(vme(0), CODE16("pushfd"));
  FAULT(GP, 0);
  run(vme(0), CODE16("popfd"));
  FAULT(GP, 0);
  run(vme(0), CODE16("iretd"));
  FAULT(GP, 0);
}
CASE("vme.iret-sets-vif") {
  NEED_VME();
  struct Regs c = vme(0);
  c.eflags |= F_IF;
  c.esp = 0xEF00;
  poke16(LOW_STACK + 0xEF00, 0x200), poke16(LOW_STACK + 0xEF02, 0x2100), poke16(LOW_STACK + 0xEF04, F_IF | F_CF | 2);
  poke16(0x21200, 0x0B0F);
  run(c, CODE16("iret"));
  EQ(r.vector, UD);
  EQ(r.regs.cs, 0x2100);
  EQ(r.regs.eflags & (F_VIF | F_IF | F_CF | F_VM), F_VIF | F_IF | F_CF | F_VM);
}
CASE("pvi.cli-sti-on-vif") {
  NEED_VME();
  struct Regs c = user();
  c.cr4 = CR4_PVI;
  run(c, CODE("sti"));
  COMPLETED();
  EQ(r.regs.eflags & (F_VIF | F_IF), F_VIF);
  c.eflags |= F_VIF;
  run(c, CODE("cli"));
  COMPLETED();
  EQ(r.regs.eflags & F_VIF, 0);
  c.eflags = F_VIP | 2;
  run(c, CODE("sti"));
  FAULT(GP, 0);
}
