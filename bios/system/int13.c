// INT 13h: to which drive a call goes, and the CHS functions of hard disks.
#include "disk.h"

static u8 finish(struct regs* r, u8 status) {
  BDA->disk_status = status;
  answer(r, status);
  return status;
}

// Sectors of a CHS call: 10-bit cylinder in CH and CL bits 7-6.
static void transfer(struct regs* r, struct ide_drive* drive, int write, int verify) {
  const struct geometry* g = &drive->logical;
  const u32 cylinder = r->ch | (u32)(r->cl & 0xC0) << 2, head = r->dh, sector = r->cl & 0x3F;
  u32 count = r->al;
  if (!count || count > 128) {
    finish(r, kDiskBadCommand);
    return;
  }
  const u32 lba = (cylinder * g->heads + head) * g->sectors + sector - 1;
  if (!sector || sector > g->sectors || head >= g->heads || cylinder >= g->cylinders || lba + count > drive->sectors) {
    r->al = 0;
    finish(r, kDiskSectorNotFound);
    return;
  }
  u32 done = count;
  u8 status;
  if (verify)
    status = ata_command(drive, 0x40, lba, (u8)count);
  else
    status = ata_transfer(drive, lba, count, linear(far(r->es, r->bx)), write, &done);
  r->al = (u8)done;
  finish(r, status);
}

static void parameters(struct regs* r, struct ide_drive* drive) {
  const struct geometry* g = &drive->logical;
  const u32 last = g->cylinders - 1;
  r->al = 0;
  r->ch = (u8)last;
  r->cl = (u8)((last >> 2 & 0xC0) | g->sectors);
  r->dh = (u8)(g->heads - 1);
  r->dl = hard_disk_count;
  finish(r, kDiskOk);
}

void int13_disk(struct regs* r, struct ide_drive* drive) {
  switch (r->ah) {
    case 0x00:
    case 0x0D: finish(r, ata_reset(drive)); break;
    case 0x01: {
      const u8 last = BDA->disk_status;
      BDA->disk_status = 0;
      r->al = last;
      answer(r, last);
      break;
    }
    case 0x02: transfer(r, drive, 0, 0); break;
    case 0x03: transfer(r, drive, 1, 0); break;
    case 0x04: transfer(r, drive, 0, 1); break;
    case 0x08: parameters(r, drive); break;
    case 0x05:
    case 0x09:
    case 0x0C:
    case 0x11:
    case 0x14: finish(r, kDiskOk); break;
    case 0x10: {
      const u8 status = inb(drive->control);
      finish(r, (status & 0xC0) == 0x40 ? kDiskOk : kDiskNotReady);
      break;
    }
    case 0x15: {
      const u32 sectors = drive->logical.cylinders * drive->logical.heads * drive->logical.sectors;
      finish(r, kDiskOk);
      r->ah = 3;
      r->cx = (u16)(sectors >> 16);
      r->dx = (u16)sectors;
      break;
    }
    case 0x41 ... 0x49:
    case 0x4E: int13_extended(r, drive); break;
    default: finish(r, kDiskBadCommand); break;
  }
}

static void dispatch(struct regs* r) {
  if (r->dl < 0x80) return int13_floppy(r);
  if (r->dl - 0x80u < hard_disk_count) return int13_disk(r, &ide_drives[hard_disks[r->dl - 0x80]]);
  if (r->dl - 0xE0u < cd_drive_count) return int13_cd(r, &ide_drives[cd_drives[r->dl - 0xE0]]);
  if (r->ah == 0x15) {
    r->ah = 0;
    set_carry(r, 0);
    return;
  }
  if (r->ah == 0x08) r->dl = hard_disk_count;
  finish(r, kDiskBadCommand);
}

// While a CD emulates drive 00h or 80h, the real drives of that kind are one number higher.
void int13(struct regs* r) {
  interrupts_on();
  if (r->ah >= 0x4A && r->ah <= 0x4D) return cd_emulation_service(r);
  if (cd_emulates(r->dl)) return int13_emulated(r);
  const u8 drive = r->dl;
  if (!cd_emulates(drive & 0x80) || drive >= 0xE0) return dispatch(r);
  --r->dl;
  const int tells_count = r->ah == 0x08;
  dispatch(r);
  r->dl = tells_count ? r->dl + 1 : drive;
}
