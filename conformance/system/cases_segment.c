// Segment register loads, limits and types (SDM 3A 5.3 to 5.6).
#include "kernel.h"

// One segment register and the instruction that loads it from AX.
struct Loader {
  struct Code code;
};

static struct Code load_code(u32 name) {
  switch (name) {
    case 0: return CODE("mov ds, eax");
    case 1: return CODE("mov es, eax");
    case 2: return CODE("mov fs, eax");
    case 3: return CODE("mov gs, eax");
    case 4: return CODE("mov ss, eax");
    case 5: return CODE("lds ecx, [ebx]");
    case 6: return CODE("les ecx, [ebx]");
    case 7: return CODE("lfs ecx, [ebx]");
    case 8: return CODE("lgs ecx, [ebx]");
    case 9: return CODE("lss esp, [ebx]");
    case 10: return CODE("pop ds");
    case 11: return CODE("pop es");
    case 12: return CODE("pop fs");
    case 13: return CODE("pop gs");
    default: return CODE("pop ss");
  }
}
enum { LOADS = 15 };
static int loads_ss(u32 name) { return name % 5 == 4; }
static u32 loaded(u32 name) {
  const u32 all[] = {r.regs.ds, r.regs.es, r.regs.fs, r.regs.gs, r.regs.ss};
  return all[name % 5];
}

static void load(u32 cpl, u32 name, u16 selector) {
  struct Regs c = ring(cpl);
  c.eax = selector, c.ebx = DATA_AREA, c.ecx = 0x1111;
  poke(DATA_AREA, c.esp), poke16(DATA_AREA + 4, selector);
  if (name >= 10) c.esp -= 4, poke(c.esp, selector);
  run(c, load_code(name));
}

static void loads_fault(u32 cpl, u16 selector, u32 vector, u32 ss_vector, u32 error) {
  for (u32 name = 0; name < LOADS; ++name) {
    context = name;
    load(cpl, name, selector);
    FAULT(loads_ss(name) ? ss_vector : vector, error);
    if (name >= 5 && name < 10 && name != 9) EQ(r.regs.ecx, 0x1111);
  }
}

