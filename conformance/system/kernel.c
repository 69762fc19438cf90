// The frame around the cases: tables, entering and catching, reporting, the run itself.
#include "kernel.h"

#include <stdarg.h>

struct Result r;
u64 gdt[(GDT_LIMIT + 1) / 8] __attribute__((aligned(16)));
u64 ldt[(LDT_LIMIT + 1) / 8] __attribute__((aligned(16)));
u64 idt[256] __attribute__((aligned(16)));
struct Tss tss, fault_tss;
u32 main_tss_limit;
u32 context;
int plain_vector;
u32 debug_control;

static char report[400];
static u32 report_length;
static int failed_case;
static const char* skip_reason;

extern u32 entry_ss, entry_esp, entry_flags, entry_cr0, entry_cr2, entry_cr3, entry_dr6, entry_dr7;
extern u32 enter_cr0, enter_cr3, enter_cr4, real_cr0;
extern u8 exception_stubs[], real_base[], real_end[], real_stubs[];
extern const struct CaseEntry cases_start[], cases_end[];
void enter(u32 ss, u32 esp);
void enter_real(u32 ss, u32 sp);
void double_fault_entry(void);

void* memset(void* to, int value, u32 size) {
  u8* out = to;
  while (size--) *out++ = (u8)value;
  return to;
}

void* memcpy(void* to, const void* from, u32 size) {
  u8* out = to;
  const u8* in = from;
  while (size--) *out++ = *in++;
  return to;
}

static void put(char c) {
  for (u32 n = 0; n < 100000 && !(inb(0x3FD) & 0x20); ++n) {}
  outb(0x3F8, (u8)c);
  outb(0xE9, (u8)c);
}

static void print(const char* text) {
  while (*text) put(*text++);
}

static void print_number(u32 value) {
  char digits[12];
  u32 n = 12;
  digits[--n] = 0;
  do digits[--n] = (char)('0' + value % 10);
  while (value /= 10);
  print(digits + n);
}

static void add(char c) {
  if (report_length < sizeof report - 1) report[report_length++] = c;
}

static void add_hex(u32 value) {
  int digit = 28;
  while (digit > 0 && !(value >> digit)) digit -= 4;
  for (; digit >= 0; digit -= 4) add("0123456789abcdef"[value >> digit & 15]);
}

void fail(const char* format, ...) {
  va_list list;
  va_start(list, format);
  if (failed_case) add(';'), add(' ');
  failed_case = 1;
  for (; *format; ++format) {
    if (*format != '%') {
      add(*format);
    } else if (*++format == 's') {
      for (const char* text = va_arg(list, const char*); *text; ++text) add(*text);
    } else {
      add_hex(va_arg(list, u32));
    }
  }
  va_end(list);
}

void skip(const char* reason) { skip_reason = reason; }

void check_equal(const char* what, u32 got, u32 want, int line) {
  if (got != want) fail("line 0x%x (context %x): %s is %x, not %x", (u32)line, context, what, got, want);
}

void check_fault(u32 vector, u32 error, u32 eip, int line) {
  if (r.vector == vector && r.error == error && r.regs.eip == eip) return;
  fail("line 0x%x (context %x): vector %x error %x eip start+%x, not %x %x start+%x", (u32)line, context, r.vector,
       r.error, r.regs.eip - r.start, vector, error, eip - r.start);
}

static u64* slot(u16 selector) { return (selector & 4 ? ldt : gdt) + (selector >> 3); }

void descriptor(u16 selector, u32 base, u32 limit, u8 access, u8 flags) {
  const u32 low = (limit & 0xFFFF) | base << 16;
  const u32 high = (base >> 16 & 0xFF) | (u32)access << 8 | (limit & 0xF0000) | (u32)flags << 20 | (base & 0xFF000000);
  *slot(selector) = (u64)high << 32 | low;
}

void call_gate(u16 selector, u16 target, u32 offset, u8 access, u8 count) {
  const u32 high = (offset & 0xFFFF0000) | (u32)access << 8 | count;
  *slot(selector) = (u64)high << 32 | ((u32)target << 16 | (offset & 0xFFFF));
}

void idt_gate(u8 vector, u16 target, u32 offset, u8 access) {
  idt[vector] = (u64)((offset & 0xFFFF0000) | (u32)access << 8) << 32 | ((u32)target << 16 | (offset & 0xFFFF));
}

