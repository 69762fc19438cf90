// Paging: rights at both levels, error codes, accessed and dirty bits, large pages, PAE, TLB (SDM chapter 4).
#include "kernel.h"

enum { P = 1, W = 2, U = 4, PWT = 8, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum { DIRECTORY = TABLES, LOW_TABLE = TABLES + 0x1000, TABLE = TABLES + 0x2000, PAE_ROOT = TABLES + 0x8000 };
#define PAGE 0x800000u  // where the page under test appears
#define PDE (DIRECTORY + (PAGE >> 22) * 4)
#define PTE (TABLE + (PAGE >> 12 & 1023) * 4)

// The first 4 MiB to themselves for everybody's use, and one table for PAGE.
static void make_tables(void) {
  memset((void*)DIRECTORY, 0, 0x1000);
  memset((void*)TABLE, 0, 0x1000);
  for (u32 n = 0; n < 1024; ++n) poke(LOW_TABLE + 4 * n, n << 12 | P | W | U | A | D);
  poke(DIRECTORY, LOW_TABLE | P | W | U | A);
  poke(PDE, TABLE | P | W | U);
  memset((void*)FRAMES, 0x90, 0x8000);
  poke16(FRAMES, 0x0B0F), poke16(FRAMES + 0x1000, 0x0B0F);
}
static struct Regs paged(u32 cpl) {
  struct Regs c = ring(cpl);
  c.cr0 |= CR0_PG;
  c.cr3 = DIRECTORY;
  c.ebx = PAGE;
  return c;
}
static void page_fault(u32 error, u32 address) {
  EQ(r.vector, PF);
  EQ(r.error, error);
  EQ(r.cr2, address);
}

enum Kind { READ, WRITE, FETCH };
static void touch(struct Regs c, enum Kind kind) {
  if (kind == READ) run(c, CODE("mov eax, [ebx]"));
  else if (kind == WRITE) run(c, CODE("mov [ebx], al"));
  else run(c, CODE("jmp ebx"));
}
static void check_touch(enum Kind kind, int allowed, u32 error) {
  if (!allowed) {
    page_fault(error, PAGE);
    EQ(r.regs.eip, kind == FETCH ? PAGE : r.start);
  } else if (kind == FETCH) {
    EQ(r.vector, UD);
    EQ(r.regs.eip, PAGE);
  } else {
    COMPLETED();
  }
}
// Every combination of P, R/W and U/S in both levels; then what became of the accessed and dirty bits.
static void rights(u32 cpl, int wp, enum Kind kind) {
  for (u32 n = 0; n < 64; ++n) {
    const u32 pde = n & 7, pte = n >> 3, both = pde & pte;
    make_tables();
    poke(PDE, TABLE | pde), poke(PTE, FRAMES | pte);
    struct Regs c = paged(cpl);
    if (wp) c.cr0 |= CR0_WP;
    context = n;
    touch(c, kind);
    const int user_mode = cpl == 3;
    int allowed = (both & P) != 0;
    if (user_mode && !(both & U)) allowed = 0;
    if (kind == WRITE && !(both & W) && (user_mode || wp)) allowed = 0;
    check_touch(kind, allowed, (both & P ? 1u : 0) | (kind == WRITE ? 2u : 0) | (user_mode ? 4u : 0));
    if (allowed) {
      EQ(peek(PDE), TABLE | pde | A);
      EQ(peek(PTE), FRAMES | pte | A | (kind == WRITE ? D : 0));
    } else {
      EQ(peek(PTE), FRAMES | pte);
    }
  }
}
CASE("paging.rights.supervisor-read") { rights(0, 0, READ); }
CASE("paging.rights.supervisor-write") { rights(0, 0, WRITE); }
CASE("paging.rights.supervisor-fetch") { rights(0, 0, FETCH); }
CASE("paging.rights.supervisor-read-wp") { rights(0, 1, READ); }
CASE("paging.rights.supervisor-write-wp") { rights(0, 1, WRITE); }
CASE("paging.rights.user-read") { rights(3, 0, READ); }
CASE("paging.rights.user-write") { rights(3, 0, WRITE); }
CASE("paging.rights.user-fetch") { rights(3, 0, FETCH); }
CASE("paging.rights.user-read-wp") { rights(3, 1, READ); }
CASE("paging.rights.user-write-wp") { rights(3, 1, WRITE); }
CASE("paging.rights.ring-1-2-are-supervisor") {
  make_tables();
  poke(PTE, FRAMES | P | W);
  touch(paged(1), READ);
  COMPLETED();
  touch(paged(2), WRITE);
  COMPLETED();
  touch(paged(3), READ);
  page_fault(5, PAGE);
}
CASE("paging.cr2.exact-address") {
  make_tables();
  struct Regs c = paged(3);
  c.ebx = PAGE + 0x123;
  run(c, CODE("mov al, [ebx]"));
  page_fault(4, PAGE + 0x123);
  run(c, CODE("mov [ebx + 0x7F], ax"));
  page_fault(6, PAGE + 0x1A2);
}
CASE("paging.crossing.second-page-faults") {
  make_tables();
  poke(PTE, FRAMES | P | W | U);
  struct Regs c = paged(3);
  for (u32 n = 1; n < 4; ++n) {
    context = n;
    c.ebx = PAGE + 0x1000 - n;
    run(c, CODE("mov eax, [ebx]"));
    page_fault(4, PAGE + 0x1000);
    FAULT(PF, 4);
    poke(FRAMES + 0xFFC, 0x55555555);
    c.eax = 0xAAAAAAAA;
    run(c, CODE("mov [ebx], eax"));
    page_fault(6, PAGE + 0x1000);
    EQ(peek(FRAMES + 0xFFC), 0x55555555);
  }
}
CASE("paging.crossing.first-page-faults") {
  make_tables();
  poke(PTE + 4, FRAMES | P | W | U);
  struct Regs c = paged(3);
  c.ebx = PAGE + 0xFFE;
  run(c, CODE("mov eax, [ebx]"));
  page_fault(4, PAGE + 0xFFE);
}
CASE("paging.crossing.both-pages") {
  make_tables();
  poke(PTE, (FRAMES + 0x1000) | P | W | U);
  poke(PTE + 4, FRAMES | P | W | U);
  struct Regs c = paged(3);
  c.ebx = PAGE + 0xFFE;
  c.eax = 0x44332211;
  run(c, CODE("mov [ebx], eax; mov ecx, [ebx]"));
  COMPLETED();
  EQ(r.regs.ecx, 0x44332211);
  EQ(peek16(FRAMES + 0x1FFE), 0x2211);
  EQ(peek16(FRAMES), 0x4433);
  EQ(peek(PTE) & (A | D), A | D);
  EQ(peek(PTE + 4) & (A | D), A | D);
}
CASE("paging.crossing.read-only-second") {
  make_tables();
  poke(PTE, FRAMES | P | W | U);
  poke(PTE + 4, (FRAMES + 0x1000) | P | U);
  struct Regs c = paged(3);
  c.ebx = PAGE + 0xFFE;
  run(c, CODE("mov [ebx], eax"));
  page_fault(7, PAGE + 0x1000);
}
CASE("paging.rmw.faults-as-write") {
  make_tables();
  poke(PTE, FRAMES | P | U);
  static const u8 forms[][4] = {{0xFF, 0x03}, {0x01, 0x03}, {0x80, 0x0B, 0x00}, {0xF7, 0x13}, {0xD1, 0x23},
                                {0x0F, 0xAB, 0x03}, {0x87, 0x03}, {0x0F, 0xB1, 0x03}, {0x0F, 0xC1, 0x03},
                                {0x0F, 0xC7, 0x0B}, {0x0F, 0xA5, 0x03}, {0x11, 0x03}};
  for (context = 0; context < 12; ++context) {
    struct Regs c = paged(3);
    c.ecx = 1, c.eax = 0;
    u8 bytes[4];
    memcpy(bytes, forms[context], 4);
    run(c, (struct Code){bytes, 4});
    page_fault(7, PAGE);
    FAULT(PF, 7);
    EQ(r.regs.ecx, 1);
  }
}
CASE("paging.rmw.not-present-faults-as-write") {
  make_tables();
  struct Regs c = paged(3);
  run(c, CODE("inc dword ptr [ebx]"));
  page_fault(6, PAGE);
  run(c, CODE("xchg [ebx], eax"));
  page_fault(6, PAGE);
  run(c, CODE("cmpxchg [ebx], ecx"));
  page_fault(6, PAGE);
}
CASE("paging.compare-and-test-only-read") {
  make_tables();
  poke(PTE, FRAMES | P | U);
  run(paged(3), CODE("cmp [ebx], eax; test [ebx], eax; bt [ebx], eax; push dword ptr [ebx]; pop eax"));
  COMPLETED();
  EQ(peek(PTE), FRAMES | P | U | A);
}
CASE("paging.push-fault-keeps-esp") {
  make_tables();
  struct Regs c = paged(3);
  c.esp = PAGE + 0x1000;
  run(c, CODE("push eax"));
  FAULT(PF, 6);
  page_fault(6, PAGE + 0xFFC);
  EQ(r.regs.esp, PAGE + 0x1000);
  run(c, CODE("pushad"));
  page_fault(6, PAGE + 0xFFC);
  EQ(r.regs.esp, PAGE + 0x1000);
  run(c, CODE("call ebx"));
  FAULT(PF, 6);
  EQ(r.regs.esp, PAGE + 0x1000);
  run(c, CODE("enter 8, 0"));
  FAULT(PF, 6);
  EQ(r.regs.esp, PAGE + 0x1000);
}
CASE("paging.pop-to-memory-fault-keeps-esp") {
  make_tables();
  struct Regs c = paged(3);
  run(c, CODE("pop dword ptr [ebx]"));
  FAULT(PF, 6);
  EQ(r.regs.esp, USTACK);
}
CASE("paging.fetch.across-pages") {
  make_tables();
  poke(PTE, FRAMES | P | U);
  memset((void*)(FRAMES + 0xFFD), 0xB8, 1);
  struct Regs c = paged(3);
  c.ebx = PAGE + 0xFFD;
  run(c, CODE("jmp ebx"));
  page_fault(4, PAGE + 0x1000);
  EQ(r.regs.eip, PAGE + 0xFFD);
  poke(PTE + 4, (FRAMES + 0x1000) | P | U);
  poke16(FRAMES + 0xFFE, 0x2211), poke16(FRAMES + 0x1000, 0x4433), poke16(FRAMES + 0x1002, 0x0B0F);
  run(c, CODE("jmp ebx"));
  EQ(r.vector, UD);
  EQ(r.regs.eax, 0x44332211);
  EQ(r.regs.eip, PAGE + 0x1002);
}
CASE("paging.fetch.fault-before-end-of-page-only-if-needed") {
  make_tables();
  poke(PTE, FRAMES | P | U);
  poke8(FRAMES + 0xFFF, 0x40);
  struct Regs c = paged(3);
  c.ebx = PAGE + 0xFFF;
  run(c, CODE("jmp ebx"));
  page_fault(4, PAGE + 0x1000);
  EQ(r.regs.eip, PAGE + 0x1000);
  EQ(r.regs.eax, 1);
}
CASE("paging.string.partial-progress") {
  make_tables();
  poke(PTE, FRAMES | P | W | U);
  struct Regs c = paged(3);
  c.edi = PAGE + 0xFF0, c.ecx = 8, c.eax = 0x77;
  run(c, CODE("rep stosd"));
  FAULT(PF, 6);
  EQ(r.cr2, PAGE + 0x1000);
  EQ(r.regs.ecx, 4);
  EQ(r.regs.edi, PAGE + 0x1000);
  c.edi = DATA_AREA, c.esi = PAGE + 0xFFE, c.ecx = 8;
  run(c, CODE("rep movsb"));
  FAULT(PF, 4);
  EQ(r.regs.ecx, 6);
  EQ(r.regs.esi, PAGE + 0x1000);
  EQ(r.regs.edi, DATA_AREA + 2);
}
CASE("paging.string.backwards") {
  make_tables();
  poke(PTE, FRAMES | P | W | U);
  struct Regs c = paged(3);
  c.eflags |= F_DF;
  c.edi = PAGE + 8, c.ecx = 8;
  run(c, CODE("rep stosd"));
  FAULT(PF, 6);
  EQ(r.cr2, PAGE - 4);
  EQ(r.regs.ecx, 5);
}
CASE("paging.supervisor-access-from-user.descriptor-load") {
  // Tables are read with supervisor rights whatever the CPL.
  make_tables();
  for (u32 n = (u32)gdt >> 12; n <= (u32)ldt >> 12; ++n) poke(LOW_TABLE + 4 * n, n << 12 | P | W);
  struct Regs c = paged(3);
  c.eax = UDATA;
  run(c, CODE("mov es, eax"));
  COMPLETED();
}
CASE("paging.gdt-not-present") {
  make_tables();
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) table = {GDT_LIMIT, PAGE};
  poke(PTE, FRAMES | P | W);
  memcpy((void*)FRAMES, gdt, GDT_LIMIT + 1);
  struct Regs c = paged(3);
  c.eax = UDATA, c.ecx = PTE;
  __asm__ volatile("lgdt %0" ::"m"(table));
  run(c, CODE("mov es, eax"));
  COMPLETED();
}
CASE("paging.double-fault.page-fault-in-handler-stack") {
  make_tables();
  tss.esp0 = PAGE + 0x1000;
  run(paged(3), CODE("mov eax, [ebx]"));
  EQ(r.vector, DF);
  EQ(r.error, 0);
  EQ(r.cr2, PAGE + 0xFFC);
}
CASE("paging.fault-while-delivering-benign") {
  make_tables();
  tss.esp1 = PAGE + 0x1000;
  idt_gate(UD, CODE1, TARGET, 0x8E);
  run(paged(3), CODE("ud2; nop"));
  page_fault(2, PAGE + 0xFFC);
  EQ(r.regs.eip, r.start);
}
CASE("paging.pse.4m-page") {
  make_tables();
  poke(PDE, (FRAMES & 0xFFC00000) | PS | P | W | U);
  struct Regs c = paged(3);
  c.cr4 = CR4_PSE;
  c.ebx = PAGE + (FRAMES & 0x3FFFFF) + 0x2000;
  c.eax = 0x12345678;
  run(c, CODE("mov [ebx], eax"));
  COMPLETED();
  EQ(peek(FRAMES + 0x2000), 0x12345678);
  EQ(peek(PDE), (FRAMES & 0xFFC00000) | PS | P | W | U | A | D);
}
CASE("paging.pse.read-sets-only-accessed") {
  make_tables();
  poke(PDE, PS | P | W | U);
  struct Regs c = paged(3);
  c.cr4 = CR4_PSE;
  run(c, CODE("mov eax, [ebx]"));
  COMPLETED();
  EQ(peek(PDE), PS | P | W | U | A);
}
CASE("paging.pse.rights") {
  for (u32 n = 0; n < 8; ++n) {
    make_tables();
    context = n;
    poke(PDE, PS | n);
    struct Regs c = paged(3);
    c.cr4 = CR4_PSE;
    c.ebx = PAGE + DATA_AREA;
    run(c, CODE("mov [ebx], al"));
    if (n == 7) COMPLETED();
    else page_fault(6 | (n & 1), PAGE + DATA_AREA);
  }
}
CASE("paging.pse.off-ignores-ps") {
  make_tables();
  poke(PDE, TABLE | PS | P | W | U);
  poke(PTE, FRAMES | P | W | U);
  poke(FRAMES, 0x01020304);
  run(paged(3), CODE("mov eax, [ebx]"));
  COMPLETED();
  EQ(r.regs.eax, 0x01020304);
}
CASE("paging.pse.reserved-bit-21") {
  make_tables();
  poke(PDE, 1 << 21 | PS | P | W | U);
  struct Regs c = paged(3);
  c.cr4 = CR4_PSE;
  run(c, CODE("mov eax, [ebx]"));
  page_fault(0xD, PAGE);
  run(c, CODE("mov [ebx], eax"));
  page_fault(0xF, PAGE);
}
CASE("paging.tlb.invlpg") {
  make_tables();
  poke(FRAMES + 0x20, 1), poke(FRAMES + 0x1020, 2);
  poke(PTE, FRAMES | P | W | U);
  struct Regs c = paged(0);
  c.esi = PTE;
  c.edx = (FRAMES + 0x1000) | P | W | U;
  run(c, CODE("mov eax, [ebx + 0x20]; mov [esi], edx; invlpg [ebx]; mov ecx, [ebx + 0x20]"));
  COMPLETED();
  EQ(r.regs.eax, 1);
  EQ(r.regs.ecx, 2);
}
CASE("paging.tlb.cr3-reload") {
  make_tables();
  poke(FRAMES + 0x20, 1), poke(FRAMES + 0x1020, 2);
  poke(PTE, FRAMES | P | W | U);
  struct Regs c = paged(0);
  c.esi = PTE;
  c.edx = (FRAMES + 0x1000) | P | W | U;
  run(c, CODE("mov eax, [ebx + 0x20]; mov [esi], edx; mov edi, cr3; mov cr3, edi; mov ecx, [ebx + 0x20]"));
  COMPLETED();
  EQ(r.regs.ecx, 2);
}
CASE("paging.tlb.not-present-is-not-cached") {
  make_tables();
  struct Regs c = paged(0);
  c.esi = PTE;
  c.edx = FRAMES | P | W | U;
  poke(FRAMES + 0x20, 7);
  run(c, CODE("mov eax, [ebx + 0x20]"));
  EQ(r.vector, PF);
  run(c, CODE("mov [esi], edx; mov eax, [ebx + 0x20]"));
  COMPLETED();
  EQ(r.regs.eax, 7);
}
CASE("paging.tlb.rights-added-without-flush") {
  make_tables();
  poke(PTE, FRAMES | P | U);
  struct Regs c = paged(0);
  c.cr0 |= CR0_WP;
  c.esi = PTE;
  c.edx = FRAMES | P | W | U;
  run(c, CODE("mov eax, [ebx]; mov [esi], edx; invlpg [ebx]; mov [ebx + 0x20], eax"));
  COMPLETED();
  EQ(peek(PTE) & D, D);
}
CASE("paging.tlb.dirty-after-read") {
  make_tables();
  poke(PTE, FRAMES | P | W | U);
  struct Regs c = paged(3);
  run(c, CODE("mov eax, [ebx]; mov [ebx + 0x20], eax"));
  COMPLETED();
  EQ(peek(PTE), FRAMES | P | W | U | A | D);
}
CASE("paging.tlb.accessed-cleared-and-flushed") {
  make_tables();
  poke(PTE, FRAMES | P | W | U);
  struct Regs c = paged(0);
  c.esi = PTE;
  run(c, CODE("mov [ebx + 0x20], eax; and dword ptr [esi], 0xFFFFFF9F; invlpg [ebx]; mov eax, [ebx]"));
  COMPLETED();
  EQ(peek(PTE), FRAMES | P | W | U | A);
}
CASE("paging.tlb.global-survives-cr3") {
  if (!(cpu_features() & HAS_PGE)) return skip("no PGE");
  make_tables();
  poke(FRAMES + 0x20, 1), poke(FRAMES + 0x1020, 2);
  poke(PTE, FRAMES | P | W | U | G);
  struct Regs c = paged(0);
  c.cr4 = CR4_PGE;
  c.esi = PTE;
  c.edx = (FRAMES + 0x1000) | P | W | U | G;
  // Keeping a global entry over MOV CR3 is allowed, not required; INVLPG and CR4.PGE drop it for certain.
  run(c, CODE("mov eax, [ebx + 0x20]; mov [esi], edx; mov edi, cr3; mov cr3, edi; invlpg [ebx]; mov ecx, [ebx + 0x20]"));
  COMPLETED();
  EQ(r.regs.ecx, 2);
  poke(PTE, FRAMES | P | W | U | G);
  run(c, CODE("mov eax, [ebx + 0x20]; mov [esi], edx; mov edi, cr4; xor edi, 0x80; mov cr4, edi; mov ecx, [ebx + 0x20]"));
  COMPLETED();
  EQ(r.regs.ecx, 2);
}
CASE("paging.tlb.wp-toggle") {
  make_tables();
  poke(PTE, FRAMES | P | U);
  struct Regs c = paged(0);
  run(c, CODE("mov [ebx + 0x20], eax; mov eax, cr0; or eax, 0x10000; mov cr0, eax; mov [ebx + 0x20], eax"));
  page_fault(3, PAGE + 0x20);
  EQ(r.regs.eip, r.end - 3);
}
CASE("paging.cr3.pwt-pcd-kept") {
  make_tables();
  struct Regs c = paged(0);
  c.edx = DIRECTORY | 0x18;
  run(c, CODE("mov cr3, edx; mov eax, cr3"));
  COMPLETED();
  EQ(r.regs.eax, DIRECTORY | 0x18);
}
CASE("paging.aliases-are-coherent") {
  make_tables();
  poke(PTE, FRAMES | P | W | U), poke(PTE + 4, FRAMES | P | W | U);
  struct Regs c = paged(3);
  c.eax = 0xCAFE;
  run(c, CODE("mov [ebx + 0x20], eax; mov ecx, [ebx + 0x1020]"));
  COMPLETED();
  EQ(r.regs.ecx, 0xCAFE);
}
CASE("paging.linear-address-wraps") {
  make_tables();
  poke(DIRECTORY + 1023 * 4, TABLE | P | W | U);
  poke(TABLE + 1023 * 4, FRAMES | P | W | U);
  poke(FRAMES + 0xFFC, 0x11223344);
  struct Regs c = paged(3);
  c.ebx = 0xFFFFFFFC;
  run(c, CODE("mov eax, [ebx]"));
  COMPLETED();
  EQ(r.regs.eax, 0x11223344);
  c.ebx = 0xFFFFF000;
  c.esi = 0xFFC;
  run(c, CODE("mov eax, [ebx + esi]"));
  COMPLETED();
}
CASE("paging.invlpg-privilege") {
  run(user(), CODE("invlpg [eax]"));
  FAULT(GP, 0);
}
CASE("paging.pg-without-pe") {
  make_tables();
  struct Regs c = kernel();
  c.cr3 = DIRECTORY;
  c.eax = CR0_PG | CR0_ET, c.ecx = CR0_PE | CR0_ET;
  run(c, CODE("mov cr0, eax; mov cr0, ecx"));
  FAULT(GP, 0);
}

