// The walk over changing code: functions are written, patched, copied and remapped while they run, through every alias.
#include "kernel.h"

// Sixteen frames of functions, in slots that are no divisor of a page, so that many lie across two. The frames are at
// one place linear = physical, and at two more by the shared table.
enum { PAGES = 16, SLOT = 0x1A0, SLOTS = PAGES * 0x1000 / SLOT, PATCHES = 12 };
#define WINDOW_A SHARED
#define WINDOW_B (SHARED + 0x100000)
#define REMAPPED (SHARED + 0x200000)  // pages whose frames change
#define SPARE_FRAMES (FRAMES + 0x80000)

struct Patch {
  u16 at;
  u8 bytes;   // of an immediate; 0: the low byte of a loop's count, which must not be zero
  u8 opcode;  // not 0: the opcode byte of an operation of EAX with a 32-bit immediate
};
static struct Function {
  u32 patches;
  int stores;  // into itself: its addresses hold in its own slot only
  struct Patch patch[PATCHES];
} functions[SLOTS];

static u8* out;
static u32 start;
static struct Function* now;

static u32 alias(u32 offset) {
  static const u32 bases[] = {FRAMES, WINDOW_A, WINDOW_B};
  return bases[below(3)] + offset;
}

static void byte(u32 value) { *out++ = (u8)value; }
static void dword(u32 value) {
  for (int n = 0; n < 4; ++n) byte(value >> 8 * n);
}
static void note(u32 bytes, u32 opcode) {
  if (now->patches == PATCHES) return;
  now->patch[now->patches++] = (struct Patch){(u16)((u32)out - start), (u8)bytes, (u8)opcode};
}
static const u8 eax_opcodes[] = {0x05, 0x0D, 0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D};

// One operation of EAX, EDX and ECX; `free_ecx`: ECX may change.
static void operation(int free_ecx) {
  switch (below(12)) {
    case 0:
    case 1:
    case 2: {
      const u8 opcode = eax_opcodes[below(8)];
      note(1, opcode);
      byte(opcode);
      note(4, 0);
      dword(random_u32());
      break;
    }
    case 3: byte(0x83), byte(0xC0 | below(8) << 3 | (below(2) ? 0 : 2)), note(1, 0), byte(random_u32()); break;
    case 4: byte(0x81), byte(0xC2 | below(8) << 3), note(4, 0), dword(random_u32()); break;
    case 5: byte(0xC1), byte(0xC0 | below(2) << 3), note(1, 0), byte(random_u32()); break;
    case 6: byte(0x69), byte(0xC0), note(4, 0), dword(random_u32()); break;
    case 7: byte(0x66), byte(0x05), note(2, 0), byte(random_u32()), byte(random_u32()); break;
    case 8: byte(0x85), byte(0xC0), byte(0x70 | below(16)), byte(2), byte(0x31), byte(0xC2); break;  // jcc over xor edx, eax
    case 9: byte(0x01), byte(free_ecx && one_in(2) ? 0xD1 : 0xD0); break;                  // add ecx or eax, edx
    case 10: byte(0x0F), byte(0xC8); break;                                                // bswap eax
    default: byte(0x8D), byte(0x84), byte(0x08 | below(2) << 6), note(4, 0), dword(random_u32()); break;  // lea
  }
}

// A store of AL, AX, EAX or by the stack to what stands `distance` bytes on.
static void store_ahead(u32 slot_offset, u32 distance, u32 kind) {
  const u32 length[] = {5, 6, 5, 12, 7, 7, 9};
  const u32 place = alias(slot_offset + ((u32)out - start) + length[kind] + distance);
  switch (kind) {
    case 0: byte(0xA2), dword(place); break;
    case 1: byte(0x66), byte(0xA3), dword(place); break;
    case 2: byte(0xA3), dword(place); break;
    case 3:  // mov ebx, esp; mov esp, place + 4; push eax; mov esp, ebx; nops
      byte(0x89), byte(0xE3), byte(0xBC), dword(place + 4), byte(0x50), byte(0x89), byte(0xDC), byte(0x90), byte(0x90);
      break;
    case 4: byte(0x80), byte(0x35), dword(place), byte(random_u32()); break;                   // xor byte [place], n
    case 5: byte(0x0F), byte(0xC1), byte(0x05), dword(place); break;                           // xadd [place], eax
    default: {  // mov word [place], n: the last byte of one instruction, the first of the next
      const u8 next[] = {0x04, 0x2C, 0x34};
      byte(0x66), byte(0xC7), byte(0x05), dword(place), byte(random_u32()), byte(next[below(3)]);
    }
  }
}

