// INT 14h and INT 17h: serial and parallel ports, and finding them in POST.
#include "ports.h"

#include "bios.h"

extern const u16 baud_divisors[];

enum { kLineStatus = 5, kModemControl = 4, kModemStatus = 6, kLineControl = 3 };

// Waits until a status register shows all of `mask`, for about the timeout that the BDA holds (in its own units of
// half a second).
static int wait_status(u16 port, u8 mask, u8 timeout, u8* status) {
  const u32 limit = (u32)(timeout ? timeout : 1) * 9 + 1, start = BDA->ticks;
  interrupts_on();
  u32 turns = 0;
  for (;;) {
    *status = inb(port);
    if ((*status & mask) == mask) return 1;
    if (BDA->ticks - start >= limit || ++turns > 0x2000000) return 0;
  }
}

static u16 baud_divisor(u8 index) { return peek16(CODE_SEGMENT, (u16)(u32)(baud_divisors + index)); }

static void set_line(u16 port, u8 format, u16 divisor) {
  outb((u16)(port + kLineControl), 0x80);
  outb(port, (u8)divisor);
  outb((u16)(port + 1), (u8)(divisor >> 8));
  outb((u16)(port + kLineControl), format);
  outb((u16)(port + 1), 0);
}

static void extended_initialize(struct regs* r, u16 port) {
  static const u16 divisors[9] = {1047, 768, 384, 192, 96, 48, 24, 12, 6};
  static const u8 parities[5] = {0x00, 0x08, 0x18, 0x28, 0x38};
  if (r->cl >= count_of(divisors) || r->bh >= count_of(parities) || r->bl > 1 || r->ch > 3) return;
  set_line(port, (u8)(parities[r->bh] | r->bl << 2 | r->ch), divisors[r->cl]);
  outb((u16)(port + kLineControl), (u8)((inb((u16)(port + kLineControl)) & 0x3F) | (r->al ? 0x40 : 0)));
}

static void report(struct regs* r, u16 port) {
  r->ah = inb((u16)(port + kLineStatus));
  r->al = inb((u16)(port + kModemStatus));
}

void int14(struct regs* r) {
  const u16 port = r->dx < 4 ? BDA->com_port[r->dx] : 0;
  if (!port) return;
  u8 status;
  switch (r->ah) {
    case 0x00:
      set_line(port, r->al & 0x1F, baud_divisor(r->al >> 5));
      report(r, port);
      break;
    case 0x01:
      outb((u16)(port + kModemControl), 0x03);
      if (wait_status((u16)(port + kLineStatus), 0x20, BDA->com_timeout[r->dx], &status)) {
        outb(port, r->al);
        r->ah = status & 0x7F;
      } else {
        r->ah = status | 0x80;
      }
      break;
    case 0x02:
      outb((u16)(port + kModemControl), 0x01);
      if (wait_status((u16)(port + kLineStatus), 0x01, BDA->com_timeout[r->dx], &status)) {
        r->al = inb(port);
        r->ah = status & 0x1E;
      } else {
        r->ah = status | 0x80;
      }
      break;
    case 0x03: report(r, port); break;
    case 0x04:
      extended_initialize(r, port);
      report(r, port);
      break;
    case 0x05:
      if (r->al == 1) outb((u16)(port + kModemControl), r->bl);
      if (r->al == 0) r->bl = inb((u16)(port + kModemControl));
      report(r, port);
      break;
  }
}

// The printer's status with the lines that are inverted on the connector turned round.
static u8 printer_status(u16 port) { return (u8)((inb((u16)(port + 1)) ^ 0x48) & 0xF8); }

void int17(struct regs* r) {
  const u16 port = r->dx < 3 ? BDA->lpt_port[r->dx] : 0;
  if (!port) return;
  u8 ignored;
  switch (r->ah) {
    case 0x00:
      outb(port, r->al);
      if (!wait_status((u16)(port + 1), 0x80, (u8)(BDA->lpt_timeout[r->dx] * 2), &ignored)) {
        r->ah = printer_status(port) | 0x01;
        break;
      }
      outb((u16)(port + 2), 0x0D);
      outb((u16)(port + 2), 0x0C);
      r->ah = printer_status(port);
      break;
    case 0x01:
      outb((u16)(port + 2), 0x08);
      delay_microseconds(50);
      outb((u16)(port + 2), 0x0C);
      r->ah = printer_status(port);
      break;
    case 0x02: r->ah = printer_status(port); break;
  }
}

void ports_init(void) {
  static const u16 serial[4] = {0x3F8, 0x2F8, 0x3E8, 0x2E8}, parallel[3] = {0x378, 0x278, 0x3BC};
  u16 serial_count = 0, parallel_count = 0;
  for (u32 i = 0; i < count_of(serial); ++i) {
    // The interrupt enable register holds four bits, the identification register's bits 5-4 are 0.
    outb((u16)(serial[i] + 1), 0x05);
    const u8 enable = inb((u16)(serial[i] + 1)), identification = inb((u16)(serial[i] + 2));
    outb((u16)(serial[i] + 1), 0x00);
    if (enable != 0x05 || identification & 0x30) continue;
    BDA->com_timeout[serial_count] = 1;
    BDA->com_port[serial_count++] = serial[i];
  }
  for (u32 i = 0; i < count_of(parallel); ++i) {
    outb(parallel[i], 0xAA);
    if (inb(parallel[i]) != 0xAA) continue;
    outb((u16)(parallel[i] + 2), 0x0C);
    BDA->lpt_timeout[parallel_count] = 0x14;
    BDA->lpt_port[parallel_count++] = parallel[i];
  }
  BDA->equipment = (u16)((BDA->equipment & 0x31FF) | serial_count << 9 | parallel_count << 14);
}