u8 access_byte(u16 selector) { return ((u8*)slot(selector))[5]; }
u32 stub(u8 vector) { return (u32)exception_stubs + 16u * vector; }

// The segment's base as its descriptor has it now.
static u32 base_of(u32 selector) {
  const u64 d = *slot((u16)selector);
  return (u32)(d >> 16 & 0xFFFFFF) | (u32)(d >> 32 & 0xFF000000);
}

static int is_big(u32 selector) { return *slot((u16)selector) >> 54 & 1; }

void reload_tables(void) {
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) table = {GDT_LIMIT, (u32)gdt};
  __asm__ volatile("lgdt %0" ::"m"(table));
  table.limit = 0x7FF;
  table.base = (u32)idt;
  __asm__ volatile("lidt %0" ::"m"(table));
  descriptor(MAIN_TSS, (u32)&tss, main_tss_limit, 0x89, 0);
  descriptor(FAULT_TSS, (u32)&fault_tss, 0x67, 0x89, 0);
  __asm__ volatile("lldt %w0; ltr %w1" ::"r"(MAIN_LDT), "r"(MAIN_TSS));
  __asm__ volatile("mov %0, %%fs; mov %0, %%gs" ::"r"(KDATA));
}

static void prepare_tasks(u32 cr3) {
  memset(&fault_tss, 0, 104);
  fault_tss.cr3 = cr3;
  fault_tss.eip = (u32)double_fault_entry;
  fault_tss.eflags = 2;
  fault_tss.esp = FAULT_STACK;
  fault_tss.cs = KCODE;
  fault_tss.ss = fault_tss.ds = fault_tss.es = fault_tss.fs = fault_tss.gs = KDATA;
  fault_tss.io_map = 0x68;
}

static void program_pic(void);

static void prepare_case(void) {
  memset(gdt, 0, sizeof gdt);
  memset(ldt, 0, sizeof ldt);
  memset(idt, 0, sizeof idt);
  memset(&tss, 0, sizeof tss);
  descriptor(KCODE, 0, 0xFFFFF, 0x9B, 0xC);
  descriptor(KDATA, 0, 0xFFFFF, 0x93, 0xC);
  descriptor(UCODE, 0, 0xFFFFF, 0xFB, 0xC);
  descriptor(UDATA, 0, 0xFFFFF, 0xF3, 0xC);
  descriptor(MAIN_LDT, (u32)ldt, LDT_LIMIT, 0x82, 0);
  descriptor(KCODE16, CODE_AREA, 0xFFFF, 0x9B, 0);
  descriptor(KDATA16, CODE_AREA, 0xFFFF, 0x93, 0);
  descriptor(UCODE16, CODE_AREA, 0xFFFF, 0xFB, 0);
  descriptor(UDATA16, CODE_AREA, 0xFFFF, 0xF3, 0);
  descriptor(CODE1, 0, 0xFFFFF, 0xBB, 0xC);
  descriptor(DATA1, 0, 0xFFFFF, 0xB3, 0xC);
  descriptor(CODE2, 0, 0xFFFFF, 0xDB, 0xC);
  descriptor(DATA2, 0, 0xFFFFF, 0xD3, 0xC);
  descriptor(LOW_CODE16, REAL_BASE, 0xFFFF, 0x9B, 0);
  descriptor(LOW_DATA16, REAL_BASE, 0xFFFF, 0x93, 0);
  for (u32 vector = 0; vector < 256; ++vector) idt_gate((u8)vector, KCODE, stub((u8)vector), 0x8E);
  idt_gate(BP, KCODE, stub(BP), 0xEE);
  idt_gate(OF, KCODE, stub(OF), 0xEE);
  idt_gate(DF, FAULT_TSS, 0, 0x85);
  tss.esp0 = ESP0;
  tss.ss0 = KDATA;
  tss.esp1 = ESP1;
  tss.ss1 = DATA1;
  tss.esp2 = ESP2;
  tss.ss2 = DATA2;
  tss.io_map = 0x88;
  memset(tss.map, 0xFF, sizeof tss.map);
  main_tss_limit = 0x67;
  tss.io_map = 0x68;
  prepare_tasks(0);
  reload_tables();
  memset((void*)CODE_AREA, 0x90, 0x20000);
  memset((void*)(DATA_AREA), 0, 0x10000);
  poke16(TARGET, 0x0B0F);
  memcpy((void*)REAL_BASE, real_base, (u32)(real_end - real_base));
  for (u32 vector = 0; vector < 256; ++vector)
    poke(vector * 4, REAL_SEGMENT << 16 | ((u32)(real_stubs - real_base) + 3 * vector));
  plain_vector = -1;
  context = 0;
  debug_control = 0x400;
  program_pic();
  __asm__ volatile("fninit");
  u32 zero = 0;
  __asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" ::"r"(zero));
  __asm__ volatile("mov %0, %%dr6; mov %1, %%dr7" ::"r"(0xFFFF0FF0), "r"(0x400));
}

