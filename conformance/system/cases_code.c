// Self-modifying code in all its forms, real and unreal mode, the A20 gate.
#include "kernel.h"

CASE("smc.next-instruction") {
  struct Regs c = user();
  c.ebx = CODE_AREA + 3;
  run(c, CODE("mov byte ptr [ebx], 0x41; inc eax"));
  COMPLETED();
  EQ(r.regs.ecx, 1);
  EQ(r.regs.eax, 0);
}
CASE("smc.immediate-patched-in-loop") {
  struct Regs c = user();
  c.ebx = CODE_AREA + 1, c.edx = 10, c.ecx = 0;
  run(c, CODE("1: mov eax, 0; add ecx, eax; inc dword ptr [ebx]; dec edx; jnz 1b"));
  COMPLETED();
  EQ(r.regs.ecx, 45);
}
CASE("smc.later-in-the-same-block") {
  struct Regs c = user();
  c.ebx = CODE_AREA + 8;
  run(c, CODE("mov byte ptr [ebx], 5; nop; nop; nop; nop; mov al, 1"));
  COMPLETED();
  EQ(r.regs.eax, 5);
}
CASE("smc.earlier-block") {
  struct Regs c = user();
  put_code(TARGET, CODE("mov eax, 1; ret"));
  c.ebx = TARGET;
  run(c, CODE("call ebx; mov ecx, eax; mov byte ptr [ebx + 1], 2; call ebx"));
  COMPLETED();
  EQ(r.regs.ecx, 1);
  EQ(r.regs.eax, 2);
}
CASE("smc.by-string-instruction") {
  struct Regs c = user();
  put_code(TARGET, CODE("mov eax, 1; ret"));
  put_code(DATA_AREA, CODE("mov eax, 7; ret"));
  c.ebx = TARGET, c.esi = DATA_AREA, c.edi = TARGET, c.ecx = 6;
  run(c, CODE("call ebx; mov edx, eax; rep movsb; call ebx"));
  COMPLETED();
  EQ(r.regs.edx, 1);
  EQ(r.regs.eax, 7);
}
CASE("smc.rep-overwrites-itself") {
  struct Regs c = user();
  c.edi = CODE_AREA, c.ecx = 0x20, c.eax = 0x42;
  // The remaining iterations go on from the old instruction or end early; what follows is INC EDX.
  run(c, CODE("rep stosb; ud2"));
  EQ(r.vector, UD);
  EQ(peek8(CODE_AREA), 0x42);
}
CASE("smc.straddling-pages") {
  struct Regs c = user();
  c.eip = CODE_AREA + 0xFFD;
  c.ebx = CODE_AREA + 0x1001;
  c.edx = 2;
  // MOV EAX, imm32 lies across the boundary; its third byte is changed between two runs.
  run(c, CODE("1: mov eax, 0x10; mov esi, ecx; mov ecx, eax; mov byte ptr [ebx], 2; dec edx; jnz 1b"));
  COMPLETED();
  EQ(r.regs.esi, 0x10);
  EQ(r.regs.eax, 0x02000010);
}
CASE("smc.through-alias") {
  for (u32 n = 0; n < 1024; ++n) poke(TABLES + 0x1000 + 4 * n, n << 12 | 7);
  memset((void*)TABLES, 0, 0x1000);
  poke(TABLES, (TABLES + 0x1000) | 7), poke(TABLES + 8, (TABLES + 0x1000) | 7);
  struct Regs c = user();
  c.cr0 |= CR0_PG, c.cr3 = TABLES;
  put_code(TARGET, CODE("mov eax, 1; ret"));
  c.ebx = TARGET;
  run(c, CODE("call ebx; mov ecx, eax; mov byte ptr [ebx + 0x800001], 2; call ebx"));
  COMPLETED();
  EQ(r.regs.ecx, 1);
  EQ(r.regs.eax, 2);
}
CASE("smc.remapped-page") {
  for (u32 n = 0; n < 1024; ++n) poke(TABLES + 0x1000 + 4 * n, n << 12 | 7);
  memset((void*)TABLES, 0, 0x1000);
  poke(TABLES, (TABLES + 0x1000) | 7);
  put_code(FRAMES, CODE("mov eax, 1; ret"));
  put_code(FRAMES + 0x1000, CODE("mov eax, 2; ret"));
  struct Regs c = kernel();
  c.cr0 |= CR0_PG, c.cr3 = TABLES;
  c.ebx = FRAMES;
  c.esi = TABLES + 0x1000 + (FRAMES >> 12) * 4;
  run(c, CODE("call ebx; mov ecx, eax; add dword ptr [esi], 0x1000; invlpg [ebx]; call ebx"));
  COMPLETED();
  EQ(r.regs.ecx, 1);
  EQ(r.regs.eax, 2);
}
CASE("smc.by-push") {
  struct Regs c = user();
  c.edx = 0x0B0F0B0F;
  put_code(TARGET, CODE("mov eax, 1; nop; nop; nop; ret"));
  c.ebx = TARGET;
  run(c, CODE("call ebx; mov edi, esp; lea esp, [ebx + 5]; push 9; mov esp, edi; call ebx"));
  COMPLETED();
  EQ(r.regs.eax, 9);
}
CASE("smc.same-page-data-does-not-disturb") {
  struct Regs c = user();
  c.ebx = CODE_AREA + 0x800, c.ecx = 1000;
  run(c, CODE("1: inc dword ptr [ebx]; loop 1b"));
  COMPLETED();
  EQ(peek(CODE_AREA + 0x800), 1000 + 0x90909090u);
}
CASE("smc.by-dma") {
  // The firmware configuration device's DMA interface writes its signature over an instruction's immediate.
  outw(0x510, 0);
  if (inb(0x511) != 'Q') return skip("no firmware configuration device");
  outw(0x510, 1);
  if (!(inb(0x511) & 2)) return skip("no DMA");
  put_code(TARGET, CODE("mov eax, 1; ret"));
  poke(DATA_AREA, __builtin_bswap32(8 | 2)), poke(DATA_AREA + 4, __builtin_bswap32(4));
  poke(DATA_AREA + 8, 0), poke(DATA_AREA + 12, __builtin_bswap32(TARGET + 1));
  struct Regs c = kernel();
  c.ebx = TARGET;
  c.edx = 0x518;
  c.esi = __builtin_bswap32(DATA_AREA);
  run(c, CODE("call ebx; mov ecx, eax; mov eax, esi; out dx, eax; call ebx"));
  COMPLETED();
  EQ(r.regs.ecx, 1);
  EQ(r.regs.eax, 0x554D4551);
}
CASE("smc.cs-size-decides-decoding") {
  // The same bytes as 32-bit and as 16-bit code.
  static const u8 bytes[] = {0xB8, 1, 0, 0x90, 0x90};
  run(user(), (struct Code){bytes, 5});
  COMPLETED();
  EQ(r.regs.eax, 0x90900001);
  struct Regs c = kernel16();
  run(c, (struct Code){bytes, 5});
  COMPLETED();
  EQ(r.regs.eax, 1);
}
CASE("smc.real-and-protected-share-memory") {
  struct Regs c = real();
  run_real(c, CODE16("mov ax, 1"));
  EQ(r.regs.eax, 1);
  run_real(c, CODE16("mov ax, 2"));
  EQ(r.regs.eax, 2);
  run(v86(), CODE16("mov ax, 3"));
  EQ(r.regs.eax, 3);
}

