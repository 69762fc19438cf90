// Tables that operating systems look for by signature, with their checksums.
#include "check.h"

static u8 sum(u32 at, u32 bytes) {
  u8 total = 0;
  for (u32 i = 0; i < bytes; ++i) total = (u8)(total + far8((u16)((at + i) >> 4), (at + i) & 15));
  return total;
}

static u32 find(u32 first, u32 second, u32 mask) {
  for (u32 at = 0xE0000; at < 0x100000; at += 16)
    if (far32((u16)(at >> 4), 0) == first && (far32((u16)(at >> 4), 4) & mask) == second) return at;
  return 0;
}

void check_tables(void) {
  const u32 rsdp = find(0x20445352, 0x20525450, 0xFFFFFFFF);
  check(rsdp && !sum(rsdp, 20), "RSDP", rsdp);
  const u32 bios32 = find(0x5F32335F, 0, 0);
  check(bios32 && !sum(bios32, 16), "BIOS32", bios32);
  const u32 pir = find(0x52495024, 0, 0);
  check(pir && !sum(pir, far16((u16)(pir >> 4), 6)), "$PIR", pir);
  const u32 smbios = find(0x5F4D535F, 0, 0);
  check(smbios && !sum(smbios, far8((u16)(smbios >> 4), 5)) && !sum(smbios + 16, 15), "SMBIOS", smbios);
  u32 a = 1, b, c, d = 0;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  if (d & 1 << 9) {
    const u32 mp = find(0x5F504D5F, 0, 0);
    check(mp && !sum(mp, 16), "_MP_", mp);
    const u32 table = far32((u16)(mp >> 4), 4);
    check(far32((u16)(table >> 4), 0) == 0x504D4350 && !sum(table, far16((u16)(table >> 4), 4)), "PCMP", table);
  }
  check(far8(0xF000, 0xFFFE) == 0xFC, "model byte", far8(0xF000, 0xFFFE));
  check(far8(0xF000, 0xFFF0) == 0xEA, "reset jump", far8(0xF000, 0xFFF0));
  check(far16(0xF000, 0xEFC7 + 3) == 0x1202 || LOW16(0x78) != 0xEFC7, "diskette table", far16(0xF000, 0xEFCA));
  set_far8(0xF000, 0x0010, (u8)~far8(0xF000, 0x0010));
  const u8 once = far8(0xF000, 0x0010);
  set_far8(0xF000, 0x0010, (u8)~once);
  check(far8(0xF000, 0x0010) == once, "F segment is write-protected", once);
}