struct Regs ring(unsigned cpl) {
  static const u16 codes[] = {KCODE, CODE1, CODE2, UCODE}, datas[] = {KDATA, DATA1, DATA2, UDATA};
  static const u32 stacks[] = {KSTACK, ESP1 - 0x8000, ESP2 - 0x8000, USTACK};
  struct Regs regs;
  memset(&regs, 0, sizeof regs);
  regs.cs = codes[cpl];
  regs.ss = regs.ds = regs.es = regs.fs = regs.gs = datas[cpl];
  regs.eip = CODE_AREA;
  regs.esp = stacks[cpl];
  regs.eflags = 2;
  regs.cr0 = CR0_PE | CR0_ET;
  return regs;
}
struct Regs kernel(void) { return ring(0); }
struct Regs user(void) { return ring(3); }

struct Regs kernel16(void) {
  struct Regs regs = ring(0);
  regs.cs = KCODE16;
  regs.ss = regs.ds = regs.es = KDATA16;
  regs.eip = 0;
  regs.esp = 0xF000;
  return regs;
}

struct Regs real(void) {
  struct Regs regs = ring(0);
  regs.cs = LOW_CODE >> 4;
  regs.ss = LOW_STACK >> 4;
  regs.ds = regs.es = regs.fs = regs.gs = LOW_DATA >> 4;
  regs.eip = 0x100;
  regs.esp = 0xF000;
  return regs;
}

struct Regs v86(void) {
  struct Regs regs = real();
  regs.eflags |= F_VM;
  return regs;
}

void put_code(u32 linear, struct Code code) {
  memcpy((void*)linear, code.bytes, code.size);
  poke16(linear + code.size, 0x0B0F);
}

static void begin(const struct Regs* regs, struct Code code) {
  memset(&r, 0, sizeof r);
  r.start = regs->eip;
  r.end = regs->eip + code.size;
  enter_cr0 = regs->cr0;
  enter_cr3 = regs->cr3;
  enter_cr4 = regs->cr4;
}

static void finish(void) {
  if (enter_cr4) __asm__ volatile("mov %0, %%cr4" ::"r"(0));
  if (r.vector == UD && r.regs.eip == r.end) r.vector = DONE;
  debug_control = 0x400;
  r.main_tss_access = access_byte(MAIN_TSS);
  reload_tables();
}

void run(struct Regs regs, struct Code code) {
  const int vm = (regs.eflags & F_VM) != 0;
  put_code((vm ? regs.cs << 4 : base_of(regs.cs)) + regs.eip, code);
  begin(&regs, code);
  prepare_tasks(regs.cr3);
  u32 image[21];
  u32 count = 15;
  memcpy(image, &regs, 15 * 4);
  if (vm || (regs.cs & 3)) {
    image[count++] = regs.esp;
    image[count++] = regs.ss;
  }
  if (vm) {
    image[count++] = regs.es;
    image[count++] = regs.ds;
    image[count++] = regs.fs;
    image[count++] = regs.gs;
    image[0] = image[1] = image[2] = image[3] = 0;
  }
  u32 ss = KDATA, esp = ESP0;
  if (!vm && !(regs.cs & 3)) ss = regs.ss, esp = regs.esp;
  esp -= count * 4;
  memcpy((void*)(base_of(ss) + esp), image, count * 4);
  __asm__ volatile("mov %0, %%dr7" ::"r"(debug_control));
  enter(ss, esp);
  finish();
}

