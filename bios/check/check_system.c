// INT 11h, 12h, 15h.
#include "check.h"

static void memory_sizes(void) {
  struct registers r = with(0);
  interrupt(0x12, &r);
  check(r.ax == LOW16(0x413), "INT 12h", r.ax);
  r = with(0);
  interrupt(0x11, &r);
  check(r.ax == LOW16(0x410), "INT 11h", r.ax);
  r = with(0x8800);
  interrupt(0x15, &r);
  const u32 kib = r.ax;
  check(!carry(&r) && kib > 0, "88h", r.eax);
  r = with(0xE801);
  interrupt(0x15, &r);
  check(!carry(&r) && r.ax == r.cx && r.bx == r.dx && r.ax <= 15 * 1024, "E801h", r.eax);
  const u32 above = r.ax * 1024u + r.bx * 65536u;
  u32 usable = 0, next = 0, entries = 0;
  do {
    r = with(0xE820);
    r.ebx = next;
    r.ecx = 20;
    r.edx = 0x534D4150;
    r.es = kBuffer;
    r.edi = 0x100;
    interrupt(0x15, &r);
    if (carry(&r) || r.eax != 0x534D4150 || r.ecx < 20) {
      check(0, "E820h", r.eax);
      break;
    }
    if (far32(kBuffer, 0x110) == 1 && far32(kBuffer, 0x100) == 0x100000 && !far32(kBuffer, 0x104))
      usable = far32(kBuffer, 0x108);
    next = r.ebx;
  } while (next && ++entries < 32);
  check(usable == above, "E820h and E801h agree", usable);
  r = with(0xE820);
  r.ecx = 20;
  r.edx = 0;
  interrupt(0x15, &r);
  check(carry(&r), "E820h without SMAP", r.eax);
}

static void block_move(void) {
  static struct {
    u16 limit, base_low;
    u8 base_middle, access, flags, base_high;
  } table[6];
  for (u32 way = 0; way < 2; ++way) {
    memset(table, 0, sizeof table);
    const u32 low = kBuffer * 16u + way * 0x1000, high = 0x180000;
    for (u32 i = 0; i < 2; ++i) {
      const u32 base = i == way ? low : high;
      table[2 + i].limit = 0xFFFF;
      table[2 + i].base_low = (u16)base;
      table[2 + i].base_middle = (u8)(base >> 16);
      table[2 + i].base_high = (u8)(base >> 24);
      table[2 + i].access = 0x93;
    }
    for (u32 i = 0; i < 4096; i += 4) set_far32(kBuffer, way * 0x1000 + i, way ? 0 : i * 0x01020304 + 7);
    struct registers r = with(0x8700);
    r.ecx = 2048;
    r.esi = (u32)table;
    interrupt(0x15, &r);
    check(!carry(&r) && r.ah == 0, "87h", r.eax);
  }
  u32 wrong = 0;
  for (u32 i = 0; i < 4096; i += 4) wrong += far32(kBuffer, 0x1000 + i) != i * 0x01020304 + 7;
  check(!wrong, "87h there and back", wrong);
}

static void odds(void) {
  struct registers r = with(0xC000);
  interrupt(0x15, &r);
  check(!carry(&r) && r.ah == 0 && far16(r.es, r.bx) >= 8 && far8(r.es, r.bx + 2u) == 0xFC, "C0h", r.eax);
  r = with(0xC100);
  interrupt(0x15, &r);
  check(!carry(&r) && r.es == LOW16(0x40E), "C1h", r.es);
  check(far8(r.es, 0) == 1, "EBDA size", far8(r.es, 0));
  r = with(0x4F1E);
  interrupt(0x15, &r);
  check(carry(&r) && r.al == 0x1E, "4Fh", r.eax);
  r = with(0xE980);
  interrupt(0x15, &r);
  check(carry(&r) && r.ah == 0x86, "E980h", r.eax);
  r = with(0x7700);
  interrupt(0x15, &r);
  check(carry(&r) && r.ah == 0x86, "77h", r.eax);
  r = with(0x9000);
  interrupt(0x15, &r);
  check(!carry(&r) && r.ah == 0, "90h", r.eax);
}

