// Time, CMOS and text output.
#include <stdarg.h>

#include "bios.h"

u32 timer_now(void) { return inl(PM_TIMER) & 0xFFFFFF; }

// For spans under 4.6 s. 3.579545 MHz: 1 us is 3.579545 counts, and 1 / 3.579545 is about 18311 / 65536.
u32 timer_microseconds_since(u32 start) {
  const u32 counts = (timer_now() - start) & 0xFFFFFF;
  return (counts >> 8) * 18311 / 256 + ((counts & 255) * 18311 >> 16);
}

// Programs use this through INT 15h too, perhaps where nothing answers at the timer's port: then the bus access itself
// is taken as a microsecond.
void delay_microseconds(u32 microseconds) {
  const u32 start = timer_now();
  for (u32 turns = 0; turns < microseconds * 4; ++turns)
    if (timer_microseconds_since(start) >= microseconds) return;
}

u8 cmos_read(u8 index) {
  outb(0x70, index | 0x80);
  const u8 value = inb(0x71);
  outb(0x70, 0x0D);
  return value;
}

void cmos_write(u8 index, u8 value) {
  outb(0x70, index | 0x80);
  outb(0x71, value);
  outb(0x70, 0x0D);
}

void post_code(u8 code) { outb(0x80, code); }

enum sink { kDebug, kScreen };

static void put(enum sink sink, char c) {
  outb(0xE9, (u8)c);
  if (sink == kDebug) return;
  if (c == '\n') put(kScreen, '\r');
  struct regs r = {.eax = 0x0E00 | (u8)c, .ebx = 7, .ds = DATA_SEGMENT, .es = DATA_SEGMENT};
  call_interrupt(0x10, &r);
}

static void put_number(enum sink sink, u32 value, u32 base, u32 width, char fill) {
  char digits[11];
  u32 n = 0;
  do {
    const u32 digit = value % base;
    digits[n++] = (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
    value /= base;
  } while (value);
  for (u32 i = n; i < width; ++i) put(sink, fill);
  while (n) put(sink, digits[--n]);
}

static void put_formatted(enum sink sink, const char* format, va_list arguments) {
  for (; *format; ++format) {
    if (*format != '%') {
      put(sink, *format);
      continue;
    }
    ++format;
    char fill = ' ';
    u32 width = 0;
    if (*format == '0') fill = *format++;
    while (*format >= '0' && *format <= '9') width = width * 10 + (u32)(*format++ - '0');
    if (*format == 's') {
      const char* text = va_arg(arguments, const char*);
      while (*text) put(sink, *text++);
    } else if (*format == 'c') {
      put(sink, (char)va_arg(arguments, int));
    } else if (*format == 'u') {
      put_number(sink, va_arg(arguments, u32), 10, width, fill);
    } else if (*format == 'x') {
      put_number(sink, va_arg(arguments, u32), 16, width, fill);
    } else {
      put(sink, *format);
    }
  }
}

void print(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  put_formatted(kScreen, format, arguments);
  va_end(arguments);
}

void debug(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  put_formatted(kDebug, format, arguments);
  va_end(arguments);
}