void run_real(struct Regs regs, struct Code code) {
  put_code((regs.cs << 4) + regs.eip, code);
  begin(&regs, code);
  const u32 at = (regs.ss << 4) + regs.esp - 46;
  poke16(at, (u16)regs.gs);
  poke16(at + 2, (u16)regs.fs);
  poke16(at + 4, (u16)regs.es);
  poke16(at + 6, (u16)regs.ds);
  memcpy((void*)(at + 8), &regs.edi, 32);
  poke16(at + 40, (u16)regs.eip);
  poke16(at + 42, (u16)regs.cs);
  poke16(at + 44, (u16)regs.eflags);
  __asm__ volatile("mov %0, %%dr7" ::"r"(debug_control));
  enter_real(regs.ss, regs.esp - 46);
  finish();
}

static int pushes_error(u32 vector) {
  if ((int)vector == plain_vector) return 0;
  return vector == DF || (vector >= TS && vector <= PF) || vector == AC;
}

static void save_entry(void) {
  r.cr0 = entry_cr0;
  r.cr2 = entry_cr2;
  r.cr3 = entry_cr3;
  r.dr6 = entry_dr6;
  r.dr7 = entry_dr7;
  r.entry_flags = entry_flags;
}

void caught(void) {
  save_entry();
  const u32 offset = is_big(entry_ss) ? entry_esp : entry_esp & 0xFFFF;
  const u32* frame = (const u32*)(base_of(entry_ss) + offset);
  memcpy(&r.regs, frame, 12 * 4);
  r.regs.gs &= 0xFFFF, r.regs.fs &= 0xFFFF, r.regs.es &= 0xFFFF, r.regs.ds &= 0xFFFF;
  frame += 12;
  r.vector = *frame++;
  r.entry_ss = entry_ss & 0xFFFF;
  r.entry_esp = entry_esp + 13 * 4;
  memcpy(r.words, frame, sizeof r.words);
  if (pushes_error(r.vector)) r.error = *frame++;
  r.regs.eip = *frame++;
  r.regs.cs = *frame++ & 0xFFFF;
  r.regs.eflags = *frame++;
  if ((r.regs.eflags & F_VM) || (r.regs.cs & 3)) {
    r.regs.esp = *frame++;
    r.regs.ss = *frame++ & 0xFFFF;
  } else {
    r.regs.esp = entry_esp + (u32)((const u8*)frame - (const u8*)(base_of(entry_ss) + offset));
    r.regs.ss = r.entry_ss;
  }
  if (r.regs.eflags & F_VM) {
    r.regs.es = *frame++ & 0xFFFF;
    r.regs.ds = *frame++ & 0xFFFF;
    r.regs.fs = *frame++ & 0xFFFF;
    r.regs.gs = *frame++ & 0xFFFF;
  }
}

void caught_by_task(void) {
  save_entry();
  r.vector = DF;
  r.entry_ss = KDATA;
  r.entry_esp = entry_esp;
  memcpy(r.words, (const void*)entry_esp, sizeof r.words);
  r.error = r.words[0];
  r.regs.eip = tss.eip;
  r.regs.cs = tss.cs & 0xFFFF;
  r.regs.eflags = tss.eflags;
  r.regs.esp = tss.esp;
  r.regs.ss = tss.ss & 0xFFFF;
  r.regs.eax = tss.eax, r.regs.ecx = tss.ecx, r.regs.edx = tss.edx, r.regs.ebx = tss.ebx;
}

void caught_real(void) {
  save_entry();
  r.cr0 = *(u32*)(REAL_BASE + ((u8*)&real_cr0 - real_base));
  const u32 at = ((entry_ss & 0xFFFF) << 4) + (entry_esp & 0xFFFF);
  r.regs.gs = peek16(at), r.regs.fs = peek16(at + 2), r.regs.es = peek16(at + 4), r.regs.ds = peek16(at + 6);
  memcpy(&r.regs.edi, (const void*)(at + 8), 32);
  r.vector = (u32)(peek16(at + 40) - (real_stubs - real_base) - 3) / 3;
  r.regs.eip = peek16(at + 42);
  r.regs.cs = peek16(at + 44);
  r.regs.eflags = peek16(at + 46);
  r.regs.ss = entry_ss & 0xFFFF;
  r.regs.esp = entry_esp + 48;
  memcpy(r.words, (const void*)(at + 42), sizeof r.words);
}

u32 cpu_features(void) {
  u32 a = 1, b, c = 0, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return d;
}

int is_intel(void) {
  u32 a = 0, b, c = 0, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return b == 0x756E6547;
}

