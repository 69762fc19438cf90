// INT 1Ah and IRQ 8: the tick count, the real-time clock, waits and the alarm.
#include "clock.h"
#include "bios.h"

enum {
  kSeconds = 0,
  kSecondsAlarm,
  kMinutes,
  kMinutesAlarm,
  kHours,
  kHoursAlarm,
  kWeekday,
  kDay,
  kMonth,
  kYear,
  kRegA,
  kRegB,
  kRegC,
  kCentury = 0x32
};
enum { kUpdateInProgress = 0x80, kPeriodic = 0x40, kAlarm = 0x20, kDaylight = 0x01 };

// False if the clock's update did not end: the clock is not running.
static int clock_steady(void) {
  for (u32 turns = 0; turns < 3000; ++turns) {
    if (!(cmos_read(kRegA) & kUpdateInProgress)) return 1;
    delay_microseconds(2);
  }
  return 0;
}

static u32 from_bcd(u8 v) { return (u32)(v >> 4) * 10 + (v & 15); }

// 1,573,040 ticks a day (18.2065 Hz): seconds * 1573040 / 86400.
void clock_init(void) {
  cmos_write(kRegA, 0x26);
  cmos_write(kRegB, (cmos_read(kRegB) & kDaylight) | 0x02);
  cmos_read(kRegC);
  clock_steady();
  const u32 seconds =
      from_bcd(cmos_read(kHours)) * 3600 + from_bcd(cmos_read(kMinutes)) * 60 + from_bcd(cmos_read(kSeconds));
  const u32 whole = seconds / 1080 * 19663, rest = seconds % 1080 * 19663 / 1080;
  BDA->ticks = whole + rest < 0x1800B0 ? whole + rest : 0;
  BDA->midnight = 0;
}

void clock_periodic_on(void) { cmos_write(kRegB, cmos_read(kRegB) | kPeriodic); }

void clock_periodic_off(void) { cmos_write(kRegB, cmos_read(kRegB) & (u8)~kPeriodic); }

// IRQ 8; AH = 1 asks for INT 4Ah.
void clock_event(struct regs* r) {
  const u8 causes = cmos_read(kRegC) & cmos_read(kRegB);
  r->ah = (causes & kAlarm) != 0;
  if (!(causes & kPeriodic) || !(BDA->wait_active & 1)) return;
  if (BDA->wait_microseconds > 976) {
    BDA->wait_microseconds -= 976;
    return;
  }
  BDA->wait_microseconds = 0;
  BDA->wait_active = 0;
  clock_periodic_off();
  const u16 segment = BDA->wait_flag.segment, offset = BDA->wait_flag.offset;
  poke8(segment, offset, peek8(segment, offset) | 0x80);
}

static void read_time(struct regs* r) {
  if (!clock_steady()) return set_carry(r, 1);
  r->ch = cmos_read(kHours);
  r->cl = cmos_read(kMinutes);
  r->dh = cmos_read(kSeconds);
  r->dl = cmos_read(kRegB) & kDaylight;
  answer(r, 0);
}

static void set_time(struct regs* r) {
  clock_steady();
  cmos_write(kRegB, cmos_read(kRegB) | 0x80);
  cmos_write(kHours, r->ch);
  cmos_write(kMinutes, r->cl);
  cmos_write(kSeconds, r->dh);
  const u8 kept = (cmos_read(kRegB) & 0x60) | 0x02 | (r->dl & kDaylight);
  cmos_write(kRegB, kept);
  r->al = kept;
  answer(r, 0);
}

static void read_date(struct regs* r) {
  if (!clock_steady()) return set_carry(r, 1);
  r->ch = cmos_read(kCentury);
  r->cl = cmos_read(kYear);
  r->dh = cmos_read(kMonth);
  r->dl = cmos_read(kDay);
  answer(r, 0);
}

static void set_date(struct regs* r) {
  clock_steady();
  cmos_write(kRegB, cmos_read(kRegB) | 0x80);
  cmos_write(kCentury, r->ch);
  cmos_write(kYear, r->cl);
  cmos_write(kMonth, r->dh);
  cmos_write(kDay, r->dl);
  const u8 running = cmos_read(kRegB) & 0x7F;
  cmos_write(kRegB, running);
  r->al = running;
  answer(r, 0);
}

static void set_alarm(struct regs* r) {
  if (cmos_read(kRegB) & kAlarm) return set_carry(r, 1);
  clock_steady();
  cmos_write(kSecondsAlarm, r->dh);
  cmos_write(kMinutesAlarm, r->cl);
  cmos_write(kHoursAlarm, r->ch);
  outb(0xA1, inb(0xA1) & 0xFE);
  cmos_write(kRegB, (cmos_read(kRegB) & 0x7F) | kAlarm);
  answer(r, 0);
}

void int1a(struct regs* r) {
  switch (r->ah) {
    case 0x00:
      r->cx = (u16)(BDA->ticks >> 16);
      r->dx = (u16)BDA->ticks;
      r->al = BDA->midnight;
      BDA->midnight = 0;
      answer(r, 0);
      break;
    case 0x01:
      BDA->ticks = (u32)r->cx << 16 | r->dx;
      BDA->midnight = 0;
      answer(r, 0);
      break;
    case 0x02: read_time(r); break;
    case 0x03: set_time(r); break;
    case 0x04: read_date(r); break;
    case 0x05: set_date(r); break;
    case 0x06: set_alarm(r); break;
    case 0x07:
      cmos_write(kRegB, cmos_read(kRegB) & (u8) ~(kAlarm | 0x80));
      answer(r, 0);
      break;
    default: set_carry(r, 1); break;
  }
}