CASE("segment.load.null") {
  for (u16 selector = 0; selector < 4; ++selector)
    for (u32 name = 0; name < LOADS; ++name) {
      if (loads_ss(name)) continue;
      context = name;
      load(3, name, selector);
      COMPLETED();
      EQ(loaded(name), selector);
    }
}
CASE("segment.load.null-ss") {
  for (u32 name = 4; name < LOADS; name += 5) {
    context = name;
    for (u16 selector = 0; selector < 4; ++selector) {
      load(3, name, selector);
      FAULT(GP, 0);
    }
    load(0, name, 0);
    FAULT(GP, 0);
  }
}
CASE("segment.load.valid-data") {
  descriptor(FREE, 0, 0xFFFFF, 0xF2, 0xC);
  for (u32 name = 0; name < LOADS; ++name) {
    context = name;
    load(3, name, FREE | 3);
    COMPLETED();
    EQ(loaded(name), FREE | 3);
  }
}
CASE("segment.load.beyond-gdt") { loads_fault(3, 0x203, GP, GP, 0x200); }
CASE("segment.load.beyond-ldt") { loads_fault(3, 0x107, GP, GP, 0x104); }
CASE("segment.load.gdt-limit-edge") {
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) table = {FREE + 6, (u32)gdt};
  descriptor(FREE, 0, 0xFFFFF, 0xF3, 0xC);
  struct Regs c = user();
  c.eax = FREE | 3;
  __asm__ volatile("lgdt %0" ::"m"(table));
  run(c, CODE("mov ds, eax"));
  FAULT(GP, FREE);
  table.limit = FREE + 7;
  __asm__ volatile("lgdt %0" ::"m"(table));
  run(c, CODE("mov ds, eax"));
  COMPLETED();
}
CASE("segment.load.from-ldt") {
  descriptor(0x0C, 0, 0xFFFFF, 0xF2, 0xC);
  for (u32 name = 0; name < LOADS; ++name) {
    context = name;
    load(3, name, 0x0F);
    COMPLETED();
    EQ(loaded(name), 0x0F);
  }
}
CASE("segment.load.null-ldt") {
  struct Regs c = kernel();
  c.eax = 0x0C;
  descriptor(0x0C, 0, 0xFFFFF, 0xF2, 0xC);
  run(c, CODE("xor ecx, ecx; lldt cx; mov ds, eax"));
  FAULT_AT(GP, 0x0C, 5);
}
CASE("segment.load.ti-entry-0-is-not-null") {
  descriptor(0x04, 0, 0xFFFFF, 0xF2, 0xC);
  load(3, 0, 7);
  COMPLETED();
}
CASE("segment.load.system-descriptor") {
  for (u8 type = 0; type < 16; ++type) {
    descriptor(FREE, 0, 0xFFFFF, 0xE0 | type, 0xC);
    loads_fault(3, FREE | 3, GP, GP, FREE);
  }
}
CASE("segment.load.execute-only") {
  descriptor(FREE, 0, 0xFFFFF, 0xF8, 0xC);
  loads_fault(3, FREE | 3, GP, GP, FREE);
  descriptor(FREE, 0, 0xFFFFF, 0xFC, 0xC);
  loads_fault(3, FREE | 3, GP, GP, FREE);
}
CASE("segment.load.readable-code") {
  descriptor(FREE, 0, 0xFFFFF, 0xFA, 0xC);
  for (u32 name = 0; name < LOADS; ++name) {
    context = name;
    load(3, name, FREE | 3);
    if (loads_ss(name)) FAULT(GP, FREE);
    else COMPLETED();
  }
}
CASE("segment.load.read-only") {
  descriptor(FREE, 0, 0xFFFFF, 0xF0, 0xC);
  for (u32 name = 0; name < LOADS; ++name) {
    context = name;
    load(3, name, FREE | 3);
    if (loads_ss(name)) FAULT(GP, FREE);
    else COMPLETED();
  }
}
CASE("segment.load.not-present") {
  descriptor(FREE, 0, 0xFFFFF, 0x72, 0xC);
  loads_fault(3, FREE | 3, NP, SS, FREE);
  EQ(access_byte(FREE), 0x72);
}
CASE("segment.load.not-present-after-privilege") {
  descriptor(FREE, 0, 0xFFFFF, 0x12, 0xC);
  loads_fault(3, FREE | 3, GP, GP, FREE);
}
CASE("segment.load.accessed-bit-set") {
  for (u32 name = 0; name < LOADS; ++name) {
    context = name;
    descriptor(FREE, 0, 0xFFFFF, 0xF2, 0xC);
    load(3, name, FREE | 3);
    EQ(access_byte(FREE), 0xF3);
  }
}
CASE("segment.load.accessed-bit-not-on-fault") {
  descriptor(FREE, 0, 0xFFFFF, 0x92, 0xC);
  loads_fault(3, FREE | 3, GP, GP, FREE);
  EQ(access_byte(FREE), 0x92);
}
// Every CPL x RPL x DPL for data, conforming code and SS.
CASE("segment.load.privilege.data") {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    descriptor(FREE, 0, 0xFFFFF, (u8)(0x92 | dpl << 5), 0xC);
    load(cpl, 0, (u16)(FREE | rpl));
    if (dpl >= cpl && dpl >= rpl) COMPLETED();
    else FAULT(GP, FREE);
  }
}
CASE("segment.load.privilege.non-conforming-code") {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    descriptor(FREE, 0, 0xFFFFF, (u8)(0x9A | dpl << 5), 0xC);
    load(cpl, 1, (u16)(FREE | rpl));
    if (dpl >= cpl && dpl >= rpl) COMPLETED();
    else FAULT(GP, FREE);
  }
}
CASE("segment.load.privilege.conforming-code") {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    descriptor(FREE, 0, 0xFFFFF, (u8)(0x9E | dpl << 5), 0xC);
    load(cpl, 2, (u16)(FREE | rpl));
    COMPLETED();
  }
}
CASE("segment.load.privilege.ss") {
  for (u32 n = 0; n < 64; ++n) {
    const u32 cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4;
    context = n;
    descriptor(FREE, 0, 0xFFFFF, (u8)(0x92 | dpl << 5), 0xC);
    load(cpl, 4, (u16)(FREE | rpl));
    if (dpl == cpl && rpl == cpl) COMPLETED();
    else FAULT(GP, FREE);
  }
}

