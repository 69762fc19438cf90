// Every fault and trap by its simplest cause: vector, error code, saved EIP; from CPL 0, CPL 3, V86 and real mode.
#include "kernel.h"

CASE("harness.completes") {
  run(kernel(), CODE("mov eax, 0x1234"));
  COMPLETED();
  EQ(r.regs.eax, 0x1234);
  run(user(), CODE("mov eax, 0x1234"));
  COMPLETED();
  EQ(r.regs.cs, UCODE);
  run(v86(), CODE16("mov eax, 0x1234"));
  COMPLETED();
  EQ(r.regs.eax, 0x1234);
  run_real(real(), CODE16("mov eax, 0x1234"));
  COMPLETED();
  EQ(r.regs.eax, 0x1234);
  run(kernel16(), CODE16("mov eax, 0x1234"));
  COMPLETED();
  EQ(r.regs.esp, 0xF000);
}
CASE("fault.de.div-by-zero") {
  run(kernel(), CODE("div ecx"));
  FAULT(DE, 0);
  run(user(), CODE("div cl"));
  FAULT(DE, 0);
  run(v86(), CODE16("div cx"));
  FAULT(DE, 0);
  run_real(real(), CODE16("div cx"));
  FAULT(DE, 0);
}
CASE("fault.de.div-overflow") {
  struct Regs c = user();
  c.ecx = 1, c.edx = 1;
  run(c, CODE("div ecx"));
  FAULT(DE, 0);
  EQ(r.regs.edx, 1);
  c.eax = 0x100, c.edx = 0;
  run(c, CODE("div cl"));
  FAULT(DE, 0);
  EQ(r.regs.eax, 0x100);
}
CASE("fault.de.idiv-overflow") {
  struct Regs c = user();
  c.eax = 0x80000000, c.edx = 0xFFFFFFFF, c.ecx = 0xFFFFFFFF;
  run(c, CODE("idiv ecx"));
  FAULT(DE, 0);
  c.eax = 0xFF80, c.ecx = 0xFF;
  run(c, CODE("idiv cl"));
  FAULT(DE, 0);
}
CASE("fault.de.aam-zero") {
  run(user(), CODE(".byte 0xD4, 0"));
  FAULT(DE, 0);
}
CASE("fault.rf-in-image") {
  run(kernel(), CODE("div ecx"));
  EQ(r.regs.eflags & F_RF, F_RF);
  run(user(), CODE("ud2; nop"));
  EQ(r.regs.eflags & F_RF, F_RF);
}
CASE("trap.int3") {
  run(user(), CODE("int3"));
  FAULT_AT(BP, 0, 1);
  EQ(r.regs.eflags & F_RF, 0);
  run_real(real(), CODE16("int3"));
  FAULT_AT(BP, 0, 1);
}
CASE("trap.into-taken") {
  struct Regs c = user();
  c.eflags |= F_OF;
  run(c, CODE("into"));
  FAULT_AT(OF, 0, 1);
}
CASE("trap.into-not-taken") {
  run(user(), CODE("into"));
  COMPLETED();
}
CASE("trap.into-dpl") {
  struct Regs c = user();
  c.eflags |= F_OF;
  idt_gate(OF, KCODE, stub(OF), 0x8E);
  run(c, CODE("into"));
  FAULT(GP, OF * 8 + 2);
}
CASE("trap.int3-dpl") {
  idt_gate(BP, KCODE, stub(BP), 0x8E);
  run(user(), CODE("int3"));
  FAULT(GP, BP * 8 + 2);
}
CASE("trap.icebp-ignores-dpl") {
  run(user(), CODE(".byte 0xF1"));
  FAULT_AT(DB, 0, 1);
}
CASE("fault.br.below-and-above") {
  struct Regs c = user();
  poke(DATA_AREA, 5), poke(DATA_AREA + 4, 9);
  c.ebx = DATA_AREA;
  const s32 values[] = {4, 10, -1};
  for (u32 n = 0; n < 3; ++n) {
    context = n;
    c.eax = (u32)values[n];
    run(c, CODE("bound eax, [ebx]"));
    FAULT(BR, 0);
  }
  for (c.eax = 5; c.eax < 10; ++c.eax) {
    run(c, CODE("bound eax, [ebx]"));
    COMPLETED();
  }
}
CASE("fault.br.signed-16") {
  struct Regs c = user();
  poke16(DATA_AREA, 0xFFFB), poke16(DATA_AREA + 2, 4);
  c.ebx = DATA_AREA, c.eax = 0xFFFF;
  run(c, CODE("bound ax, [ebx]"));
  COMPLETED();
  c.eax = 5;
  run(c, CODE("bound ax, [ebx]"));
  FAULT(BR, 0);
}
CASE("fault.ud.bound-register") {
  run(user(), CODE(".byte 0x62, 0xC0"));
  FAULT(UD, 0);
}
CASE("fault.ud.ud2") {
  run(user(), CODE("ud2; nop"));
  FAULT(UD, 0);
}
CASE("fault.ud.ud1") {
  run(user(), CODE(".byte 0x0F, 0xB9, 0xC0"));
  FAULT(UD, 0);
}
CASE("fault.ud.les-register") {
  run(user(), CODE(".byte 0xC4, 0xC0, 0x90"));
  EQ(r.vector, UD);
  run(user(), CODE(".byte 0x0F, 0xB2, 0xC0"));
  FAULT(UD, 0);
}
CASE("fault.ud.lea-register") {
  run(user(), CODE(".byte 0x8D, 0xC0"));
  FAULT(UD, 0);
}
CASE("fault.ud.mov-cs") {
  run(user(), CODE(".byte 0x8E, 0xC8"));
  FAULT(UD, 0);
}
CASE("fault.ud.mov-sreg-6-7") {
  run(user(), CODE(".byte 0x8E, 0xF0"));
  FAULT(UD, 0);
  run(user(), CODE(".byte 0x8E, 0xF8"));
  FAULT(UD, 0);
  run(user(), CODE(".byte 0x8C, 0xF0"));
  FAULT(UD, 0);
}
CASE("fault.ud.far-jump-register") {
  run(user(), CODE(".byte 0xFF, 0xE8"));
  FAULT(UD, 0);
  run(user(), CODE(".byte 0xFF, 0xD8"));
  FAULT(UD, 0);
}
CASE("fault.ud.ff-7-fe-2") {
  run(user(), CODE(".byte 0xFF, 0xF8"));
  FAULT(UD, 0);
  run(user(), CODE(".byte 0xFE, 0xD0"));
  FAULT(UD, 0);
}
CASE("fault.ud.bt-immediate-0-3") {
  for (u32 n = 0; n < 4; ++n) {
    static const u8 forms[4][4] = {
        {0x0F, 0xBA, 0xC0, 1}, {0x0F, 0xBA, 0xC8, 1}, {0x0F, 0xBA, 0xD0, 1}, {0x0F, 0xBA, 0xD8, 1}};
    context = n;
    run(user(), (struct Code){forms[n], 4});
    FAULT(UD, 0);
  }
}
CASE("fault.ud.cmpxchg8b-register") {
  run(user(), CODE(".byte 0x0F, 0xC7, 0xC8"));
  FAULT(UD, 0);
}
CASE("fault.ud.invlpg-register") {
  run(kernel(), CODE(".byte 0x0F, 0x01, 0xF8"));
  EQ(r.vector == UD || r.vector == GP, 1);
}
CASE("fault.ud.lgdt-register") {
  run(kernel(), CODE(".byte 0x0F, 0x01, 0xD0, 0x90"));
  EQ(r.vector, UD);
}
CASE("fault.ud.mov-cr1-cr5-cr7") {
  run(kernel(), CODE(".byte 0x0F, 0x20, 0xC8"));
  FAULT(UD, 0);
  run(kernel(), CODE(".byte 0x0F, 0x20, 0xE8"));
  FAULT(UD, 0);
  run(kernel(), CODE(".byte 0x0F, 0x22, 0xF8"));
  FAULT(UD, 0);
}
CASE("fault.ud.rsm-outside-smm") {
  run(kernel(), CODE(".byte 0x0F, 0xAA"));
  FAULT(UD, 0);
}
CASE("fault.nm.em") {
  struct Regs c = kernel();
  c.cr0 |= CR0_EM;
  run(c, CODE("fldz"));
  FAULT(NM, 0);
}
CASE("fault.nm.ts") {
  struct Regs c = kernel();
  c.cr0 |= CR0_TS;
  run(c, CODE("fnop"));
  FAULT(NM, 0);
}
CASE("fault.nm.wait") {
  struct Regs c = kernel();
  for (u32 n = 0; n < 8; ++n) {
    context = n;
    c.cr0 = CR0_PE | CR0_ET | (n & 1 ? CR0_MP : 0) | (n & 2 ? CR0_TS : 0) | (n & 4 ? CR0_EM : 0);
    run(c, CODE("fwait"));
    if ((n & 3) == 3) FAULT(NM, 0);
    else COMPLETED();
  }
}
CASE("fault.nm.mmx-ts") {
  struct Regs c = kernel();
  c.cr0 |= CR0_TS;
  run(c, CODE("paddb mm0, mm1"));
  FAULT(NM, 0);
  run(c, CODE("emms"));
  FAULT(NM, 0);
}
CASE("fault.ud.mmx-em") {
  struct Regs c = kernel();
  c.cr0 |= CR0_EM;
  run(c, CODE("paddb mm0, mm1"));
  FAULT(UD, 0);
}
CASE("fault.ud.mmx-em-before-ts") {
  struct Regs c = kernel();
  c.cr0 |= CR0_EM | CR0_TS;
  run(c, CODE("paddb mm0, mm1"));
  FAULT(UD, 0);
}
CASE("fault.ud.sse-osfxsr") {
  struct Regs c = kernel();
  run(c, CODE("addps xmm0, xmm1"));
  FAULT(UD, 0);
  c.cr4 = CR4_OSFXSR;
  run(c, CODE("addps xmm0, xmm1"));
  COMPLETED();
}
CASE("fault.ud.sse-em") {
  struct Regs c = kernel();
  c.cr4 = CR4_OSFXSR;
  c.cr0 |= CR0_EM;
  run(c, CODE("addps xmm0, xmm1"));
  FAULT(UD, 0);
}
CASE("fault.nm.sse-ts") {
  struct Regs c = kernel();
  c.cr4 = CR4_OSFXSR;
  c.cr0 |= CR0_TS;
  run(c, CODE("addps xmm0, xmm1"));
  FAULT(NM, 0);
}
CASE("fault.nm.fxsave-ts") {
  struct Regs c = kernel();
  c.cr0 |= CR0_TS;
  c.ebx = DATA_AREA;
  run(c, CODE("fxsave [ebx]"));
  FAULT(NM, 0);
}
CASE("fault.gp.fxsave-misaligned") {
  struct Regs c = kernel();
  c.ebx = DATA_AREA + 8;
  run(c, CODE("fxsave [ebx]"));
  FAULT(GP, 0);
  run(c, CODE("fxrstor [ebx]"));
  FAULT(GP, 0);
}
CASE("fault.gp.movaps-misaligned") {
  struct Regs c = user();
  c.cr4 = CR4_OSFXSR;
  c.ebx = DATA_AREA + 4;
  run(c, CODE("movaps xmm0, [ebx]"));
  FAULT(GP, 0);
  run(c, CODE("movaps [ebx], xmm0"));
  FAULT(GP, 0);
  run(c, CODE("addps xmm0, [ebx]"));
  FAULT(GP, 0);
  run(c, CODE("movups xmm0, [ebx]"));
  COMPLETED();
}
CASE("fault.gp.mxcsr-reserved") {
  struct Regs c = user();
  c.cr4 = CR4_OSFXSR;
  c.ebx = DATA_AREA;
  poke(DATA_AREA, 0x80001F80);
  run(c, CODE("ldmxcsr [ebx]"));
  FAULT(GP, 0);
}
CASE("fault.mf.at-next-waiting") {
  struct Regs c = kernel();
  c.cr0 |= CR0_NE;
  poke16(DATA_AREA, 0x037B);
  c.ebx = DATA_AREA;
  run(c, CODE("fldcw [ebx]; fld1; fldz; fdivp; nop; fwait"));
  EQ(r.vector, MF);
  EQ(r.regs.eip, r.end - 1);
  EQ(r.error, 0);
}
CASE("fault.mf.not-at-fnstsw") {
  struct Regs c = kernel();
  c.cr0 |= CR0_NE;
  poke16(DATA_AREA, 0x037B);
  c.ebx = DATA_AREA;
  run(c, CODE("fldcw [ebx]; fld1; fldz; fdivp; fnstsw ax; fnclex; fwait"));
  COMPLETED();
  EQ(r.regs.eax & 0x84, 0x84);
}
CASE("fault.mf.masked") {
  struct Regs c = kernel();
  c.cr0 |= CR0_NE;
  run(c, CODE("fld1; fldz; fdivp; fwait; fnstsw ax"));
  COMPLETED();
  EQ(r.regs.eax & 0x84, 4);
}
CASE("fault.mf.mmx-sees-pending") {
  struct Regs c = kernel();
  c.cr0 |= CR0_NE;
  poke16(DATA_AREA, 0x037B);
  c.ebx = DATA_AREA;
  run(c, CODE("fldcw [ebx]; fld1; fldz; fdivp; .byte 0x0F, 0xFC, 0xC1"));
  EQ(r.vector, MF);
  EQ(r.regs.eip, r.end - 3);
}
CASE("fault.xm.divide") {
  struct Regs c = user();
  c.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
  c.ebx = DATA_AREA;
  poke(DATA_AREA, 0x1D80);
  run(c, CODE("ldmxcsr [ebx]; pcmpeqd xmm0, xmm0; psrld xmm0, 25; pslld xmm0, 23; xorps xmm1, xmm1; divps xmm0, xmm1"));
  EQ(r.vector, XM);
  EQ(r.regs.eip, r.end - 3);
}
CASE("fault.ud.xm-without-osxmmexcpt") {
  struct Regs c = user();
  c.cr4 = CR4_OSFXSR;
  c.ebx = DATA_AREA;
  poke(DATA_AREA, 0x1D80);
  run(c, CODE("ldmxcsr [ebx]; pcmpeqd xmm0, xmm0; psrld xmm0, 25; pslld xmm0, 23; xorps xmm1, xmm1; divps xmm0, xmm1"));
  EQ(r.vector, UD);
  EQ(r.regs.eip, r.end - 3);
}
CASE("fault.gp.int-n-dpl") {
  run(user(), CODE("int 0x55"));
  FAULT(GP, 0x55 * 8 + 2);
}
CASE("fault.gp.int-n-beyond-idt") {
  run(user(), CODE("lidt [ebx]"));
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) table = {0x7F * 8 - 1, (u32)idt};
  __asm__ volatile("lidt %0" ::"m"(table));
  run(kernel(), CODE("int 0x7F"));
  FAULT(GP, 0x7F * 8 + 2);
}
CASE("fault.np.int-n") {
  idt_gate(0x55, KCODE, stub(0x55), 0x6E);
  run(user(), CODE("int 0x55"));
  FAULT(NP, 0x55 * 8 + 2);
}
CASE("fault.gp.int-n-wrong-type") {
  for (u32 type = 0; type < 32; ++type) {
    context = type;
    if (type == 5 || type == 6 || type == 7 || type == 14 || type == 15) continue;
    idt_gate(0x55, KCODE, stub(0x55), (u8)(0xE0 | type));
    run(user(), CODE("int 0x55"));
    FAULT(GP, 0x55 * 8 + 2);
  }
}
CASE("fault.ext-bit.fault-through-bad-gate") {
  idt_gate(UD, KCODE, stub(UD), 0x0E);
  run(user(), CODE("ud2"));
  EQ(r.vector, NP);
  EQ(r.error, UD * 8 + 3);
  idt_gate(UD, KCODE, stub(UD), 0x80);
  run(user(), CODE("ud2"));
  EQ(r.vector, GP);
  EQ(r.error, UD * 8 + 3);
  idt_gate(UD, 0, stub(UD), 0x8E);
  run(user(), CODE("ud2"));
  EQ(r.vector, GP);
  EQ(r.error, 1);
}
CASE("fault.ext-bit.int3-through-bad-gate") {
  idt_gate(BP, KCODE, stub(BP), 0x6E);
  run(user(), CODE("int3"));
  FAULT(NP, BP * 8 + 2);
}
CASE("fault.gp.gate-code-selector") {
  descriptor(FREE, 0, 0xFFFFF, 0x93, 0xC);
  idt_gate(0x55, FREE, stub(0x55), 0xEE);
  run(user(), CODE("int 0x55"));
  FAULT(GP, FREE);
  idt_gate(0x55, 0x1F8 + 8, stub(0x55), 0xEE);
  run(user(), CODE("int 0x55"));
  FAULT(GP, 0x200);
  idt_gate(0x55, 4, stub(0x55), 0xEE);
  run(user(), CODE("int 0x55"));
  FAULT(GP, 4);
  descriptor(FREE, 0, 0xFFFFF, 0x1B, 0xC);
  idt_gate(0x55, FREE, stub(0x55), 0xEE);
  run(user(), CODE("int 0x55"));
  FAULT(NP, FREE);
}
CASE("fault.gp.gate-offset-beyond-limit") {
  descriptor(FREE, 0, 0x1FF, 0x9B, 4);
  idt_gate(0x55, FREE, 0x200, 0xEE);
  run(user(), CODE("int 0x55"));
  FAULT(GP, 0);
}
CASE("fault.gp.gate-to-outer-code") {
  idt_gate(0x55, UCODE, CODE_AREA, 0x8E);
  run(kernel(), CODE("int 0x55"));
  FAULT(GP, UCODE & ~3);
}
CASE("fault.instruction-too-long") {
  struct Regs c = user();
  run(c, CODE(".byte 0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x90"));
  COMPLETED();
  run(c, CODE(".byte 0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x2E,0x90"));
  FAULT(GP, 0);
}
CASE("fault.instruction-too-long.with-immediate") {
  run(user(), CODE(".byte 0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0xB8,1,2,3,4"));
  FAULT(GP, 0);
  run(user(), CODE(".byte 0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0xB8,1,2,3,4"));
  COMPLETED();
  EQ(r.regs.eax, 0x04030201);
}
CASE("lock.register-form") {
  run(user(), CODE(".byte 0xF0, 0x01, 0xC0"));
  FAULT(UD, 0);
}
CASE("lock.illegal-on-memory") {
  struct Regs c = user();
  c.ebx = DATA_AREA;
  static const u8 forms[][5] = {
      {0xF0, 0x89, 0x03, 0x90}, {0xF0, 0x8B, 0x03, 0x90}, {0xF0, 0x39, 0x03, 0x90}, {0xF0, 0x85, 0x03, 0x90},
      {0xF0, 0x03, 0x03, 0x90}, {0xF0, 0x90, 0x90, 0x90}, {0xF0, 0xFF, 0x33, 0x90}, {0xF0, 0x0F, 0xA3, 0x03},
      {0xF0, 0x80, 0x3B, 0x00}, {0xF0, 0xD1, 0x23, 0x90}, {0xF0, 0xA4, 0x90, 0x90}, {0xF0, 0xF6, 0x23, 0x90}};
  for (context = 0; context < sizeof forms / 5; ++context) {
    run(c, (struct Code){forms[context], 4});
    FAULT(UD, 0);
  }
}
CASE("lock.legal") {
  struct Regs c = user();
  c.ebx = DATA_AREA;
  run(c, CODE("lock add [ebx], eax; lock or byte ptr [ebx], 1; lock inc dword ptr [ebx]; lock dec word ptr [ebx];"
              "lock not dword ptr [ebx]; lock neg dword ptr [ebx]; lock xchg [ebx], ecx; lock xadd [ebx], edx;"
              "lock cmpxchg [ebx], ecx; lock cmpxchg8b [ebx]; lock bts dword ptr [ebx], eax;"
              "lock btr dword ptr [ebx], 3; lock btc [ebx], eax; lock sbb [ebx], eax; lock adc [ebx], eax;"
              "lock and [ebx], eax; lock xor [ebx], eax; lock sub [ebx], eax"));
  COMPLETED();
}
CASE("undocumented.salc") {
  struct Regs c = user();
  c.eax = 0x12345678;
  run(c, CODE("stc; .byte 0xD6"));
  COMPLETED();
  EQ(r.regs.eax, 0x123456FF);
  run(c, CODE("clc; .byte 0xD6"));
  EQ(r.regs.eax, 0x12345600);
}
CASE("undocumented.82h") {
  struct Regs c = user();
  c.eax = 0x05;
  run(c, CODE(".byte 0x82, 0xC0, 0x07"));
  COMPLETED();
  EQ(r.regs.eax, 12);
}
CASE("undocumented.shift-6-is-shl") {
  struct Regs c = user();
  c.eax = 0x81, c.ecx = 3;
  run(c, CODE(".byte 0xD0, 0xF0"));
  COMPLETED();
  EQ(r.regs.eax, 2);
  EQ(r.regs.eflags & F_CF, F_CF);
  run(c, CODE(".byte 0xD3, 0xF0"));
  EQ(r.regs.eax, 0x408);
  run(c, CODE(".byte 0xC1, 0xF0, 4"));
  EQ(r.regs.eax, 0x810);
}
CASE("undocumented.test-f6-1") {
  struct Regs c = user();
  c.eax = 0x80;
  run(c, CODE(".byte 0xF6, 0xC8, 0x80"));
  COMPLETED();
  EQ(r.regs.eflags & (F_SF | F_ZF), F_SF);
}
CASE("cpuid.intel-leaf-0-1") {
  run(user(), CODE("cpuid"));
  COMPLETED();
  EQ(r.regs.eax >= 1, 1);
  struct Regs c = user();
  c.eax = 1;
  run(c, CODE("cpuid"));
  EQ(r.regs.edx & 1, 1);
}
CASE("eflags.id-toggles") {
  run(user(), CODE("pushfd; pop eax; xor eax, 0x200000; push eax; popfd; pushfd; pop ecx"));
  COMPLETED();
  EQ(r.regs.ecx & F_ID, F_ID);
}
CASE("eflags.fixed-bits") {
  run(user(), CODE("push 0x0000802A; popfd; pushfd; pop eax"));
  COMPLETED();
  EQ(r.regs.eax, 2);
}
CASE("cmpxchg8b.equal-and-not") {
  struct Regs c = user();
  c.ebp = 0;
  c.esi = DATA_AREA;
  poke(DATA_AREA, 1), poke(DATA_AREA + 4, 2);
  c.eax = 1, c.edx = 2, c.ebx = 0x33, c.ecx = 0x44;
  run(c, CODE("cmpxchg8b [esi]"));
  COMPLETED();
  EQ(r.regs.eflags & F_ZF, F_ZF);
  EQ(peek(DATA_AREA), 0x33);
  EQ(peek(DATA_AREA + 4), 0x44);
  run(c, CODE("cmpxchg8b [esi]"));
  EQ(r.regs.eflags & F_ZF, 0);
  EQ(r.regs.eax, 0x33);
  EQ(r.regs.edx, 0x44);
}
