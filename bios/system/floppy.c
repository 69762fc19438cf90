// The 82077 and its drives: commands, DMA, change line, and finding out what diskette is in.
#include "floppy.h"

#include "disk.h"

enum { kDor = 0x3F2, kMsr = 0x3F4, kFifo = 0x3F5, kDir = 0x3F7, kCcr = 0x3F7 };
enum { kRequest = 0x80, kToHost = 0x40 };
// BDA 90h: the rate in bits 7-6, then double stepping, known, and what the diskette is.
enum { kDoubleStep = 0x20, kMediaKnown = 0x10 };

u8 floppy_type(u8 drive) { return drive > 1 ? 0 : drive ? cmos_read(0x10) & 15 : cmos_read(0x10) >> 4; }

u8 floppy_drive_count(void) { return (u8)((floppy_type(0) != 0) + (floppy_type(1) != 0)); }

u8 floppy_parameter(u32 offset) {
  const u16 segment = IVT[0x1E].segment, table = IVT[0x1E].offset;
  return peek8(segment, table + offset);
}

// Waits until the controller wants a byte (or has one); false after half a second.
static int wait_request(u8 direction) {
  u32 start = timer_now();
  for (u32 turns = 0; turns < 2000000; ++turns) {
    const u8 status = inb(kMsr);
    if ((status & (kRequest | kToHost)) == (kRequest | direction)) return 1;
    if ((turns & 63) == 63 && timer_microseconds_since(start) > 500000) return 0;
  }
  return 0;
}

int floppy_send(u8 value) {
  if (!wait_request(0)) return 0;
  outb(kFifo, value);
  return 1;
}

static int receive(u8* value) {
  if (!wait_request(kToHost)) return 0;
  *value = inb(kFifo);
  return 1;
}

void floppy_expect_interrupt(void) { BDA->floppy_recalibrated &= 0x7F; }

// Sleeps until IRQ 6, for at most two seconds of ticks. Where IRQ 6 is masked, the result phase is seen all the same.
int floppy_wait_interrupt(void) {
  const u32 start = BDA->ticks;
  for (;;) {
    interrupts_off();
    if (BDA->floppy_recalibrated & 0x80) break;
    const u32 passed = BDA->ticks - start;
    if (passed > 36) {
      interrupts_on();
      return (inb(kMsr) & (kRequest | kToHost)) == (kRequest | kToHost);
    }
    wait_for_interrupt();
  }
  BDA->floppy_recalibrated &= 0x7F;
  interrupts_on();
  return 1;
}

u8 floppy_results(u32 count) {
  for (u32 i = 0; i < count; ++i) {
    u8 value;
    if (!receive(&value)) return kDiskController;
    BDA->floppy_result[i] = value;
  }
  return kDiskOk;
}

static u8 sense_interrupt(void) {
  if (!floppy_send(0x08)) return kDiskController;
  return floppy_results(2);
}

u8 floppy_reset(void) {
  floppy_expect_interrupt();
  const u8 dor = (u8)(0x08 | (BDA->floppy_motor & 3) << 4 | (BDA->floppy_motor >> 4 & 3));
  outb(kDor, dor & ~0x0C);
  delay_microseconds(5);
  outb(kDor, dor | 0x0C);
  BDA->floppy_recalibrated &= 0xF0;
  if (!floppy_wait_interrupt()) return kDiskController;
  // After a reset the four drives each report a change of their ready line.
  for (u32 i = 0; i < 4; ++i)
    if (sense_interrupt()) return kDiskController;
  if (!floppy_send(0x03) || !floppy_send(floppy_parameter(0)) || !floppy_send(floppy_parameter(1) & 0xFE))
    return kDiskController;
  return kDiskOk;
}

// Selects the drive with its motor on, which stays on for the table's time.
void floppy_motor_on(u8 drive) {
  interrupts_off();
  BDA->floppy_motor_ticks = 0xFF;
  BDA->floppy_motor = (u8)((BDA->floppy_motor & 0x0F) | 1 << drive | drive << 4);
  outb(kDor, (u8)(0x0C | (BDA->floppy_motor & 3) << 4 | drive));
  interrupts_on();
}

void floppy_motor_linger(void) { BDA->floppy_motor_ticks = floppy_parameter(2); }

static u8 seek_command(u8 drive, u8 cylinder, int recalibrate) {
  floppy_expect_interrupt();
  if (!floppy_send(recalibrate ? 0x07 : 0x0F) || !floppy_send(drive) || (!recalibrate && !floppy_send(cylinder)))
    return kDiskController;
  if (!floppy_wait_interrupt()) return kDiskTimeout;
  if (sense_interrupt()) return kDiskController;
  if ((BDA->floppy_result[0] & 0xC0) != 0) return kDiskSeek;
  return kDiskOk;
}

u8 floppy_recalibrate(u8 drive) {
  // 77 steps from the outside do not always reach track 0 of 80.
  u8 status = seek_command(drive, 0, 1);
  if (status == kDiskSeek) status = seek_command(drive, 0, 1);
  if (status) return status;
  BDA->floppy_recalibrated |= (u8)(1 << drive);
  BDA->floppy_cylinder[drive] = 0;
  return kDiskOk;
}