static void write_function(u32 slot) {
  now = &functions[slot];
  const u32 offset = slot * SLOT;
  out = (u8*)(start = alias(offset));
  now->patches = 0;
  now->stores = 0;
  for (u32 n = below(4); n; --n) operation(1);
  for (u32 loops = below(3); loops; --loops) {
    byte(0xB9), note(0, 0), dword(1 + below(one_in(8) ? 200 : 12));
    u8* const head = out;
    for (u32 n = 1 + below(4); n; --n) {
      // The instruction just ahead changes in each round: its immediate, the last byte of it, or two instructions at
      // once.
      if (one_in(4)) {
        const u32 kind = below(7);
        const u32 distance[] = {1 + below(4), 1 + below(3), 1, 1, 1 + below(4), 1, 4};
        now->stores = 1;
        store_ahead(offset, distance[kind], kind);
        byte(eax_opcodes[below(8)]), dword(random_u32());
        if (kind == 6) byte(0x04), byte(0x35);
      } else {
        operation(0);
      }
    }
    byte(0x49), byte(0x0F), byte(0x85), dword((u32)head - (u32)out - 4);
  }
  for (u32 n = below(4); n; --n) operation(1);
  byte(0xC3);
}

// Runs code and takes in all that came of it.
static void run_at(u32 linear, u32 times) {
  while (times--) {
    const u32 argument = random_u32();
    const u32 value = one_in(3) ? call_user(linear, argument, below(9)) : call_kernel(linear, argument, below(9));
    mix(value);
    mix(caught);
    if (caught != (u32)NONE) mix(caught_error), mix(caught_eip - linear);
    if (caught == PF) mix(caught_address);
  }
}

static void run_slot(u32 slot, u32 times) { run_at(alias(slot * SLOT), times); }

static void patch(u32 slot) {
  const struct Function* f = &functions[slot];
  if (!f->patches) return;
  const struct Patch* p = &f->patch[below(f->patches)];
  const u32 place = alias(slot * SLOT + p->at);
  if (p->opcode) {
    poke8(place, eax_opcodes[below(8)]);
    return;
  }
  if (!p->bytes) {
    poke8(place, (u8)(1 + below(255)));
    return;
  }
  switch (p->bytes == 4 ? below(6) : p->bytes == 2 ? 1 : 0) {
    case 0: poke8(place, (u8)random_u32()); break;
    case 1: poke16(place, (u16)random_u32()); break;
    case 2: poke(place, random_u32()); break;
    case 3: poke8(place + 3, (u8)random_u32()); break;
    case 4: __asm__ volatile("lock xorl %1, (%0)" ::"r"(place), "r"(random_u32()) : "memory"); break;
    default: __asm__ volatile("movl %1, (%0)\n fildl (%0)\n fchs\n fistpl (%0)" ::"r"(place), "r"(random_u32()) : "memory");
  }
}

static u32 entry_of(u32 linear) { return SELF + (linear >> 12) * 4; }

static void set_page(u32 linear, u32 frame, u32 bits) {
  poke(entry_of(linear), frame | bits);
  if (one_in(2)) invlpg(linear);
  else reload_cr3();
}

