// INT 09h and 16h: keys put in through the 8042's command D2h, as if they came from the keyboard.
#include "check.h"

static void press(u8 byte) {
  while (in8(0x64) & 3) asm volatile("sti\n\tnop\n\tnop\n\tcli");
  out8(0x64, 0xD2);
  while (in8(0x64) & 2) {
  }
  out8(0x60, byte);
  asm volatile("sti");
  for (u32 turns = 0; in8(0x64) & 1 && turns < 1000000; ++turns) asm volatile("nop");
  for (u32 i = 0; i < 50; ++i) in8(0x80);
}

static u32 take(u8 function) {
  struct registers r = with((u32)(function + 1) << 8);
  interrupt(0x16, &r);
  if (r.flags & kZero) return 0xFFFF0000;
  r = with((u32)function << 8);
  interrupt(0x16, &r);
  return r.ax;
}

static u32 key(u8 prefix, u8 scan) {
  if (prefix) press(prefix);
  press(scan);
  if (prefix) press(prefix);
  press(scan | 0x80);
  return take(0x10);
}

// Every key in every shift state: a line of words for comparison with other BIOSes.
static void print_map(const char* name, u8 modifier, u8 prefix) {
  say("# map ");
  say(name);
  if (modifier) press(modifier);
  for (u8 scan = 1; scan <= 0x58; ++scan) {
    const int state_key = scan == 0x1D || scan == 0x2A || scan == 0x36 || scan == 0x38 || scan == 0x3A ||
                          scan == 0x45 || scan == 0x46 || scan == 0x54 || scan == 0x55 || scan == 0x37;
    if (state_key || (modifier == 0x38 && !prefix && scan >= 0x47 && scan <= 0x53)) continue;
    if (prefix && scan != 0x1C && scan != 0x35 &&
        (scan < 0x47 || scan > 0x53 || scan == 0x4C || scan == 0x4A || scan == 0x4E))
      continue;
    const u32 word = key(prefix, scan);
    say(" ");
    if (word == 0xFFFF0000)
      say("----");
    else
      say_number(word, 4);
  }
  if (modifier) press(modifier | 0x80);
  say("\n");
}

void check_keyboard(void) {
  struct registers r = with(0x0500);
  r.ecx = 0x1E61;
  interrupt(0x16, &r);
  check(r.al == 0, "16h/05h", r.eax);
  check(take(0x00) == 0x1E61, "16h/00h", 0);
  for (u32 i = 0; i < 15; ++i) {
    r = with(0x0500);
    r.ecx = 0x3031 + i;
    interrupt(0x16, &r);
  }
  r = with(0x0500);
  interrupt(0x16, &r);
  check(r.al == 1, "16h/05h, full", r.eax);
  u32 wrong = 0;
  for (u32 i = 0; i < 15; ++i) wrong += take(0x00) != 0x3031 + i;
  check(!wrong, "key buffer in order", wrong);
  r = with(0x0100);
  interrupt(0x16, &r);
  check(r.flags & kZero, "16h/01h, empty", r.eax);

  check(key(0, 0x1E) == 0x1E61, "a", 0);
  press(0x2A);
  check(LOW8(0x417) & 2, "left shift", LOW8(0x417));
  check(key(0, 0x1E) == 0x1E41, "A", 0);
  press(0xAA);
  press(0x3A);
  press(0xBA);
  check(LOW8(0x417) & 0x40, "caps lock", LOW8(0x417));
  check(key(0, 0x1E) == 0x1E41 && key(0, 0x02) == 0x0231, "caps lock, letters only", 0);
  press(0x3A);
  press(0xBA);
  check(!(LOW8(0x417) & 0x40), "caps lock off", LOW8(0x417));
  check(key(0xE0, 0x48) == 0x48E0, "grey up", 0);
  press(0xE0);
  press(0x48);
  check(take(0x00) == 0x4800, "grey up, 00h", 0);
  press(0x57);
  check(take(0x00) == 0xFFFF0000, "F11 is not shown to 01h", 0);
  press(0x38);
  press(0x48 + 1);
  press(0x47);
  press(0xB8);
  check(take(0x10) == 97, "Alt 97", 0);
  LOW32(0x1B * 4) = (u32)kHere << 16 | (u32)on_1b;
  press(0x1D);
  press(0xE0);
  press(0x46);
  press(0xE0);
  press(0xC6);
  press(0x9D);
  const u32 word = take(0x10);
  check(LOW8(0x471) & 0x80 && word == 0, "Ctrl-Break", word);
  check(breaks_seen == 1, "INT 1Bh", breaks_seen);
  press(0x45);
  press(0xC5);
  check(key(0, 0x48) == 0x4838, "num lock", LOW8(0x417));
  press(0x45);
  press(0xC5);
  r = with(0x0900);
  interrupt(0x16, &r);
  check(r.al & 0x20, "16h/09h", r.eax);
  press(0x38);
  r = with(0x1200);
  interrupt(0x16, &r);
  check(r.al & 8 && r.ah & 2, "16h/12h", r.eax);
  press(0xB8);

  print_map("plain", 0, 0);
  print_map("shift", 0x2A, 0);
  print_map("ctrl", 0x1D, 0);
  print_map("alt", 0x38, 0);
  print_map("e0", 0, 0xE0);
  print_map("e0 shift", 0x2A, 0xE0);
  print_map("e0 ctrl", 0x1D, 0xE0);
  print_map("e0 alt", 0x38, 0xE0);
}
