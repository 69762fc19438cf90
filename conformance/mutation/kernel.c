// Start-up, the checksum, and the walk that the command line asks for: `walk=code` or `walk=paging`, `seed=`, `steps=`.
#include "kernel.h"

static u32 state, sum = 0x811C9DC5, step_number, failures;
static u32 seed = 1, steps = 1000;
static char walk[16];

// Marsaglia's xorshift.
u32 random_u32(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

u32 below(u32 n) { return (u32)((u64)random_u32() * n >> 32); }

void mix(u32 value) { sum = (sum ^ value) * 0x01000193 + (sum >> 15); }

void print(const char* text) {
  while (*text) outb(0xE9, (u8)*text++);
}

void print_hex(u32 value) {
  for (int shift = 28; shift >= 0; shift -= 4) outb(0xE9, (u8)"0123456789abcdef"[value >> shift & 15]);
}

void expect(const char* what, u32 got, u32 want) {
  mix(got);
  if (got == want || ++failures > 20) return;
  print("WRONG step ");
  print_hex(step_number);
  print(" ");
  print(what);
  print(": ");
  print_hex(got);
  print(", not ");
  print_hex(want);
  print("\n");
}

static u64 gdt[] = {0,
                    0x00CF9B000000FFFF,
                    0x00CF93000000FFFF,
                    0x00CFFB000000FFFF,
                    0x00CFF3000000FFFF,
                    0};
static u64 idt[64];
static struct {
  u32 link, esp0, ss0, rest[23];
} tss;
static u8 exception_stack[0x1000] __attribute__((aligned(16)));
extern u8 exception_stubs[];

struct Pointer {
  u16 limit;
  u32 base;
} __attribute__((packed));

static void load_tables(void) {
  for (u32 vector = 0; vector < 64; ++vector) {
    const u32 stub = (u32)exception_stubs + 16 * vector;
    const u64 access = vector == RETURN_VECTOR ? 0xEE : 0x8E;
    idt[vector] = (stub & 0xFFFF) | KCODE << 16 | access << 40 | (u64)(stub >> 16) << 48;
  }
  tss.esp0 = (u32)exception_stack + sizeof exception_stack;
  tss.ss0 = KDATA;
  tss.rest[22] = 0x680000;
  const u32 base = (u32)&tss;
  gdt[MAIN_TSS / 8] = 0x67 | (u64)(base & 0xFFFFFF) << 16 | (u64)0x89 << 40 | (u64)(base >> 24) << 56;
  const struct Pointer g = {sizeof gdt - 1, (u32)gdt}, i = {sizeof idt - 1, (u32)idt};
  __asm__ volatile(
      "lgdt %0\n lidt %1\n ljmp %2, $1f\n 1: mov %3, %%ds\n mov %3, %%es\n mov %3, %%ss\n mov %3, %%fs\n mov %3, %%gs\n ltr %4" ::
          "m"(g), "m"(i), "i"(KCODE), "r"(KDATA), "r"((u16)MAIN_TSS));
}

static void build_pages(void) {
  for (u32 table = 0; table < 8; ++table)
    for (u32 n = 0; n < 1024; ++n)
      poke(IDENTITY_TABLES + 0x1000 * table + 4 * n, (table << 22 | n << 12) | PWU);
  for (u32 d = 0; d < DIRECTORY_COUNT; ++d) {
    const u32 directory = DIRECTORIES + 0x1000 * d;
    for (u32 n = 0; n < 1024; ++n) poke(directory + 4 * n, 0);
    for (u32 table = 0; table < 8; ++table) poke(directory + 4 * table, (IDENTITY_TABLES + 0x1000 * table) | PWU);
    poke(directory + 4 * (SHARED >> 22), SHARED_TABLE | PWU);
    poke(directory + 4 * (PRIVATE >> 22), (PRIVATE_TABLES + 0x1000 * d) | PWU);
    poke(directory + 4 * (SELF >> 22), directory | P | W);
  }
  WRITE_CR(3, DIRECTORIES);
  WRITE_CR(4, CR4_PSE | CR4_PGE);
  WRITE_CR(0, READ_CR(0) | CR0_PG | CR0_WP | 0x20);
  __asm__ volatile("fninit");
}

static u32 number_after(const char* text, const char* key, u32 otherwise) {
  for (; *text; ++text) {
    u32 n = 0, value = 0;
    while (key[n] && text[n] == key[n]) ++n;
    if (key[n]) continue;
    for (text += n; *text >= '0' && *text <= '9'; ++text) value = value * 10 + (u32)(*text - '0');
    return value;
  }
  return otherwise;
}

static void read_command_line(u32 magic, u32 info) {
  if (magic != 0x2BADB002 || !(peek(info) & 4)) return;
  const char* text = (const char*)peek(info + 16);
  seed = number_after(text, "seed=", seed);
  steps = number_after(text, "steps=", steps);
  for (const char* at = text; *at; ++at)
    if (at[0] == 'w' && at[1] == 'a' && at[2] == 'l' && at[3] == 'k' && at[4] == '=')
      for (u32 n = 0; n < 15 && at[5 + n] > ' '; ++n) walk[n] = at[5 + n];
}

void kernel_main(u32 magic, u32 info) {
  read_command_line(magic, info);
  outb(0x21, 0xFF);
  outb(0xA1, 0xFF);
  load_tables();
  build_pages();
  state = seed * 2654435761u ^ 0x9E3779B9u;
  if (!state) state = 1;
  const int paging = walk[0] == 'p';
  if (paging) paging_begin();
  else code_begin();
  for (; step_number < steps; ++step_number) {
    if (paging) paging_step(step_number);
    else code_step(step_number);
    if (step_number % 64 != 63) continue;
    print("step ");
    print_hex(step_number);
    print(" ");
    print_hex(sum);
    print("\n");
  }
  print(failures ? "END wrong " : "END right ");
  print_hex(sum);
  print("\n");
  outb(0xF4, failures ? 2 : 1);
  __asm__ volatile("cli; hlt");
}
