// INT 13h on the diskette that was booted from: 1.44 MB, writable.
#include "check.h"

static struct registers call(u8 function, u8 count, u8 drive, u8 cylinder, u8 head, u8 sector, u16 offset) {
  struct registers r = with((u32)function << 8 | count);
  r.ebx = offset;
  r.ecx = (u32)cylinder << 8 | sector;
  r.edx = (u32)head << 8 | drive;
  r.es = kBuffer;
  interrupt(0x13, &r);
  return r;
}

static u32 differences(u32 a, u32 b, u32 bytes) {
  u32 wrong = 0;
  for (u32 i = 0; i < bytes; i += 4) wrong += far32(kBuffer, a + i) != far32(kBuffer, b + i);
  return wrong;
}

void check_floppy(u8 drive) {
  struct registers r = call(0x08, 0, drive, 0, 0, 0, 0);
  check(!carry(&r) && r.ah == 0 && r.bl == 4 && r.ch == 79 && r.cl == 18 && r.dh == 1, "08h", r.ecx << 16 | r.dx);
  check(r.es == LOW16(0x7A) && r.di == LOW16(0x78), "08h table", (u32)r.es << 16 | r.di);
  r = call(0x15, 0, drive, 0, 0, 0, 0);
  check(!carry(&r) && r.ah == 2, "15h", r.eax);
  r = call(0x15, 0, 3, 0, 0, 0, 0);
  check(!carry(&r) && r.ah == 0, "15h, no drive", r.eax);
  r = call(0x02, 1, drive, 0, 0, 1, 0);
  check(!carry(&r) && r.ah == 0 && r.al == 1 && far16(kBuffer, 510) == 0xAA55, "02h", r.eax);
  r = call(0x02, 2, drive, 0, 0, 18, 0x1000);
  check(!carry(&r) && r.al == 2, "02h over both heads", r.eax);
  call(0x02, 1, drive, 0, 0, 18, 0x2000);
  call(0x02, 1, drive, 0, 1, 1, 0x2200);
  check(!differences(0x1000, 0x2000, 1024), "02h over both heads, data", differences(0x1000, 0x2000, 1024));
  r = call(0x02, 1, drive, 0, 0, 19, 0x1000);
  check(carry(&r) && r.ah == 4, "02h, sector 19", r.eax);
  r = call(0x01, 0, drive, 0, 0, 0, 0);
  check(r.ah == 4, "01h", r.eax);
  r = call(0x00, 0, drive, 0, 0, 0, 0);
  check(!carry(&r) && r.ah == 0, "00h", r.eax);
  r = call(0x02, 1, drive, 0, 0, 1, 0xFF00);
  check(carry(&r) && r.ah == 9, "02h over a 64 KiB line", r.eax);
  r = call(0x02, 18, drive, 1, 1, 1, 0);
  check(!carry(&r) && r.al == 18, "02h, a track", r.eax);
  for (u32 i = 0; i < 1024; i += 4) set_far32(kBuffer, 0x4000 + i, 0xC0FFEE00 + i);
  r = call(0x03, 2, drive, 79, 1, 17, 0x4000);
  check(!carry(&r) && r.al == 2, "03h", r.eax);
  r = call(0x04, 2, drive, 79, 1, 17, 0x4000);
  check(!carry(&r) && r.ah == 0, "04h", r.eax);
  r = call(0x02, 2, drive, 79, 1, 17, 0x5000);
  check(!carry(&r) && !differences(0x4000, 0x5000, 1024), "03h, data", differences(0x4000, 0x5000, 1024));
  r = call(0x16, 0, drive, 0, 0, 0, 0);
  check(!carry(&r) && r.ah == 0, "16h", r.eax);
  r = call(0x18, 0, drive, 79, 0, 18, 0);
  check(!carry(&r) && r.ah == 0, "18h", r.eax);
  for (u32 i = 0; i < 18; ++i) set_far32(kBuffer, 0x6000 + i * 4, 78u | 1u << 8 | (i + 1) << 16 | 2u << 24);
  r = call(0x05, 18, drive, 78, 1, 0, 0x6000);
  check(!carry(&r) && r.ah == 0, "05h", r.eax);
  r = call(0x02, 1, drive, 78, 1, 9, 0x7000);
  // QEMU's controller fills with zeros whatever it is told.
  const u32 filled = far32(kBuffer, 0x7000);
  check(!carry(&r) && (filled == 0xF6F6F6F6 || !filled), "05h, data", far32(kBuffer, 0x7000));
  r = call(0x41, 0, drive, 0, 0, 0, 0);
  check(carry(&r), "41h on a diskette", r.eax);
  asm volatile("cli");
  r = call(0x02, 1, drive, 40, 0, 3, 0);
  u32 flags;
  asm volatile("pushfl\n\tpopl %0\n\tsti" : "=r"(flags));
  check(!carry(&r) && !(flags & 0x200), "02h called with interrupts off", flags);
}
