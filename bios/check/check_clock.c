// INT 08h, 1Ah, 70h, and INT 15h's waits.
#include "check.h"

static void set_vector(u8 vector, const char* handler) {
  asm volatile("cli");
  LOW32(vector * 4u) = (u32)kHere << 16 | (u32)handler;
  asm volatile("sti");
}

static u32 microseconds_since(u32 start) { return ((in32(0x608) - start) & 0xFFFFFF) * 100 / 358; }

void check_clock(void) {
  const u32 old = LOW32(0x1C * 4);
  set_vector(0x1C, on_1c);
  u32 start = LOW32(0x46C);
  while (LOW32(0x46C) == start) {
  }
  start = LOW32(0x46C);
  const u32 timer = in32(0x608), seen = ticks_seen;
  while (LOW32(0x46C) - start < 9) {
  }
  const u32 passed = microseconds_since(timer);
  check(passed > 300000 && passed < 800000, "9 ticks, in us", passed);
  check(ticks_seen - seen >= 9 && ticks_seen - seen <= 10, "INT 1Ch", ticks_seen - seen);

  struct registers r = with(0x0100);
  r.ecx = 0x18;
  r.edx = 0xAF;
  interrupt(0x1A, &r);
  start = ticks_seen;
  while (ticks_seen - start < 3) {
  }
  r = with(0);
  interrupt(0x1A, &r);
  check(r.al == 1 && r.cx == 0 && r.dx < 20, "midnight", r.eax << 24 | r.ecx << 16 | r.dx);
  r = with(0);
  interrupt(0x1A, &r);
  check(r.al == 0, "midnight is told once", r.eax);
  LOW32(0x1C * 4) = old;

  r = with(0x0200);
  interrupt(0x1A, &r);
  check(!carry(&r) && r.ch < 0x24 && r.cl < 0x60, "1Ah/02h", r.ecx);
  r = with(0x0400);
  interrupt(0x1A, &r);
  check(!carry(&r) && r.ch >= 0x19 && r.ch <= 0x20 && r.dh >= 1 && r.dh <= 0x12, "1Ah/04h", r.ecx << 16 | r.dx);
  const struct registers today = r;
  r = with(0x0500);
  r.ecx = 0x1999;
  r.edx = 0x1231;
  interrupt(0x1A, &r);
  r = with(0x0400);
  interrupt(0x1A, &r);
  check(r.cx == 0x1999 && r.dx == 0x1231, "1Ah/05h", r.ecx << 16 | r.dx);
  r = today;
  r.eax = 0x0500;
  interrupt(0x1A, &r);
  r = with(0x0300);
  r.ecx = 0x2030;
  r.edx = 0x0000;
  interrupt(0x1A, &r);
  check(!carry(&r), "1Ah/03h", r.eax);

  set_vector(0x4A, on_4a);
  r = with(0x0600);
  r.ecx = 0x2030;
  r.edx = 0x0200;
  interrupt(0x1A, &r);
  check(!carry(&r), "1Ah/06h", r.eax);
  r = with(0x0600);
  interrupt(0x1A, &r);
  check(carry(&r), "1Ah/06h twice", r.eax);
  start = LOW32(0x46C);
  while (LOW32(0x46C) - start < 60 && !alarms_seen) asm volatile("sti\n\thlt");
  check(alarms_seen == 1, "alarm", alarms_seen);
  r = with(0x0700);
  interrupt(0x1A, &r);
  check(!carry(&r), "1Ah/07h", r.eax);

  for (u32 wait = 1000; wait <= 100000; wait *= 10) {
    const u32 before = in32(0x608);
    r = with(0x8600);
    r.ecx = wait >> 16;
    r.edx = wait & 0xFFFF;
    interrupt(0x15, &r);
    const u32 took = microseconds_since(before);
    check(!carry(&r) && took >= wait - wait / 50 && took < wait + 150000, "86h", took);
  }
  static volatile u8 flag;
  flag = 0;
  r = with(0x8300);
  r.edx = 50000;
  r.ebx = (u32)&flag;
  const u32 before = in32(0x608);
  interrupt(0x15, &r);
  check(!carry(&r) && !flag, "83h", r.eax);
  r = with(0x8300);
  interrupt(0x15, &r);
  check(carry(&r), "83h twice", r.eax);
  while (!(flag & 0x80) && microseconds_since(before) < 500000) asm volatile("sti\n\thlt");
  check(flag & 0x80 && microseconds_since(before) >= 45000, "83h sets its flag", microseconds_since(before));
  r = with(0x8301);
  interrupt(0x15, &r);
  check(!carry(&r), "83h off", r.eax);
}