u8 floppy_seek(u8 drive, u8 cylinder) {
  if (!(BDA->floppy_recalibrated & 1 << drive)) {
    const u8 status = floppy_recalibrate(drive);
    if (status) return status;
  }
  const u8 physical = BDA->floppy_media[drive] & kDoubleStep ? (u8)(cylinder * 2) : cylinder;
  if (BDA->floppy_cylinder[drive] == physical) return kDiskOk;
  const u8 status = seek_command(drive, physical, 0);
  if (!status) BDA->floppy_cylinder[drive] = physical;
  return status;
}

void floppy_set_rate(u8 drive) {
  const u8 rate = BDA->floppy_media[drive] >> 6;
  outb(kCcr, rate);
  BDA->floppy_rate = (u8)((BDA->floppy_rate & 0x3F) | rate << 6);
}

int floppy_changed(void) { return inb(kDir) & 0x80; }

// With a diskette in, a step pulse clears the change line.
u8 floppy_clear_change(u8 drive) {
  BDA->floppy_media[drive] &= (u8) ~(kMediaKnown | kDoubleStep);
  BDA->floppy_recalibrated &= (u8) ~(1 << drive);
  if (floppy_recalibrate(drive) || !floppy_changed()) return floppy_changed() ? kDiskTimeout : kDiskOk;
  if (!seek_command(drive, 1, 0)) BDA->floppy_cylinder[drive] = 1;
  if (!floppy_changed()) return kDiskOk;
  floppy_recalibrate(drive);
  return floppy_changed() ? kDiskTimeout : kDiskOk;
}

static int read_id(u8 drive, u8 head) {
  floppy_expect_interrupt();
  if (!floppy_send(0x4A) || !floppy_send((u8)(head << 2 | drive))) return 0;
  if (!floppy_wait_interrupt()) {
    floppy_reset();
    return 0;
  }
  if (floppy_results(7)) return 0;
  return (BDA->floppy_result[0] & 0xC0) == 0;
}

// Tries the rates that fit the drive until a sector header can be read. A 40-track diskette in an 80-track drive
// shows half the cylinder stepped to; then every step is doubled.
u8 floppy_find_media(u8 drive) {
  static const u8 rates[6][4] = {{2, 0, 1, 3}, {2, 1, 0, 3}, {0, 1, 2, 3}, {2, 0, 1, 3}, {0, 2, 1, 3}, {3, 0, 2, 1}};
  if (BDA->floppy_media[drive] & kMediaKnown) {
    floppy_set_rate(drive);
    return kDiskOk;
  }
  const u8 type = floppy_type(drive) <= 5 ? floppy_type(drive) : 5;
  for (u32 i = 0; i < 4; ++i) {
    BDA->floppy_media[drive] = (u8)(rates[type][i] << 6);
    floppy_set_rate(drive);
    if (floppy_seek(drive, 2)) return kDiskTimeout;
    if (!read_id(drive, 0)) continue;
    const int doubled = type == 2 && BDA->floppy_result[3] == 1;
    // What BDA 90h bits 2-0 call an established diskette: 360K in 360K, 360K in 1.2M, 1.2M in 1.2M, others.
    const u8 kind = type == 1 ? 3 : type == 2 ? (rates[type][i] == 0 ? 5 : 4) : 7;
    BDA->floppy_media[drive] |= (u8)(kMediaKnown | kind | (doubled ? kDoubleStep : 0));
    return kDiskOk;
  }
  return kDiskAddressMark;
}

// 8237 channel 2 (8237A datasheet): single transfers, `to_memory` from the drive.
u8 floppy_program_dma(u32 address, u32 bytes, enum floppy_direction direction) {
  if ((address & 0xFFFF) + bytes > 0x10000) return kDiskDmaBoundary;
  const u32 count = bytes - 1;
  interrupts_off();
  outb(0x0A, 0x06);
  outb(0x0C, 0);
  outb(0x0B, (u8)direction);
  outb(0x04, (u8)address);
  outb(0x04, (u8)(address >> 8));
  outb(0x05, (u8)count);
  outb(0x05, (u8)(count >> 8));
  outb(0x81, (u8)(address >> 16));
  outb(0x0A, 0x02);
  interrupts_on();
  return kDiskOk;
}

// ST0-ST2 of the result phase as an INT 13h status (82077AA datasheet, 5.1).
u8 floppy_result_status(void) {
  const u8 st0 = BDA->floppy_result[0], st1 = BDA->floppy_result[1];
  if (!(st0 & 0xC0)) return kDiskOk;
  if ((st0 & 0xC0) != 0x40) return kDiskController;
  if (st1 & 0x80) return kDiskSectorNotFound;
  if (st1 & 0x20) return kDiskCrc;
  if (st1 & 0x10) return kDiskDmaOverrun;
  if (st1 & 0x04) return kDiskSectorNotFound;
  if (st1 & 0x02) return kDiskWriteProtected;
  if (st1 & 0x01) return kDiskAddressMark;
  return kDiskController;
}

void floppy_init(void) {
  BDA->floppy_recalibrated = 0;
  BDA->floppy_motor = 0;
  BDA->floppy_kind = (u8)((floppy_type(0) ? 0x07 : 0) | (floppy_type(1) ? 0x70 : 0));
  if (!floppy_drive_count() || floppy_reset()) return;
}
