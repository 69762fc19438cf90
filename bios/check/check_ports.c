// INT 14h, 17h and the PS/2 mouse.
#include "check.h"

void check_ports(void) {
  struct registers r = with(0x0300);
  interrupt(0x14, &r);
  check((r.ah & 0x60) == 0x60, "COM1 status", r.eax);
  r = with(0x00E3);
  interrupt(0x14, &r);
  check((r.ah & 0x60) == 0x60 && in8(0x3FB) == 3, "COM1 initialize", in8(0x3FB));
  r = with(0x0141);
  interrupt(0x14, &r);
  check(!(r.ah & 0x80) && r.al == 0x41, "COM1 send", r.eax);
  r = with(0x0300);
  r.edx = 7;
  interrupt(0x14, &r);
  if (LOW16(0x408)) {
    r = with(0x0200);
    interrupt(0x17, &r);
    check((r.ah & 0x01) == 0, "LPT1 status", r.eax);
    r = with(0x0058);
    interrupt(0x17, &r);
    check((r.ah & 0x01) == 0, "LPT1 print", r.eax);
  }
  check(LOW16(0x410) & 4, "mouse in the equipment word", LOW16(0x410));
  r = with(0xC205);
  r.ebx = 0x0300;
  interrupt(0x15, &r);
  check(!carry(&r) && r.ah == 0, "C205h", r.eax);
  r = with(0xC201);
  interrupt(0x15, &r);
  check(!carry(&r) && r.bx == 0x00AA, "C201h", r.ebx);
  r = with(0xC204);
  interrupt(0x15, &r);
  check(!carry(&r) && r.bh == 0, "C204h", r.ebx);
  r = with(0xC203);
  r.ebx = 0x0200;
  interrupt(0x15, &r);
  check(!carry(&r), "C203h", r.eax);
  r = with(0xC202);
  r.ebx = 0x0400;
  interrupt(0x15, &r);
  check(!carry(&r), "C202h", r.eax);
  r = with(0xC206);
  interrupt(0x15, &r);
  check(!carry(&r) && r.cl == 2 && r.dl == 80, "C206h", (u32)r.cl << 16 | r.dl);
  r = with(0xC207);
  r.ebx = (u32)on_mouse;
  interrupt(0x15, &r);
  check(!carry(&r), "C207h", r.eax);
  r = with(0xC200);
  r.ebx = 0x0100;
  interrupt(0x15, &r);
  check(!carry(&r), "C200h on", r.eax);
  // 8042 command D3h: a byte as from the mouse.
  static const u8 packet[3] = {0x09, 5, 7};
  for (u32 i = 0; i < 3; ++i) {
    while (in8(0x64) & 2) {
    }
    out8(0x64, 0xD3);
    while (in8(0x64) & 2) {
    }
    out8(0x60, packet[i]);
    for (u32 start = LOW32(0x46C); LOW32(0x46C) - start < 2;) asm volatile("sti\n\thlt");
  }
  check(packets_seen == 1, "mouse handler", packets_seen);
  r = with(0xC200);
  interrupt(0x15, &r);
  check(!carry(&r), "C200h off", r.eax);
}