// Real mode.
CASE("real.frame") {
  struct Regs c = real();
  c.eflags |= F_CF | F_IF;
  run_real(c, CODE16("int 0x55"));
  FAULT_AT(0x55, 0, 2);
  EQ(r.regs.esp, 0xF000);
  EQ(r.words[0] & 0xFFFF, 0x102);
  EQ(r.words[0] >> 16, LOW_CODE >> 4);
  EQ(r.words[1] & 0xFFFF, F_CF | F_IF | 2);
}
CASE("real.no-error-code") {
  struct Regs c = real();
  c.ebx = 0xFFFF;
  run_real(c, CODE16("mov ax, [bx]"));
  FAULT(GP, 0);
  EQ(r.regs.esp, 0xF000);
}
CASE("real.limit.ss") {
  struct Regs c = real();
  c.ebp = 0xFFFF;
  run_real(c, CODE16("mov ax, [bp]"));
  FAULT(SS, 0);
}
CASE("real.limit.32-bit-address") {
  struct Regs c = real();
  c.ebx = 0x10000;
  run_real(c, CODE16("mov al, [ebx]"));
  FAULT(GP, 0);
}
CASE("real.segment-load-keeps-limit") {
  run_real(real(), CODE16("mov ax, 0x1234; mov ds, ax; mov ax, ds; mov ss, ax; mov cx, ss; mov dx, 0x4000; mov ss, dx"));
  COMPLETED();
  EQ(r.regs.ds, 0x1234);
  EQ(r.regs.ecx, 0x1234);
}
CASE("real.unreal") {
  poke(DATA_AREA + 0x40, 0x600DF00D);
  struct Regs c = real();
  c.ebx = DATA_AREA + 0x40;
  // Protected mode just long enough to load a flat descriptor.
  run_real(c, CODE16("cli; push ds; mov eax, cr0; or al, 1; mov cr0, eax; mov cx, 0x10; mov fs, cx; and al, 0xFE;"
                     "mov cr0, eax; xor cx, cx; mov fs, cx; mov edx, fs:[ebx]; pop ds"));
  COMPLETED();
  EQ(r.regs.edx, 0x600DF00D);
}
CASE("real.far-call-and-retf") {
  poke(0x21500, 0x9090CB40);
  run_real(real(), CODE16(".byte 0x9A; .word 0x500, 0x2100; nop"));
  COMPLETED();
  EQ(r.regs.eax, 1);
}
CASE("real.high-memory-area") {
  struct Regs c = real();
  c.ds = 0xFFFF;
  const u32 old = peek(0x100000);
  run_real(c, CODE16("mov eax, [0x10]"));
  COMPLETED();
  EQ(r.regs.eax, old);
}
CASE("real.lmsw-enters-protected-mode") {
  run_real(real(), CODE16("mov ax, 1; lmsw ax; smsw cx; mov eax, cr0; and al, 0xFE; mov cr0, eax"));
  COMPLETED();
  EQ(r.regs.ecx & 1, 1);
}
CASE("real.pe-off-keeps-cs-attributes-until-jump") {
  run_real(real(), CODE16("mov eax, cr0; or al, 1; mov cr0, eax; nop; nop; and al, 0xFE; mov cr0, eax; mov cx, cs"));
  COMPLETED();
  EQ(r.regs.ecx & 0xFFFF, LOW_CODE >> 4);
}
CASE("a20.off-wraps") {
  poke(0x300, 0x11111111);
  const u32 high = peek(0x100300);
  struct Regs c = real();
  c.ds = 0xFFFF;
  run_real(c, CODE16("in al, 0x92; and al, 0xFD; out 0x92, al; mov ecx, [0x310]; or al, 2; out 0x92, al; mov edx, [0x310]"));
  COMPLETED();
  EQ(r.regs.edx, high);
  EQ(r.regs.ecx, 0x11111111);
}
CASE("paging.on-and-off-in-place") {
  for (u32 n = 0; n < 1024; ++n) poke(TABLES + 0x1000 + 4 * n, n << 12 | 7);
  memset((void*)TABLES, 0, 0x1000);
  poke(TABLES, (TABLES + 0x1000) | 7);
  struct Regs c = kernel();
  c.ecx = TABLES;
  run(c, CODE("mov cr3, ecx; mov eax, cr0; or eax, 0x80000000; mov cr0, eax; inc edx; and eax, 0x7FFFFFFF; mov cr0, eax"));
  COMPLETED();
  EQ(r.regs.edx, 1);
}