// PAE.
enum { PAE_LOW = PAE_ROOT + 0x1000, PAE_TABLE = PAE_ROOT + 0x2000 };
#define PAE_PDE (PAE_LOW + (PAGE >> 21) * 8)
static void poke64(u32 at, u64 value) { poke(at, (u32)value), poke(at + 4, (u32)(value >> 32)); }
static struct Regs pae(u32 cpl) {
  memset((void*)PAE_ROOT, 0, 0x3000);
  poke64(PAE_ROOT, PAE_LOW | P);
  poke64(PAE_LOW, 0 | PS | P | W | U | A | D);
  poke64(PAE_LOW + 8, 0x200000 | PS | P | W | U | A | D);
  poke64(PAE_PDE, PAE_TABLE | P | W | U);
  poke64(PAE_TABLE, FRAMES | P | W | U);
  memset((void*)FRAMES, 0x90, 0x8000);
  poke16(FRAMES, 0x0B0F);
  struct Regs c = ring(cpl);
  c.cr0 |= CR0_PG;
  c.cr3 = PAE_ROOT;
  c.cr4 = CR4_PAE;
  c.ebx = PAGE;
  return c;
}
#define NEED_PAE() \
  if (!(cpu_features() & HAS_PAE)) return skip("no PAE")
CASE("pae.4k-page") {
  NEED_PAE();
  struct Regs c = pae(3);
  c.eax = 0x99;
  run(c, CODE("mov [ebx + 0x40], eax"));
  COMPLETED();
  EQ(peek(FRAMES + 0x40), 0x99);
  EQ(peek(PAE_TABLE), FRAMES | P | W | U | A | D);
  EQ(peek(PAE_PDE), PAE_TABLE | P | W | U | A);
}
CASE("pae.2m-page") {
  NEED_PAE();
  struct Regs c = pae(3);
  poke64(PAE_PDE, (FRAMES & ~0x1FFFFF) | PS | P | W | U);
  c.ebx = PAGE + (FRAMES & 0x1FFFFF) + 0x44;
  c.eax = 0x98;
  run(c, CODE("mov [ebx], eax"));
  COMPLETED();
  EQ(peek(FRAMES + 0x44), 0x98);
  EQ(peek(PAE_PDE), (FRAMES & ~0x1FFFFF) | PS | P | W | U | A | D);
}
CASE("pae.rights") {
  NEED_PAE();
  for (u32 n = 0; n < 64; ++n) {
    struct Regs c = pae(3);
    context = n;
    poke(PAE_PDE, PAE_TABLE | (n & 7)), poke(PAE_TABLE, FRAMES | n >> 3);
    run(c, CODE("mov [ebx], al"));
    const u32 both = n & n >> 3 & 7;
    if (both == 7) COMPLETED();
    else page_fault(6 | (both & 1), PAGE);
  }
}
CASE("pae.not-present-pdpte") {
  NEED_PAE();
  struct Regs c = pae(3);
  c.ebx = 0x40000000;
  run(c, CODE("mov eax, [ebx]"));
  page_fault(4, 0x40000000);
}
CASE("pae.reserved-pdpte-bits-fault-at-cr3-load") {
  NEED_PAE();
  struct Regs c = pae(0);
  poke64(PAE_ROOT + 0x28, 0);
  memcpy((void*)(PAE_ROOT + 0x20), (void*)PAE_ROOT, 32);
  poke(PAE_ROOT + 0x28, PAE_LOW | P | 2);
  c.edx = PAE_ROOT + 0x20;
  run(c, CODE("mov cr3, edx"));
  FAULT(GP, 0);
  EQ(r.cr3, PAE_ROOT);
}
CASE("pae.reserved-high-bits") {
  NEED_PAE();
  struct Regs c = pae(3);
  poke(PAE_TABLE + 4, 0x40000000);
  run(c, CODE("mov eax, [ebx]"));
  page_fault(0xD, PAGE);
}
CASE("pae.2m-reserved-bits") {
  NEED_PAE();
  struct Regs c = pae(3);
  poke64(PAE_PDE, (FRAMES & ~0x1FFFFF) | 1 << 14 | PS | P | W | U);
  run(c, CODE("mov eax, [ebx]"));
  page_fault(0xD, PAGE);
}
CASE("pae.pdptes-cached-at-cr3-load") {
  NEED_PAE();
  struct Regs c = pae(0);
  poke64(PAE_ROOT + 8, 0);
  c.esi = PAE_ROOT, c.edx = PAE_LOW | P, c.ebx = 0x40000000 + PAGE;
  run(c, CODE("mov [esi + 8], edx; mov edi, cr3; mov cr3, edi; mov eax, [ebx]"));
  COMPLETED();
}
CASE("pae.nx-reserved-without-nxe") {
  NEED_PAE();
  struct Regs c = pae(3);
  poke(PAE_TABLE + 4, 0x80000000);
  run(c, CODE("mov eax, [ebx]"));
  page_fault(0xD, PAGE);
}
CASE("pae.nx-fetch") {
  NEED_PAE();
  u32 a = 0x80000001, b, cx, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(cx), "=d"(d));
  if (!(d >> 20 & 1)) return skip("no NX");
  struct Regs c = pae(3);
  poke(PAE_TABLE + 4, 0x80000000);
  __asm__ volatile("wrmsr" ::"c"(0xC0000080), "a"(0x800), "d"(0));
  run(c, CODE("mov eax, [ebx]; jmp ebx"));
  page_fault(0x15, PAGE);
  EQ(r.regs.eip, PAGE);
  __asm__ volatile("wrmsr" ::"c"(0xC0000080), "a"(0), "d"(0));
}
