// What the checks share, and their order.
#include "check.h"

static u32 passed, failed;

u8 in8(u16 port) {
  u8 v;
  asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
void out8(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
u32 in32(u16 port) {
  u32 v;
  asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
  return v;
}

#define WITH_GS(segment) asm volatile("movw %w0, %%gs" : : "r"(segment) : "memory")
u8 far8(u16 segment, u32 offset) {
  WITH_GS(segment);
  return *(volatile u8 __seg_gs*)offset;
}
u16 far16(u16 segment, u32 offset) {
  WITH_GS(segment);
  return *(volatile u16 __seg_gs*)offset;
}
u32 far32(u16 segment, u32 offset) {
  WITH_GS(segment);
  return *(volatile u32 __seg_gs*)offset;
}
void set_far8(u16 segment, u32 offset, u8 value) {
  WITH_GS(segment);
  *(volatile u8 __seg_gs*)offset = value;
}
void set_far32(u16 segment, u32 offset, u32 value) {
  WITH_GS(segment);
  *(volatile u32 __seg_gs*)offset = value;
}

void* memcpy(void* to, const void* from, u32 bytes) {
  u8* d = to;
  const u8* s = from;
  while (bytes--) *d++ = *s++;
  return to;
}

void* memset(void* to, int value, u32 bytes) {
  u8* d = to;
  while (bytes--) *d++ = (u8)value;
  return to;
}

void say(const char* text) {
  for (; *text; ++text) {
    out8(0xE9, (u8)*text);
    struct registers r = with(0x0E00 | (u8)*text);
    r.ebx = 7;
    interrupt(0x10, &r);
    if (*text != '\n') continue;
    r = with(0x0E0D);
    r.ebx = 7;
    interrupt(0x10, &r);
  }
}

void say_number(u32 value, u32 digits) {
  char text[9];
  text[digits] = 0;
  for (; digits; value >>= 4) text[--digits] = "0123456789ABCDEF"[value & 15];
  say(text);
}

void check(int good, const char* name, u32 got) {
  if (good) {
    ++passed;
    return;
  }
  ++failed;
  say("not ok ");
  say(name);
  say(": ");
  say_number(got, 8);
  say("\n");
}

void note(const char* name, u32 value) {
  say("# ");
  say(name);
  say(" ");
  say_number(value, 8);
  say("\n");
}

__attribute__((used)) void check_main(u32 drive) {
  say("BIOS check\n");
  check_system();
  check_tables();
  check_pci();
  check_ports();
  check_clock();
  check_floppy((u8)drive);
  check_disk();
  check_cd();
  check_keyboard();
  note("passed", passed);
  note("failed", failed);
  say(failed ? "BIOS CHECK FAILED\n" : "BIOS CHECK PASSED\n");
  out8(0xF4, failed ? 2 : 1);
}
