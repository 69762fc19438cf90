// Far JMP, CALL and RET: directly, through call gates, to inner and outer levels (SDM 5.8).
#include "kernel.h"

static void far(u32 cpl, struct Code code, u16 selector, u32 offset) {
  struct Regs c = ring(cpl);
  c.ebx = DATA_AREA;
  poke(DATA_AREA, offset), poke16(DATA_AREA + 4, selector);
  run(c, code);
}
#define JMP CODE("jmp fword ptr [ebx]")
#define CALL CODE("call fword ptr [ebx]")

static void arrived(u32 cs) {
  EQ(r.vector, UD);
  EQ(r.regs.eip, TARGET);
  EQ(r.regs.cs, cs);
}

static void privilege(int call, u8 type, int conforming) {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    descriptor(FREE, 0, 0xFFFFF, (u8)(type | dpl << 5), 0xC);
    far(cpl, call ? CALL : JMP, (u16)(FREE | rpl), TARGET);
    if (conforming ? dpl <= cpl : dpl == cpl && rpl <= cpl) arrived(FREE | cpl);
    else FAULT(GP, FREE);
  }
}
CASE("far.jmp.privilege.non-conforming") { privilege(0, 0x9A, 0); }
CASE("far.jmp.privilege.conforming") { privilege(0, 0x9E, 1); }
CASE("far.call.privilege.non-conforming") { privilege(1, 0x9A, 0); }
CASE("far.call.privilege.conforming") { privilege(1, 0x9E, 1); }
CASE("far.jmp.execute-only") {
  descriptor(FREE, 0, 0xFFFFF, 0xF8, 0xC);
  far(3, JMP, FREE | 3, TARGET);
  arrived(FREE | 3);
  EQ(access_byte(FREE), 0xF9);
}
CASE("far.jmp.null") {
  far(3, JMP, 0, TARGET);
  FAULT(GP, 0);
  far(3, JMP, 3, TARGET);
  FAULT(GP, 0);
}
CASE("far.call.null") {
  far(0, CALL, 2, TARGET);
  FAULT(GP, 0);
  EQ(r.regs.esp, KSTACK);
}
CASE("far.jmp.beyond-table") {
  far(3, JMP, 0x203, TARGET);
  FAULT(GP, 0x200);
  far(3, JMP, 0x107, TARGET);
  FAULT(GP, 0x104);
}
CASE("far.jmp.data-segment") {
  far(3, JMP, UDATA, TARGET);
  FAULT(GP, UDATA & ~3);
}
CASE("far.jmp.wrong-system-type") {
  for (u8 type = 0; type < 16; ++type) {
    if (type == 1 || type == 4 || type == 5 || type == 9 || type == 12) continue;
    context = type;
    descriptor(FREE, 0, 0xFFFFF, 0xE0 | type, 0);
    far(3, JMP, FREE | 3, TARGET);
    FAULT(GP, FREE);
  }
}
CASE("far.jmp.not-present") {
  descriptor(FREE, 0, 0xFFFFF, 0x7A, 0xC);
  far(3, JMP, FREE | 3, TARGET);
  FAULT(NP, FREE);
  EQ(access_byte(FREE), 0x7A);
}
CASE("far.jmp.beyond-limit") {
  descriptor(FREE, CODE_AREA, 0xFFF, 0xFA, 4);
  far(3, JMP, FREE | 3, 0x1000);
  FAULT(GP, 0);
}
CASE("far.call.beyond-limit") {
  descriptor(FREE, CODE_AREA, 0xFFF, 0xFA, 4);
  far(3, CALL, FREE | 3, 0x1000);
  FAULT(GP, 0);
  EQ(r.regs.esp, USTACK);
}
CASE("far.call.pushes-32") {
  far(3, CALL, UCODE, TARGET);
  arrived(UCODE);
  EQ(r.regs.esp, USTACK - 8);
  EQ(peek(USTACK - 8), CODE_AREA + 2);
  EQ(peek16(USTACK - 4), UCODE);
}
CASE("far.call.pushes-16") {
  descriptor(FREE, CODE_AREA, 0xFFFF, 0xFA, 0);
  poke(USTACK - 4, 0xAAAAAAAA);
  far(3, CODE("call dword ptr [ebx]"), 0, 0);
  struct Regs c = user();
  c.ebx = DATA_AREA;
  poke16(DATA_AREA, 0x1000), poke16(DATA_AREA + 2, FREE | 3);
  run(c, CODE(".byte 0x66, 0xFF, 0x1B"));
  EQ(r.vector, UD);
  EQ(r.regs.eip, 0x1000);
  EQ(r.regs.esp, USTACK - 4);
  EQ(peek(USTACK - 4), UCODE << 16 | ((CODE_AREA + 3) & 0xFFFF));
}
CASE("far.jmp.immediate") {
  run(user(), CODE(".byte 0xEA; .long 0x201000; .word 0x1B"));
  arrived(UCODE);
}
CASE("far.jmp.to-16-bit-segment") {
  far(3, JMP, UCODE16, 0x1000);
  EQ(r.vector, UD);
  EQ(r.regs.cs, UCODE16);
  EQ(r.regs.eip, 0x1000);
}
CASE("far.call.stack-fault") {
  descriptor(FREE, DATA_AREA, 0xFFF, 0xF3, 4);
  struct Regs c = user();
  c.ss = FREE | 3;
  c.esp = 0x1008;
  c.ebx = DATA_AREA;
  poke(DATA_AREA, TARGET), poke16(DATA_AREA + 4, UCODE);
  run(c, CALL);
  FAULT(SS, 0);
  EQ(r.regs.esp, 0x1008);
}
CASE("far.pointer-beyond-limit") {
  descriptor(FREE, DATA_AREA, 4, 0xF3, 4);
  struct Regs c = user();
  c.ds = FREE | 3;
  run(c, JMP);
  FAULT(GP, 0);
}