// Two pages of one function: its second half comes from a frame that changes between calls, or in the middle of one.
static void across_remapped(void) {
  const u32 first = REMAPPED + 0x2000 * below(8), frame = SPARE_FRAMES + 0x1000 * below(8);
  const u32 tails = SPARE_FRAMES + 0x10000;
  set_page(first, frame, PWU);
  for (u32 n = 0; n < 2; ++n) {
    // The first page ends with the opcode of ADD EAX, imm32.
    out = (u8*)(tails + 0x1000 * n);
    dword(random_u32());
    byte(0x05), dword(0x44434241 * n), byte(0xC3);
  }
  const u32 at = 0x1000 - 1 - 48;
  out = (u8*)(frame + at);
  const int in_the_middle = one_in(2);
  for (u32 n = 0; n < 20; ++n) byte(0x40);
  if (in_the_middle) {
    byte(0xC7), byte(0x05), dword(entry_of(first + 0x1000)), dword((tails + 0x1000) | PWU);  // mov [pte], imm
    byte(0x0F), byte(0x01), byte(0x3D), dword(first + 0x1000);                               // invlpg
  }
  while (out < (u8*)(frame + 0xFFF)) byte(0x40);
  byte(0x05);
  for (u32 n = 0; n < 3; ++n) {
    set_page(first + 0x1000, tails + 0x1000 * (in_the_middle ? 0 : n & 1), PWU);
    const u32 value = call_kernel(first + at, n, 0);
    mix(value);
    mix(caught);
    if (!in_the_middle) continue;
    expect("the page of the second half", caught, (u32)NONE);
    expect("entry written by the code", peek(entry_of(first + 0x1000)) & ~(u32)(A | D), (tails + 0x1000) | PWU);
  }
}

// The same linear page shows another frame's functions, or none.
static void remap(void) {
  const u32 linear = REMAPPED + 0x40000 + 0x1000 * below(8);
  const u32 slot = below(SLOTS), offset = slot * SLOT;
  if ((offset & 0xFFF) + SLOT > 0x1000) return;
  const u32 bits = one_in(6) ? W | U : one_in(6) ? P | W : P | U;
  set_page(linear, FRAMES + (offset & ~0xFFFu), bits);
  run_at(linear + (offset & 0xFFF), 1 + below(4));
}

static void copy_function(void) {
  const u32 from = below(SLOTS), to = below(SLOTS);
  if (from == to || functions[from].stores) return;
  u32 source = alias(from * SLOT), target = alias(to * SLOT), count = SLOT;
  if (one_in(2)) {
    __asm__ volatile("rep movsb" : "+S"(source), "+D"(target), "+c"(count)::"memory");
  } else {
    count = SLOT / 4;
    source += SLOT - 4, target += SLOT - 4;
    __asm__ volatile("std\n rep movsl\n cld" : "+S"(source), "+D"(target), "+c"(count)::"memory");
  }
  functions[to] = functions[from];
  run_slot(to, 1 + below(3));
}

// What code may leave in a function may not return: NOPs and RET over all of it.
static void blank(u32 slot) {
  u32 target = alias(slot * SLOT), count = SLOT - 1;
  __asm__ volatile("rep stosb\n movb $0xC3, (%%edi)" : "+D"(target), "+c"(count) : "a"(0x90) : "memory");
  functions[slot].patches = 0;
  functions[slot].stores = 0;
}

void code_begin(void) {
  for (u32 n = 0; n < PAGES; ++n) {
    poke(SHARED_TABLE + 4 * n, (FRAMES + 0x1000 * n) | PWU);
    poke(SHARED_TABLE + 4 * (0x100 + n), (FRAMES + 0x1000 * n) | PWU);
  }
  reload_cr3();
  for (u32 slot = 0; slot < SLOTS; ++slot) write_function(slot);
}

void code_step(u32 step) {
  const u32 slot = below(SLOTS);
  mix(step);
  switch (below(16)) {
    case 0:
    case 1: write_function(slot), run_slot(slot, 1 + below(3)); break;
    case 2: copy_function(); break;
    case 3: across_remapped(); break;
    case 4:
    case 5: remap(); break;
    case 6: if (one_in(8)) blank(slot), run_slot(slot, 2); break;
    case 7: patch(slot), patch(slot), run_slot(slot, 60); break;
    case 8: run_slot(slot, 20), patch(slot), run_slot(slot, 20); break;
    default: patch(slot), run_slot(slot, 1 + below(4)); break;
  }
}