static u32 a20_open(void) {
  // 1000:0000 is 10000h; FFFF:xxxx reaches past 1 MiB only with A20.
  set_far32(0x0000, 0x600, 0x12345678);
  const u32 before = far32(0xFFFF, 0x610);
  set_far32(0x0000, 0x600, ~before);
  return far32(0xFFFF, 0x610) == before;
}

static void address_line_20(void) {
  struct registers r = with(0x2403);
  interrupt(0x15, &r);
  check(!carry(&r) && r.bx & 3, "2403h", r.ebx);
  r = with(0x2400);
  interrupt(0x15, &r);
  check(!carry(&r) && !a20_open(), "2400h", r.eax);
  r = with(0x2402);
  interrupt(0x15, &r);
  check(!carry(&r) && r.al == 0, "2402h off", r.eax);
  r = with(0x2401);
  interrupt(0x15, &r);
  check(!carry(&r) && a20_open(), "2401h", r.eax);
  r = with(0x2402);
  interrupt(0x15, &r);
  check(!carry(&r) && r.al == 1, "2402h on", r.eax);
}

static void registers_survive(void) {
  static const u32 calls[][2] = {{0x15, 0x8800}, {0x15, 0x9000}, {0x1A, 0x0200}, {0x16, 0x0100},
                                 {0x13, 0x0100}, {0x11, 0},      {0x17, 0x0200}, {0x14, 0x0300}};
  for (u32 i = 0; i < count_of(calls); ++i) {
    struct registers r = with(0xA5A50000 | calls[i][1]);
    r.ebx = 0x1B1B1B1B;
    r.esi = 0x51515151;
    r.edi = 0xD1D1D1D1;
    r.ebp = 0xB9B9B9B9;
    r.edx = 0xDADA0000;
    r.ecx = 0xCACA0000;
    r.es = 0x1234;
    interrupt(calls[i][0], &r);
    const int good = r.ebx == 0x1B1B1B1B && r.esi == 0x51515151 && r.edi == 0xD1D1D1D1 && r.ebp == 0xB9B9B9B9 &&
                     r.edx >> 16 == 0xDADA && r.ecx >> 16 == 0xCACA && r.eax >> 16 == 0xA5A5 && r.es == 0x1234 &&
                     r.ds == kHere;
    check(good, "registers survive", calls[i][0] << 16 | calls[i][1]);
  }
}

static void power_management(void) {
  struct registers r = with(0x5300);
  interrupt(0x15, &r);
  check(!carry(&r) && r.ax == 0x0102 && r.bx == 0x504D, "APM 5300h", r.eax);
  r = with(0x530A);
  r.ebx = 1;
  interrupt(0x15, &r);
  const u32 before = r.ah;
  r = with(0x5301);
  interrupt(0x15, &r);
  check(!carry(&r), "APM 5301h", r.eax);
  r = with(0x5301);
  interrupt(0x15, &r);
  check(carry(&r) && r.ah == 2, "APM 5301h again", r.eax);
  r = with(0x5305);
  interrupt(0x15, &r);
  check(!carry(&r), "APM idle", r.eax);
  r = with(0x530A);
  r.ebx = 1;
  interrupt(0x15, &r);
  check(!carry(&r) && r.bh == 1, "APM power status", r.ebx);
  r = with(0x530B);
  interrupt(0x15, &r);
  check(carry(&r) && r.ah == 0x80, "APM no event", r.eax);
  r = with(0x5304);
  interrupt(0x15, &r);
  check(!carry(&r), "APM disconnect", r.eax);
  r = with(0x5303);
  interrupt(0x15, &r);
  check(!carry(&r) && r.ax == 0xF000 && r.ebx < 0x10000, "APM 5303h", r.eax);
  r = with(0x5304);
  interrupt(0x15, &r);
  check(!carry(&r) && before == 3, "APM needs a connection", before);
}

void check_system(void) {
  memory_sizes();
  block_move();
  odds();
  address_line_20();
  registers_survive();
  power_management();
}