// Call gates.
static void through(u32 cpl, int call, u16 gate_rpl) { far(cpl, call ? CALL : JMP, (u16)(FREE | gate_rpl), 0xDEAD0000); }

CASE("gate.call.privilege-of-gate") {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    call_gate(FREE, KCODE, TARGET, (u8)(0x8C | dpl << 5), 0);
    through(cpl, 1, (u16)rpl);
    if (dpl >= cpl && dpl >= rpl) arrived(KCODE);
    else FAULT(GP, FREE);
  }
}
CASE("gate.jmp.privilege-of-target") {
  for (u32 n = 0; n < 16; ++n) {
    const u32 cpl = n & 3, dpl = n >> 2;
    context = n;
    call_gate(FREE, FREE + 8, TARGET, 0xEC, 0);
    descriptor(FREE + 8, 0, 0xFFFFF, (u8)(0x9B | dpl << 5), 0xC);
    through(cpl, 0, 0);
    if (dpl == cpl) arrived((FREE + 8) | cpl);
    else FAULT(GP, FREE + 8);
    descriptor(FREE + 8, 0, 0xFFFFF, (u8)(0x9F | dpl << 5), 0xC);
    through(cpl, 0, 0);
    if (dpl <= cpl) arrived((FREE + 8) | cpl);
    else FAULT(GP, FREE + 8);
  }
}
CASE("gate.call.privilege-of-target") {
  for (u32 n = 0; n < 16; ++n) {
    const u32 cpl = n & 3, dpl = n >> 2;
    context = n;
    call_gate(FREE, FREE + 8, TARGET, 0xEC, 0);
    descriptor(FREE + 8, 0, 0xFFFFF, (u8)(0x9B | dpl << 5), 0xC);
    through(cpl, 1, 0);
    if (dpl <= cpl) arrived((FREE + 8) | dpl);
    else FAULT(GP, FREE + 8);
    descriptor(FREE + 8, 0, 0xFFFFF, (u8)(0x9F | dpl << 5), 0xC);
    through(cpl, 1, 0);
    if (dpl <= cpl) arrived((FREE + 8) | cpl);
    else FAULT(GP, FREE + 8);
  }
}
CASE("gate.call.not-present") {
  call_gate(FREE, KCODE, TARGET, 0x6C, 0);
  through(3, 1, 3);
  FAULT(NP, FREE);
}
CASE("gate.call.target-null") {
  call_gate(FREE, 3, TARGET, 0xEC, 0);
  through(3, 1, 3);
  FAULT(GP, 0);
}
CASE("gate.call.target-beyond-table") {
  call_gate(FREE, 0x203, TARGET, 0xEC, 0);
  through(3, 1, 3);
  FAULT(GP, 0x200);
}
CASE("gate.call.target-not-code") {
  call_gate(FREE, KDATA, TARGET, 0xEC, 0);
  through(3, 1, 3);
  FAULT(GP, KDATA);
  call_gate(FREE, MAIN_TSS, TARGET, 0xEC, 0);
  through(3, 1, 3);
  FAULT(GP, MAIN_TSS);
}
CASE("gate.call.target-not-present") {
  call_gate(FREE, FREE + 8, TARGET, 0xEC, 0);
  descriptor(FREE + 8, 0, 0xFFFFF, 0x1B, 0xC);
  through(3, 1, 3);
  FAULT(NP, FREE + 8);
}
CASE("gate.call.target-beyond-limit") {
  call_gate(FREE, FREE + 8, 0x1000, 0xEC, 0);
  descriptor(FREE + 8, CODE_AREA, 0xFFF, 0x9B, 4);
  through(3, 1, 3);
  FAULT(GP, 0);
}
CASE("gate.call.target-rpl-ignored") {
  call_gate(FREE, KCODE | 3, TARGET, 0xEC, 0);
  through(3, 1, 3);
  arrived(KCODE);
}
CASE("gate.call.same-level") {
  call_gate(FREE, UCODE, TARGET, 0xEC, 5);
  through(3, 1, 3);
  arrived(UCODE);
  EQ(r.regs.esp, USTACK - 8);
  EQ(peek(USTACK - 8), CODE_AREA + 2);
}
CASE("gate.call.inner-stack-frame") {
  call_gate(FREE, KCODE, TARGET, 0xEC, 0);
  through(3, 1, 3);
  arrived(KCODE);
  EQ(r.regs.esp, ESP0 - 16);
  EQ(r.regs.ss, KDATA);
  EQ(peek(ESP0 - 16), CODE_AREA + 2);
  EQ(peek16(ESP0 - 12), UCODE);
  EQ(peek(ESP0 - 8), USTACK);
  EQ(peek16(ESP0 - 4), UDATA);
}
CASE("gate.call.inner-ring-1-and-2") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  through(3, 1, 3);
  arrived(CODE1);
  EQ(r.regs.esp, ESP1 - 16);
  EQ(r.regs.ss, DATA1);
  call_gate(FREE, CODE2, TARGET, 0xEC, 0);
  through(3, 1, 3);
  arrived(CODE2);
  EQ(r.regs.esp, ESP2 - 16);
  EQ(r.regs.ss, DATA2);
}
static void parameters(u8 count) {
  for (u32 n = 0; n < 31; ++n) poke(USTACK + 4 * n, 0x1000 + n);
  call_gate(FREE, KCODE, TARGET, 0xEC, count);
  through(3, 1, 3);
  arrived(KCODE);
  EQ(r.regs.esp, ESP0 - 16 - 4u * (count & 31));
  EQ(peek(r.regs.esp), CODE_AREA + 2);
  for (u32 n = 0; n < (count & 31); ++n) EQ(peek(r.regs.esp + 8 + 4 * n), 0x1000 + n);
  EQ(peek(ESP0 - 8), USTACK);
}
CASE("gate.call.parameters-1") { parameters(1); }
CASE("gate.call.parameters-31") { parameters(31); }
CASE("gate.call.parameters-count-is-5-bits") { parameters(0xE2); }
CASE("gate.call.parameters-beyond-old-stack") {
  descriptor(FREE + 8, DATA_AREA, 0xFFF, 0xF3, 4);
  call_gate(FREE, CODE1, TARGET, 0xEC, 4);
  struct Regs c = user();
  c.ss = (FREE + 8) | 3;
  c.esp = 0xFF4;
  c.ebx = DATA_AREA;
  poke16(DATA_AREA + 4, FREE | 3);
  run(c, CALL);
  EQ(r.vector, SS);
  EQ(r.regs.eip, r.start);
  c.esp = 0xFF0;
  run(c, CALL);
  arrived(CODE1);
}
CASE("gate.call.16-bit-inner-with-parameters") {
  descriptor(FREE + 8, CODE_AREA, 0xFFFF, 0x9A, 0);
  poke(USTACK, 0x22221111);
  call_gate(FREE, FREE + 8, 0x1000, 0xE4, 2);
  through(3, 1, 3);
  EQ(r.vector, UD);
  EQ(r.regs.eip, 0x1000);
  EQ(r.regs.esp, ESP0 - 12);
  EQ(peek16(ESP0 - 12), (CODE_AREA + 2) & 0xFFFF);
  EQ(peek16(ESP0 - 10), UCODE);
  EQ(peek16(ESP0 - 8), 0x1111);
  EQ(peek16(ESP0 - 6), 0x2222);
  EQ(peek16(ESP0 - 4), USTACK & 0xFFFF);
  EQ(peek16(ESP0 - 2), UDATA);
}
CASE("gate.call.16-bit-offset-truncated") {
  descriptor(FREE + 8, CODE_AREA, 0xFFFF, 0xFA, 4);
  call_gate(FREE, (FREE + 8) | 3, 0x00011000, 0xE4, 0);
  poke16(DATA_AREA + 0x1000, 0x0B0F);
  through(3, 1, 3);
  EQ(r.vector, UD);
  EQ(r.regs.eip, 0x1000);
}
CASE("gate.call.stack-selector-null") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  tss.ss1 = 1;
  through(3, 1, 3);
  FAULT(TS, 0);
}
CASE("gate.call.stack-selector-beyond-table") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  tss.ss1 = 0x201;
  through(3, 1, 3);
  FAULT(TS, 0x200);
}
CASE("gate.call.stack-selector-rpl") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  tss.ss1 = DATA1 & ~3;
  through(3, 1, 3);
  FAULT(TS, DATA1 & ~3);
}
CASE("gate.call.stack-dpl") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  tss.ss1 = (DATA2 & ~3) | 1;
  through(3, 1, 3);
  FAULT(TS, DATA2 & ~3);
}
CASE("gate.call.stack-not-writable") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  descriptor(FREE + 8, 0, 0xFFFFF, 0xB1, 0xC);
  tss.ss1 = FREE + 9;
  through(3, 1, 3);
  FAULT(TS, FREE + 8);
  tss.ss1 = CODE1;
  through(3, 1, 3);
  FAULT(TS, CODE1 & ~3);
}
CASE("gate.call.stack-not-present") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  descriptor(FREE + 8, 0, 0xFFFFF, 0x33, 0xC);
  tss.ss1 = FREE + 9;
  through(3, 1, 3);
  FAULT(SS, FREE + 8);
}
CASE("gate.call.stack-too-small") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  descriptor(FREE + 8, DATA_AREA, 0xFFF, 0xB3, 4);
  tss.ss1 = FREE + 9;
  tss.esp1 = 12;
  through(3, 1, 3);
  EQ(r.vector, SS);
  EQ(r.error, FREE + 8);
  EQ(r.regs.esp, USTACK);
  tss.esp1 = 16;
  through(3, 1, 3);
  arrived(CODE1);
  EQ(r.regs.esp, 0);
}
CASE("gate.call.tss-limit") {
  call_gate(FREE, CODE1, TARGET, 0xEC, 0);
  main_tss_limit = 0x10;
  reload_tables();
  through(3, 1, 3);
  FAULT(TS, MAIN_TSS);
}
CASE("gate.call.conforming-target-keeps-stack") {
  call_gate(FREE, FREE + 8, TARGET, 0xEC, 0);
  descriptor(FREE + 8, 0, 0xFFFFF, 0x9F, 0xC);
  through(3, 1, 3);
  arrived((FREE + 8) | 3);
  EQ(r.regs.esp, USTACK - 8);
  EQ(r.regs.ss, UDATA);
}
CASE("gate.call.data-segments-kept") {
  call_gate(FREE, KCODE, TARGET, 0xEC, 0);
  through(3, 1, 3);
  arrived(KCODE);
  EQ(r.regs.ds, UDATA);
  EQ(r.regs.fs, UDATA);
}

