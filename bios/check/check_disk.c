// INT 13h on the first hard disk, whose last sectors may be written, and on the first CD.
#include "check.h"

static struct registers chs(u8 function, u8 count, u32 cylinder, u8 head, u8 sector, u16 offset) {
  struct registers r = with((u32)function << 8 | count);
  r.ebx = offset;
  r.ecx = (cylinder & 0xFF) << 8 | (cylinder >> 2 & 0xC0) | sector;
  r.edx = (u32)head << 8 | 0x80;
  r.es = kBuffer;
  interrupt(0x13, &r);
  return r;
}

static u8 packet[24];

static struct registers lba(u8 function, u8 drive, u32 block, u16 count, u16 offset) {
  memset(packet, 0, sizeof packet);
  packet[0] = 16;
  *(u16*)(packet + 2) = count;
  *(u16*)(packet + 4) = offset;
  *(u16*)(packet + 6) = kBuffer;
  *(u32*)(packet + 8) = block;
  struct registers r = with((u32)function << 8);
  r.edx = drive;
  r.esi = (u32)packet;
  interrupt(0x13, &r);
  return r;
}

static u32 differences(u32 a, u32 b, u32 bytes) {
  u32 wrong = 0;
  for (u32 i = 0; i < bytes; i += 4) wrong += far32(kBuffer, a + i) != far32(kBuffer, b + i);
  return wrong;
}

void check_disk(void) {
  if (!LOW8(0x475)) return say("# no hard disk\n");
  struct registers r = chs(0x08, 0, 0, 0, 0, 0);
  check(!carry(&r) && r.ah == 0 && r.dl == LOW8(0x475), "disk 08h", r.ecx << 16 | r.dx);
  const u32 sectors = r.cl & 63, heads = r.dh + 1u, last_cylinder = r.ch | (r.cl & 0xC0u) << 2;
  note("disk geometry", last_cylinder << 16 | heads << 8 | sectors);
  r = chs(0x15, 0, 0, 0, 0, 0);
  check(!carry(&r) && r.ah == 3 && (r.cx || r.dx), "disk 15h", r.eax);
  r = chs(0x02, 1, 0, 0, 1, 0);
  check(!carry(&r) && r.al == 1, "disk 02h", r.eax);
  r = lba(0x42, 0x80, 0, 1, 0x200);
  check(!carry(&r) && !differences(0, 0x200, 512), "disk 42h and 02h agree", r.eax);
  r = chs(0x02, 8, 3, 1, 2, 0x1000);
  const u32 block = (3 * heads + 1) * sectors + 1;
  lba(0x42, 0x80, block, 8, 0x2000);
  check(!carry(&r) && !differences(0x1000, 0x2000, 4096), "disk CHS and LBA agree", r.eax);
  r = chs(0x02, 1, last_cylinder, (u8)(heads - 1), (u8)sectors, 0x1000);
  check(!carry(&r), "disk 02h, last sector", r.eax);
  r = chs(0x02, 1, 0, 0, 0, 0x1000);
  check(carry(&r), "disk 02h, sector 0", r.eax);
  r = chs(0x02, 1, 0, (u8)heads, 1, 0x1000);
  check(heads == 255 || (carry(&r) && r.ah), "disk 02h, head too high", r.eax);
  r = with(0x4100);
  r.ebx = 0x55AA;
  r.edx = 0x80;
  interrupt(0x13, &r);
  check(!carry(&r) && r.bx == 0xAA55 && r.cx & 1, "disk 41h", r.ecx);
  static u8 parameters[0x42];
  *(u16*)parameters = 0x1E;
  r = with(0x4800);
  r.edx = 0x80;
  r.esi = (u32)parameters;
  interrupt(0x13, &r);
  const u32 total = *(u32*)(parameters + 16);
  check(!carry(&r) && *(u16*)(parameters + 24) == 512 && total, "disk 48h", r.eax);
  note("disk sectors", total);
  const u16 dpte = *(u16*)(parameters + 26), dpte_segment = *(u16*)(parameters + 28);
  u8 sum = 0;
  for (u32 i = 0; i < 16; ++i) sum = (u8)(sum + far8(dpte_segment, dpte + i));
  check(!sum && far16(dpte_segment, dpte) == 0x1F0, "disk 48h, extension", far16(dpte_segment, dpte));
  for (u32 i = 0; i < 2048; i += 4) set_far32(kBuffer, 0x4000 + i, 0xBEEF0000 + i);
  r = lba(0x43, 0x80, total - 4, 4, 0x4000);
  check(!carry(&r) && *(u16*)(packet + 2) == 4, "disk 43h", r.eax);
  r = lba(0x42, 0x80, total - 4, 4, 0x5000);
  check(!carry(&r) && !differences(0x4000, 0x5000, 2048), "disk 43h, data", differences(0x4000, 0x5000, 2048));
  r = lba(0x42, 0x80, total, 1, 0x5000);
  check(carry(&r) && r.ah, "disk 42h past the end", r.eax);
  r = lba(0x44, 0x80, 5, 100, 0);
  check(!carry(&r), "disk 44h", r.eax);
  r = lba(0x47, 0x80, 5, 1, 0);
  check(!carry(&r), "disk 47h", r.eax);
  r = lba(0x42, 0x80, 0, 127, 0);
  check(!carry(&r) && *(u16*)(packet + 2) == 127, "disk 42h, 127 sectors", r.eax);
  static const u8 quiet[] = {0x00, 0x04, 0x09, 0x0C, 0x0D, 0x10, 0x11, 0x14};
  for (u32 i = 0; i < sizeof quiet; ++i) {
    r = chs(quiet[i], 1, 0, 0, 1, 0);
    check(!carry(&r) && r.ah == 0, "disk, other functions", r.eax | (u32)quiet[i] << 16);
  }
  const u32 table = LOW32(0x41 * 4);
  check(far8((u16)(table >> 16), (table & 0xFFFF) + 14) == sectors, "INT 41h table", table);
  r = with(0x0800);
  r.edx = 0x85;
  interrupt(0x13, &r);
  check(carry(&r), "disk 85h", r.eax);
}

void check_cd(void) {
  struct registers r = lba(0x42, 0xE0, 16, 1, 0);
  if (carry(&r)) return note("no CD at E0h, status", r.ah);
  check(far32(kBuffer, 1) == 0x30304443, "CD 42h", far32(kBuffer, 1));
  r = with(0x4100);
  r.ebx = 0x55AA;
  r.edx = 0xE0;
  interrupt(0x13, &r);
  check(!carry(&r) && r.bx == 0xAA55, "CD 41h", r.eax);
  r = lba(0x43, 0xE0, 16, 1, 0);
  check(carry(&r) && r.ah == 3, "CD 43h", r.eax);
}