void breakpoint(u32 number, u32 address, u32 kind, u32 length) {
  switch (number) {
    case 0: __asm__ volatile("mov %0, %%dr0" ::"r"(address)); break;
    case 1: __asm__ volatile("mov %0, %%dr1" ::"r"(address)); break;
    case 2: __asm__ volatile("mov %0, %%dr2" ::"r"(address)); break;
    default: __asm__ volatile("mov %0, %%dr3" ::"r"(address)); break;
  }
  debug_control &= ~(0xFu << (16 + 4 * number));
  debug_control |= 1u << 2 * number | (kind | (length - 1) << 2) << (16 + 4 * number);
}

static void program_pic(void) {
  outb(0x20, 0x11), outb(0x21, 0x60), outb(0x21, 4), outb(0x21, 1);
  outb(0xA0, 0x11), outb(0xA1, 0x68), outb(0xA1, 2), outb(0xA1, 1);
  outb(0x21, 0xFF), outb(0xA1, 0xFF);
}

u32 pending_interrupt(void) {
  program_pic();
  outb(0x43, 0x30), outb(0x40, 0x40), outb(0x40, 0);
  outb(0x20, 0x0A);
  outb(0x21, 0xFE);
  while (!(inb(0x20) & 1)) {}
  return 0x60;
}

static char chosen[128], left_out[128];

static int same(const char* a, const char* b) {
  while (*a && *a == *b) ++a, ++b;
  return *a == *b;
}

// True if the list with commas `skip=` names the case.
static int is_left_out(const char* name) {
  for (const char* list = left_out; *list;) {
    u32 n = 0;
    while (name[n] && name[n] == list[n]) ++n;
    if (!name[n] && (!list[n] || list[n] == ',')) return 1;
    while (*list && *list++ != ',') {}
  }
  return 0;
}

// The value behind `key` in the command line; "" if there is none.
static void read_option(const char* text, const char* key, char* value) {
  for (; *text; ++text) {
    u32 n = 0;
    while (key[n] && text[n] == key[n]) ++n;
    if (key[n]) continue;
    text += n;
    for (n = 0; n < 127 && text[n] && text[n] != ' '; ++n) value[n] = text[n];
    return;
  }
}

static void read_command_line(u32 magic, u32 info) {
  if (magic != 0x2BADB002 || !(peek(info) & 4)) return;
  const char* text = (const char*)peek(info + 16);
  read_option(text, "case=", chosen);
  read_option(text, "skip=", left_out);
}

// A case whose name begins with "shutdown." ends the machine: it runs only when it is the one chosen.
static int ends_the_machine(const char* name) {
  static const char prefix[] = "shutdown.";
  for (u32 n = 0; prefix[n]; ++n)
    if (name[n] != prefix[n]) return 0;
  return 1;
}

static void power_off(u8 code) {
  for (u32 n = 0; n < 100000 && (inb(0x3FD) & 0x60) != 0x60; ++n) {}
  outb(0xF4, code);
  outb(0x501, code);
  for (const char* text = "Shutdown"; *text; ++text) outb(0x8900, (u8)*text);
  __asm__ volatile("cli; hlt");
}

void kernel_main(u32 magic, u32 info) {
  read_command_line(magic, info);
  outb(0x3F9, 0);
  outb(0x3FB, 0x80);
  outb(0x3F8, 1);
  outb(0x3F9, 0);
  outb(0x3FB, 3);
  outb(0x3FA, 0);
  outb(0x21, 0xFF);
  outb(0xA1, 0xFF);
  outb(0x92, inb(0x92) | 2);
  u32 passed = 0, failed = 0, skipped = 0;
  for (const struct CaseEntry* one = cases_start; one != cases_end; ++one) {
    if (chosen[0] ? !same(chosen, one->name) : ends_the_machine(one->name)) continue;
    if (is_left_out(one->name)) continue;
    failed_case = 0;
    report_length = 0;
    skip_reason = 0;
    prepare_case();
    if (chosen[0]) print("RUN "), print(one->name), print("\n");
    one->body();
    report[report_length] = 0;
    if (skip_reason) ++skipped, print("SKIP "), print(one->name), print(" "), print(skip_reason);
    else if (failed_case) ++failed, print("FAIL "), print(one->name), print(" "), print(report);
    else ++passed, print("PASS "), print(one->name);
    print("\n");
  }
  print("END passed ");
  print_number(passed);
  print(" failed ");
  print_number(failed);
  print(" skipped ");
  print_number(skipped);
  print("\n");
  power_off(failed ? 2 : 1);
}
