// INT 13h for diskette drives.
#include "disk.h"
#include "floppy.h"

enum { kEot = 4, kGap = 5, kDataLength = 6, kFormatGap = 7, kFill = 8 };

static void finish(struct regs* r, u8 status) {
  BDA->floppy_status = status;
  answer(r, status);
}

struct floppy_limits {
  u8 type, cylinders, heads, sectors;
};

// By CMOS type: what function 08h tells.
static const struct floppy_limits limits[6] = {{0, 0, 0, 0},  {1, 40, 2, 9},  {2, 80, 2, 15},
                                               {3, 80, 2, 9}, {4, 80, 2, 18}, {5, 80, 2, 36}};

static const struct floppy_limits* limits_of(u8 drive) {
  const u8 type = floppy_type(drive);
  return &limits[type <= 5 ? type : 5];
}

// Motor, change line, rate: everything before a seek.
static u8 prepare(u8 drive) {
  if (!floppy_type(drive)) return kDiskTimeout;
  floppy_motor_on(drive);
  if (floppy_type(drive) != 1 && floppy_changed()) {
    const u8 status = floppy_clear_change(drive);
    return status ? status : kDiskChanged;
  }
  return kDiskOk;
}

// The command's nine bytes; DMA is set up already.
static u8 run(u8 drive, u8 command, u8 cylinder, u8 head, u8 sector, u8 last) {
  const u8 bytes[9] = {command,
                       (u8)(head << 2 | drive),
                       cylinder,
                       head,
                       sector,
                       2,
                       last,
                       floppy_parameter(kGap),
                       floppy_parameter(kDataLength)};
  floppy_expect_interrupt();
  for (u32 i = 0; i < count_of(bytes); ++i)
    if (!floppy_send(bytes[i])) return kDiskController;
  if (!floppy_wait_interrupt()) return kDiskTimeout;
  const u8 status = floppy_results(7);
  return status ? status : floppy_result_status();
}

// The last sector of the track, after which a transfer goes on with the other head: what the diskette table says, since
// programs set it for their own formats, unless the diskette was found to be of a kind that has more.
static u8 last_sector(u8 drive, u32 sector, u32 count) {
  static const u8 by_rate[4] = {18, 9, 9, 36};
  const u8 in_table = floppy_parameter(kEot);
  const u32 end = sector + count - 1;
  if (end <= in_table) return in_table;
  const u8 rate = BDA->floppy_media[drive] >> 6;
  const u8 usual = rate == 0 && floppy_type(drive) == 2 ? 15 : by_rate[rate];
  const u8 last = usual > in_table ? usual : in_table;
  return sector > last ? (u8)end : last;
}

static void transfer(struct regs* r, enum floppy_direction direction) {
  const u8 drive = r->dl, cylinder = r->ch, head = r->dh, sector = r->cl;
  const u32 count = r->al;
  r->al = 0;
  if (head > 1 || !sector || !count || count > 72) return finish(r, kDiskBadCommand);
  const u32 address = direction == kFloppyVerify ? 0 : linear(far(r->es, r->bx));
  if ((address & 0xFFFF) + count * 512 > 0x10000) return finish(r, kDiskDmaBoundary);
  u8 status = prepare(drive);
  if (!status) status = floppy_find_media(drive);
  if (!status) status = floppy_seek(drive, cylinder);
  if (!status) status = floppy_program_dma(address, count * 512, direction);
  if (!status) {
    const u8 last = last_sector(drive, sector, count);
    status = run(drive, direction == kFloppyWrite ? 0xC5 : 0xE6, cylinder, head, sector, last);
  }
  if (status == kDiskTimeout || status == kDiskController) {
    BDA->floppy_media[drive & 1] &= 0xEF;
    floppy_reset();
  } else if (status == kDiskAddressMark || status == kDiskSectorNotFound) {
    BDA->floppy_media[drive & 1] &= 0xEF;
  }
  floppy_motor_linger();
  if (!status) r->al = (u8)count;
  finish(r, status);
}