// Accesses through FS at the edges of a limit.
static void access(struct Code code, u16 selector, u32 offset, int faults) {
  struct Regs c = kernel();
  c.fs = selector;
  c.ebx = offset;
  run(c, code);
  if (faults) FAULT(GP, 0);
  else COMPLETED();
}
static void edge(u16 selector, u32 last) {
  for (s32 d = -8; d < 8; ++d) {
    context = (u32)d;
    const u32 at = last + (u32)d;
    if (d > 0 && at < last) break;
    access(CODE("mov al, fs:[ebx]"), selector, at, d > 0);
    access(CODE("mov ax, fs:[ebx]"), selector, at, d > -1);
    access(CODE("mov eax, fs:[ebx]"), selector, at, d > -3);
    access(CODE("mov fs:[ebx], al"), selector, at, d > 0);
    access(CODE("mov fs:[ebx], ax"), selector, at, d > -1);
    access(CODE("mov fs:[ebx], eax"), selector, at, d > -3);
  }
}
CASE("segment.limit.byte-granular") {
  descriptor(FREE, DATA_AREA, 0x123, 0x93, 4);
  edge(FREE, 0x123);
}
CASE("segment.limit.page-granular") {
  descriptor(FREE, DATA_AREA, 2, 0x93, 0xC);
  edge(FREE, 0x2FFF);
}
CASE("segment.limit.zero") {
  descriptor(FREE, DATA_AREA, 0, 0x93, 4);
  access(CODE("mov al, fs:[ebx]"), FREE, 0, 0);
  access(CODE("mov ax, fs:[ebx]"), FREE, 0, 1);
  access(CODE("mov al, fs:[ebx]"), FREE, 1, 1);
}
CASE("segment.limit.qword") {
  descriptor(FREE, DATA_AREA, 0x7F, 0x93, 4);
  for (u32 at = 0x74; at < 0x82; ++at) {
    context = at;
    access(CODE("fld qword ptr fs:[ebx]; fninit"), FREE, at, at > 0x78);
    access(CODE("cmpxchg8b fs:[ebx]"), FREE, at, at > 0x78);
  }
}
CASE("segment.limit.tbyte") {
  descriptor(FREE, DATA_AREA, 0x7F, 0x93, 4);
  for (u32 at = 0x74; at < 0x82; ++at) {
    context = at;
    access(CODE("fld tbyte ptr fs:[ebx]; fninit"), FREE, at, at > 0x76);
  }
}
CASE("segment.limit.wraps-at-4g") {
  descriptor(FREE, DATA_AREA, 0xFFFFE, 0x93, 0xC);
  access(CODE("mov eax, fs:[ebx]"), FREE, 0xFFFFFFFE, 1);
  access(CODE("mov al, fs:[ebx]"), FREE, 0xFFFFEFFF, 0);
  access(CODE("mov al, fs:[ebx]"), FREE, 0xFFFFF000, 1);
}
CASE("segment.expand-down.32") {
  descriptor(FREE, DATA_AREA, 0xFFF, 0x97, 4);
  access(CODE("mov al, fs:[ebx]"), FREE, 0xFFF, 1);
  access(CODE("mov al, fs:[ebx]"), FREE, 0x1000, 0);
  access(CODE("mov fs:[ebx], eax"), FREE, 0xFFE, 1);
  access(CODE("mov fs:[ebx], eax"), FREE, 0x1000, 0);
  access(CODE("mov al, fs:[ebx]"), FREE, 0x10000, 0);
  access(CODE("mov al, fs:[ebx]"), FREE, 0, 1);
}
CASE("segment.expand-down.16") {
  descriptor(FREE, DATA_AREA, 0xFFF, 0x97, 0);
  access(CODE("mov al, fs:[ebx]"), FREE, 0xFFF, 1);
  access(CODE("mov al, fs:[ebx]"), FREE, 0x1000, 0);
  access(CODE("mov al, fs:[ebx]"), FREE, 0xFFFF, 0);
  access(CODE("mov ax, fs:[ebx]"), FREE, 0xFFFF, 1);
  access(CODE("mov al, fs:[ebx]"), FREE, 0x10000, 1);
}
CASE("segment.expand-down.page-granular") {
  descriptor(FREE, DATA_AREA - 0x1000, 0, 0x97, 0xC);
  access(CODE("mov al, fs:[ebx]"), FREE, 0xFFF, 1);
  access(CODE("mov al, fs:[ebx]"), FREE, 0x1000, 0);
}
CASE("segment.expand-down.stack") {
  descriptor(FREE, DATA_AREA, 0xFF, 0xF7, 4);
  struct Regs c = user();
  c.ss = FREE | 3;
  c.esp = 0x104;
  run(c, CODE("push eax"));
  COMPLETED();
  EQ(r.regs.esp, 0x100);
  run(c, CODE("push eax; push ax"));
  FAULT_AT(SS, 0, 1);
  EQ(r.regs.esp, 0x100);
  c.esp = 0;
  run(c, CODE("push eax"));
  COMPLETED();
  EQ(r.regs.esp, 0xFFFFFFFC);
}
CASE("segment.type.read-only-write") {
  descriptor(FREE, DATA_AREA, 0xFFF, 0x91, 4);
  access(CODE("mov eax, fs:[ebx]"), FREE, 0, 0);
  access(CODE("mov fs:[ebx], eax"), FREE, 0, 1);
  access(CODE("inc dword ptr fs:[ebx]"), FREE, 0, 1);
  access(CODE("xchg fs:[ebx], al"), FREE, 0, 1);
  access(CODE("cmpxchg fs:[ebx], ecx"), FREE, 0, 1);
}
CASE("segment.type.code-write") {
  struct Regs c = user();
  c.ebx = DATA_AREA;
  run(c, CODE("mov eax, cs:[ebx]"));
  COMPLETED();
  run(c, CODE("mov cs:[ebx], eax"));
  FAULT(GP, 0);
}
CASE("segment.type.execute-only-read") {
  descriptor(FREE, 0, 0xFFFFF, 0x99, 0xC);
  struct Regs c = kernel();
  c.cs = FREE;
  c.ebx = DATA_AREA;
  run(c, CODE("mov eax, cs:[ebx]"));
  FAULT(GP, 0);
}
CASE("segment.null.access") {
  struct Regs c = user();
  c.ds = 0;
  c.ebx = DATA_AREA;
  run(c, CODE("mov eax, [ebx]"));
  FAULT(GP, 0);
  run(c, CODE("mov [ebx], al"));
  FAULT(GP, 0);
  c = user();
  c.es = 0;
  c.edi = DATA_AREA;
  run(c, CODE("stosb"));
  FAULT(GP, 0);
}
CASE("segment.null.lea-does-not-access") {
  struct Regs c = user();
  c.ds = 0;
  run(c, CODE("lea eax, [ebx + 4]"));
  COMPLETED();
}
CASE("segment.string.limit-of-destination") {
  descriptor(FREE, DATA_AREA, 0xFF, 0x93, 4);
  struct Regs c = kernel();
  c.es = FREE;
  c.esi = DATA_AREA, c.edi = 0xF0, c.ecx = 0x20;
  run(c, CODE("rep movsb"));
  FAULT(GP, 0);
  EQ(r.regs.ecx, 0x10);
  EQ(r.regs.edi, 0x100);
  EQ(r.regs.esi, DATA_AREA + 0x10);
}
CASE("segment.string.rep-count-zero-does-not-fault") {
  struct Regs c = user();
  c.es = c.ds = 0;
  run(c, CODE("rep movsb; rep stosd; repe cmpsb; repne scasb"));
  COMPLETED();
}
CASE("segment.stack.limit-push") {
  descriptor(FREE, DATA_AREA, 0x7FFF, 0x93, 4);
  struct Regs c = kernel();
  c.eax = FREE, c.ecx = 0x8001;
  idt_gate(SS, FAULT_TSS, 0, 0x85);
  run(c, CODE("mov ss, eax; mov esp, ecx; push eax"));
  EQ(r.vector, DF);
  EQ(r.error, 0);
  EQ(r.regs.eip, r.start + 4);
  EQ(r.regs.esp, 0x8001);
}
CASE("segment.stack.ebp-default") {
  descriptor(FREE, 0, (DATA_AREA + 0xFF) & 0xFFFFF, 0xF3, 4);
  descriptor(FREE, 0, 0x23F, 0xF3, 0xC);
  struct Regs c = user();
  c.ss = FREE | 3;
  c.ebp = 0x240000;
  run(c, CODE("mov eax, [ebp]"));
  FAULT(SS, 0);
  run(c, CODE("mov eax, [ebp - 4]"));
  COMPLETED();
  run(c, CODE("mov eax, ds:[ebp]"));
  COMPLETED();
  c.esp = 0x23FFFC;
  run(c, CODE("mov eax, [esp]"));
  COMPLETED();
  run(c, CODE("mov eax, [esp + 1]"));
  FAULT(SS, 0);
  run(c, CODE("mov eax, [eax + ebp]"));
  COMPLETED();
  c.esp = 0x240000;
  run(c, CODE("pop eax"));
  FAULT(SS, 0);
  run(c, CODE("leave"));
  EQ(r.vector, SS);
}
CASE("segment.stack.wraps-16-bit") {
  struct Regs c = kernel16();
  run(c, CODE16("mov esp, 0x77770000; push ax; pop bx; mov ecx, esp; mov esp, 0xF000"));
  COMPLETED();
  EQ(r.regs.ecx, 0x77770000);
}
CASE("segment.code.limit-fetch") {
  descriptor(FREE, CODE_AREA, 0x10F, 0xFB, 4);
  struct Regs c = user();
  c.cs = FREE | 3;
  c.eip = 0x10F;
  run(c, CODE("nop"));
  EQ(r.vector, GP);
  EQ(r.error, 0);
  EQ(r.regs.eip, 0x110);
  c.eip = 0x10D;
  run(c, CODE("mov eax, 0x11223344"));
  FAULT(GP, 0);
}
CASE("segment.code.near-jump-beyond-limit") {
  descriptor(FREE, CODE_AREA, 0x10F, 0xFB, 4);
  struct Regs c = user();
  c.cs = FREE | 3;
  c.eip = 0;
  c.eax = 0x110;
  run(c, CODE("jmp eax"));
  FAULT(GP, 0);
  run(c, CODE("call eax"));
  FAULT(GP, 0);
  EQ(r.regs.esp, USTACK);
  run(c, CODE("push eax; ret"));
  FAULT_AT(GP, 0, 1);
}
CASE("segment.code.jcc-beyond-limit") {
  descriptor(FREE, CODE_AREA, 0x10F, 0xFB, 4);
  struct Regs c = user();
  c.cs = FREE | 3;
  c.eip = 0x100;
  run(c, CODE(".byte 0xEB, 0x0E"));
  FAULT(GP, 0);
  run(c, CODE(".byte 0x74, 0x0E"));
  COMPLETED();
}
CASE("segment.16bit-operand-jump-truncates") {
  descriptor(FREE, CODE_AREA, 0xFFFFF, 0xFB, 0xC);
  struct Regs c = user();
  c.cs = FREE | 3;
  c.eip = 0x10100;
  poke16(CODE_AREA + 0x103, 0x0B0F);
  run(c, CODE(".byte 0x66, 0xEB, 0x00"));
  FAULT_AT(UD, 0, 0x103 - 0x10100);
}
CASE("segment.mov-r32-sreg-zero-extends") {
  struct Regs c = user();
  c.eax = 0xFFFFFFFF;
  run(c, CODE("mov eax, ds"));
  COMPLETED();
  EQ(r.regs.eax, UDATA);
  c.eax = 0xFFFFFFFF;
  run(c, CODE("mov ax, ds"));
  EQ(r.regs.eax, 0xFFFF0000 | UDATA);
}