// RETF.
static struct Regs returning(u32 cpl, u32 eip, u32 cs, u32 esp, u32 ss) {
  struct Regs c = ring(cpl);
  c.esp -= 64;
  poke(c.esp, eip), poke(c.esp + 4, cs), poke(c.esp + 8, esp), poke(c.esp + 12, ss);
  return c;
}
CASE("ret.same-level") {
  struct Regs c = returning(3, TARGET, UCODE, 0, 0);
  run(c, CODE("retf"));
  arrived(UCODE);
  EQ(r.regs.esp, c.esp + 8);
}
CASE("ret.same-level-immediate") {
  struct Regs c = returning(3, TARGET, UCODE, 0, 0);
  run(c, CODE("retf 0x10"));
  arrived(UCODE);
  EQ(r.regs.esp, c.esp + 24);
}
CASE("ret.16-bit") {
  struct Regs c = user();
  c.esp -= 64;
  poke16(c.esp, 0x1000), poke16(c.esp + 2, UCODE16);
  run(c, CODE(".byte 0x66, 0xCB"));
  EQ(r.vector, UD);
  EQ(r.regs.eip, 0x1000);
  EQ(r.regs.cs, UCODE16);
  EQ(r.regs.esp, c.esp + 4);
}
CASE("ret.outer") {
  run(returning(0, TARGET, UCODE, USTACK - 0x20, UDATA), CODE("retf"));
  arrived(UCODE);
  EQ(r.regs.esp, USTACK - 0x20);
  EQ(r.regs.ss, UDATA);
}
CASE("ret.outer-immediate-on-both-stacks") {
  struct Regs c = kernel();
  c.esp -= 64;
  poke(c.esp, TARGET), poke(c.esp + 4, UCODE), poke(c.esp + 0x10, USTACK - 0x20), poke(c.esp + 0x14, UDATA);
  run(c, CODE("retf 8"));
  arrived(UCODE);
  EQ(r.regs.esp, USTACK - 0x18);
}
CASE("ret.outer-nulls-data-segments") {
  struct Regs c = returning(0, TARGET, UCODE, USTACK, UDATA);
  descriptor(FREE, 0, 0xFFFFF, 0x9F, 0xC);
  c.es = UDATA, c.fs = FREE, c.gs = DATA2;
  run(c, CODE("retf"));
  arrived(UCODE);
  EQ(r.regs.ds, 0);
  EQ(r.regs.es, UDATA);
  EQ(r.regs.fs, FREE);
  EQ(r.regs.gs, 0);
}
CASE("ret.outer-to-ring-1-keeps-lesser") {
  struct Regs c = returning(0, TARGET, CODE1, ESP1 - 0x100, DATA1);
  c.ds = DATA1, c.es = DATA2, c.gs = KDATA;
  run(c, CODE("retf"));
  arrived(CODE1);
  EQ(r.regs.ds, DATA1);
  EQ(r.regs.es, DATA2);
  EQ(r.regs.gs, 0);
}
CASE("ret.inner-is-refused") {
  run(returning(3, TARGET, KCODE, 0, 0), CODE("retf"));
  FAULT(GP, KCODE);
  run(returning(3, TARGET, CODE2, 0, 0), CODE("retf"));
  FAULT(GP, CODE2 & ~3);
}
CASE("ret.null") {
  run(returning(0, TARGET, 0, 0, 0), CODE("retf"));
  FAULT(GP, 0);
  run(returning(0, TARGET, 3, 0, 0), CODE("retf"));
  FAULT(GP, 0);
}
CASE("ret.cs-checks") {
  run(returning(0, TARGET, 0x203, USTACK, UDATA), CODE("retf"));
  FAULT(GP, 0x200);
  run(returning(0, TARGET, UDATA, USTACK, UDATA), CODE("retf"));
  FAULT(GP, UDATA & ~3);
  run(returning(0, TARGET, CODE1 | 3, USTACK, UDATA), CODE("retf"));
  FAULT(GP, CODE1 & ~3);
  descriptor(FREE, 0, 0xFFFFF, 0x7B, 0xC);
  run(returning(0, TARGET, FREE | 3, USTACK, UDATA), CODE("retf"));
  FAULT(NP, FREE);
}
CASE("ret.conforming-dpl-above-rpl") {
  descriptor(FREE, 0, 0xFFFFF, 0xFF, 0xC);
  run(returning(0, TARGET, FREE | 1, ESP1, DATA1), CODE("retf"));
  FAULT(GP, FREE);
  run(returning(0, TARGET, FREE | 3, USTACK, UDATA), CODE("retf"));
  arrived(FREE | 3);
}
CASE("ret.eip-beyond-limit") {
  descriptor(FREE, CODE_AREA, 0xFFF, 0xFB, 4);
  run(returning(0, 0x1000, FREE | 3, USTACK, UDATA), CODE("retf"));
  FAULT(GP, 0);
}
CASE("ret.outer-stack-checks") {
  run(returning(0, TARGET, UCODE, USTACK, 3), CODE("retf"));
  FAULT(GP, 0);
  run(returning(0, TARGET, UCODE, USTACK, UDATA & ~3), CODE("retf"));
  FAULT(GP, UDATA & ~3);
  run(returning(0, TARGET, UCODE, USTACK, KDATA | 3), CODE("retf"));
  FAULT(GP, KDATA);
  run(returning(0, TARGET, UCODE, USTACK, UCODE), CODE("retf"));
  FAULT(GP, UCODE & ~3);
  run(returning(0, TARGET, UCODE, USTACK, 0x203), CODE("retf"));
  FAULT(GP, 0x200);
  descriptor(FREE, 0, 0xFFFFF, 0x73, 0xC);
  run(returning(0, TARGET, UCODE, USTACK, FREE | 3), CODE("retf"));
  FAULT(SS, FREE);
}
CASE("ret.stack-limit") {
  descriptor(FREE, DATA_AREA, 0xFFF, 0xF3, 4);
  struct Regs c = user();
  c.ss = FREE | 3;
  c.esp = 0xFFC;
  poke(DATA_AREA + 0xFFC, TARGET);
  run(c, CODE("retf"));
  FAULT(SS, 0);
  EQ(r.regs.esp, 0xFFC);
}
