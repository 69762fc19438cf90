// ATA disks by programmed I/O: commands, data and error codes (ATA/ATAPI-6).
#include "ata.h"

#include "disk.h"

struct ide_drive ide_drives[4];
u8 sector_buffer[2048];
u8 hard_disks[4], cd_drives[4];
u8 hard_disk_count, cd_drive_count;

u8 ide_wait(const struct ide_drive* drive, u8 mask, u8 wanted, u32 milliseconds) {
  // The alternate status port leaves the interrupt alone; 400 ns after a command are four reads of it.
  for (u32 i = 0; i < 4; ++i) inb(drive->control);
  u32 start = timer_now(), turns = 0, milliseconds_passed = 0;
  for (;;) {
    const u8 status = inb(drive->control);
    if (!(status & kIdeBusy)) {
      if ((status & mask) == wanted || (status & kIdeError)) return inb((u16)(drive->port + kIdeStatus));
    }
    if (status == 0xFF) return kIdeTimeout;
    if ((++turns & 63) == 0 && timer_microseconds_since(start) >= 100000) {
      start = timer_now();
      milliseconds_passed += 100;
      if (milliseconds_passed >= milliseconds) return kIdeTimeout;
    }
  }
}

int ide_select(const struct ide_drive* drive, u8 head) {
  if (ide_wait(drive, kIdeRequest, 0, 5000) == kIdeTimeout) return 0;
  outb((u16)(drive->port + kIdeHead), (u8)(0xA0 | drive->slave | head));
  return ide_wait(drive, kIdeRequest, 0, 5000) != kIdeTimeout;
}

// The error register as an INT 13h status.
static u8 error_status(const struct ide_drive* drive, u8 status) {
  if (status == kIdeTimeout) return kDiskTimeout;
  const u8 error = inb((u16)(drive->port + kIdeErrorReg));
  BDA->disk_ata_status = status;
  BDA->disk_ata_error = error;
  if (status & 0x20) return kDiskWriteFault;
  if (error & 0x40) return kDiskCrc;
  if (error & 0x10) return kDiskSectorNotFound;
  if (error & 0x04) return kDiskBadCommand;
  return kDiskController;
}

static void write_address(const struct ide_drive* drive, u64 lba, u32 count, int wide) {
  const u16 port = drive->port;
  if (wide) {
    outb((u16)(port + kIdeCount), (u8)(count >> 8));
    outb((u16)(port + kIdeLbaLow), (u8)(lba >> 24));
    outb((u16)(port + kIdeLbaMiddle), (u8)(lba >> 32));
    outb((u16)(port + kIdeLbaHigh), (u8)(lba >> 40));
  }
  outb((u16)(port + kIdeCount), (u8)count);
  if (drive->lba) {
    outb((u16)(port + kIdeLbaLow), (u8)lba);
    outb((u16)(port + kIdeLbaMiddle), (u8)(lba >> 8));
    outb((u16)(port + kIdeLbaHigh), (u8)(lba >> 16));
    outb((u16)(port + kIdeHead), (u8)(0xE0 | drive->slave | (wide ? 0 : (lba >> 24 & 15))));
    return;
  }
  const u32 track = (u32)lba / drive->physical.sectors;
  const u32 cylinder = track / drive->physical.heads;
  outb((u16)(port + kIdeLbaLow), (u8)((u32)lba % drive->physical.sectors + 1));
  outb((u16)(port + kIdeLbaMiddle), (u8)cylinder);
  outb((u16)(port + kIdeLbaHigh), (u8)(cylinder >> 8));
  outb((u16)(port + kIdeHead), (u8)(0xA0 | drive->slave | track % drive->physical.heads));
}

// One command of at most 256 sectors (`count` 256 is sent as 0).
static u8 transfer_some(struct ide_drive* drive, u64 lba, u32 count, u32 address, int write, u32* done) {
  const int wide = drive->lba48 && lba + count > 0x0FFFFFFF;
  if (!ide_select(drive, 0)) return kDiskTimeout;
  write_address(drive, lba, count, wide);
  const u32 block = drive->multiple ? drive->multiple : 1;
  u8 command = write ? 0x30 : 0x20;
  if (drive->multiple) command = write ? 0xC5 : 0xC4;
  if (wide) command = write ? (drive->multiple ? 0x39 : 0x34) : (drive->multiple ? 0x29 : 0x24);
  outb((u16)(drive->port + kIdeCommand), command);
  while (count) {
    const u8 status = ide_wait(drive, kIdeRequest, kIdeRequest, 10000);
    if (status == kIdeTimeout || status & (kIdeError | kIdeFault)) return error_status(drive, status);
    for (u32 left = min32(block, count); left; --left, --count, address += 512, ++*done) {
      if (write)
        port_write32(drive->port, normalized(address), 128);
      else
        port_read32(drive->port, normalized(address), 128);
    }
  }
  const u8 status = ide_wait(drive, kIdeRequest, 0, 10000);
  if (status == kIdeTimeout || status & (kIdeError | kIdeFault)) return error_status(drive, status);
  return kDiskOk;
}

u8 ata_transfer(struct ide_drive* drive, u64 lba, u32 count, u32 address, int write, u32* done) {
  *done = 0;
  u8 status = kDiskOk;
  // No interrupts from the drive meanwhile: it is polled.
  outb(drive->control, 0x0A);
  while (count && !status) {
    const u32 some = min32(count, 256);
    u32 went = 0;
    status = transfer_some(drive, lba, some, address, write, &went);
    *done += went;
    lba += some;
    address += some * 512;
    count -= some;
  }
  outb(drive->control, 0x08);
  return status;
}

// A command without data.
u8 ata_command(struct ide_drive* drive, u8 command, u32 lba, u8 count) {
  outb(drive->control, 0x0A);
  u8 result = kDiskTimeout;
  if (ide_select(drive, 0)) {
    write_address(drive, lba, count, 0);
    outb((u16)(drive->port + kIdeCommand), command);
    const u8 status = ide_wait(drive, 0, 0, 10000);
    result = status == kIdeTimeout || status & (kIdeError | kIdeFault) ? error_status(drive, status) : kDiskOk;
  }
  outb(drive->control, 0x08);
  return result;
}

// Resets the channel; the drive's READ MULTIPLE setting is made again.
u8 ata_reset(struct ide_drive* drive) {
  outb(drive->control, 0x0E);
  delay_microseconds(10);
  outb(drive->control, 0x0A);
  delay_microseconds(2000);
  u8 result = ide_wait(drive, 0, 0, 5000) == kIdeTimeout ? kDiskResetFailed : kDiskOk;
  for (u32 i = 0; i < count_of(ide_drives) && !result; ++i) {
    struct ide_drive* each = &ide_drives[i];
    if (each->port == drive->port && each->kind == kAtaDrive && each->multiple &&
        ata_command(each, 0xC6, 0, each->multiple))
      each->multiple = 0;
  }
  outb(drive->control, 0x08);
  return result;
}