// ES:BX holds C, H, R, N for every sector of the track; their number is in the diskette table.
static void format(struct regs* r) {
  const u8 drive = r->dl, head = r->dh;
  const u32 sectors = floppy_parameter(kEot);
  u8 status = head > 1 ? kDiskBadCommand : prepare(drive);
  if (!status) {
    floppy_set_rate(drive);
    status = floppy_seek(drive, r->ch);
  }
  if (!status) status = floppy_program_dma(linear(far(r->es, r->bx)), sectors * 4, kFloppyWrite);
  if (!status) {
    const u8 bytes[6] = {0x4D,        (u8)(head << 2 | drive),      2,
                         (u8)sectors, floppy_parameter(kFormatGap), floppy_parameter(kFill)};
    floppy_expect_interrupt();
    for (u32 i = 0; i < count_of(bytes) && !status; ++i)
      if (!floppy_send(bytes[i])) status = kDiskController;
    if (!status && !floppy_wait_interrupt()) status = kDiskTimeout;
    if (!status) status = floppy_results(7);
    if (!status) status = floppy_result_status();
  }
  floppy_motor_linger();
  finish(r, status);
}

static void parameters(struct regs* r) {
  const struct floppy_limits* l = limits_of(r->dl);
  r->dl = floppy_drive_count();
  r->ax = r->bx = r->cx = 0;
  r->dh = 0;
  r->es = 0;
  r->di = 0;
  if (!l->type) return finish(r, r->dl ? kDiskOk : kDiskBadCommand);
  r->bl = l->type;
  r->ch = (u8)(l->cylinders - 1);
  r->cl = l->sectors;
  r->dh = (u8)(l->heads - 1);
  r->es = IVT[0x1E].segment;
  r->di = IVT[0x1E].offset;
  finish(r, kDiskOk);
}

// The rate of a diskette to be formatted, by drive type and what the caller wants.
static void set_media(struct regs* r, u8 media) {
  BDA->floppy_media[r->dl] = media | 0x10;
  finish(r, kDiskOk);
}

// AL: 1 360K in 360K, 2 360K in 1.2M, 3 1.2M in 1.2M, 4 720K.
static void set_type(struct regs* r) {
  switch (r->al) {
    case 1: return set_media(r, 0x80 | 3);
    case 2: return set_media(r, 0x40 | 0x20 | 4);
    case 3: return set_media(r, 0x00 | 5);
    case 4: return set_media(r, 0x80 | 7);
    default: return finish(r, kDiskBadCommand);
  }
}

// CH, CL: last cylinder and sectors a track that will be formatted.
static void set_format(struct regs* r) {
  const u8 sectors = r->cl & 0x3F, type = floppy_type(r->dl);
  const struct floppy_limits* l = limits_of(r->dl);
  if (sectors > l->sectors || r->ch >= l->cylinders) return finish(r, kDiskBadMedia);
  r->es = IVT[0x1E].segment;
  r->di = IVT[0x1E].offset;
  if (sectors > 18) return set_media(r, 0xC0 | 7);
  if (sectors >= 15) return set_media(r, type == 2 ? 5 : 7);
  if (type == 2) return set_media(r, (u8)(0x40 | (r->ch < 40 ? 0x20 : 0) | 4));
  set_media(r, 0x80 | 7);
}

static void change_status(struct regs* r) {
  if (!floppy_type(r->dl)) return finish(r, kDiskTimeout);
  if (floppy_type(r->dl) == 1) return finish(r, kDiskChanged);
  const u8 status = prepare(r->dl);
  floppy_motor_linger();
  finish(r, status);
}

void int13_floppy(struct regs* r) {
  if (r->dl > 1) {
    if (r->ah == 0x15) {
      r->ah = 0;
      return set_carry(r, 0);
    }
    if (r->ah == 0x08) return parameters(r);
    return finish(r, r->ah == 0 ? kDiskOk : kDiskTimeout);
  }
  switch (r->ah) {
    case 0x00:
      BDA->floppy_recalibrated &= 0xF0;
      finish(r, floppy_drive_count() ? floppy_reset() : kDiskTimeout);
      break;
    case 0x01: {
      const u8 last = BDA->floppy_status;
      answer(r, last);
      r->al = last;
      break;
    }
    case 0x02: transfer(r, kFloppyRead); break;
    case 0x03: transfer(r, kFloppyWrite); break;
    case 0x04: transfer(r, kFloppyVerify); break;
    case 0x05: format(r); break;
    case 0x08: parameters(r); break;
    case 0x15:
      finish(r, kDiskOk);
      r->ah = !floppy_type(r->dl) ? 0 : floppy_type(r->dl) == 1 ? 1 : 2;
      break;
    case 0x16: change_status(r); break;
    case 0x17: set_type(r); break;
    case 0x18: set_format(r); break;
    case 0x41: finish(r, kDiskBadCommand); break;
    default: finish(r, kDiskBadCommand); break;
  }
}
