// ATAPI drives: packets, sense, and 2,048-byte sectors (INF-8020, MMC).
#include "ata.h"

static u8 sense_status(struct ide_drive* drive);

// Sends a packet whose answer goes to `address`. `went` counts the bytes that came.
static u8 send_packet(struct ide_drive* drive, const u8 packet[12], u32 address, u32 bytes, u32* went) {
  const u16 port = drive->port;
  *went = 0;
  if (!ide_select(drive, 0)) return kDiskTimeout;
  outb((u16)(port + kIdeFeatures), 0);
  const u32 limit = bytes && bytes < 0x8000 ? bytes : 0x8000;
  outb((u16)(port + kIdeLbaMiddle), (u8)limit);
  outb((u16)(port + kIdeLbaHigh), (u8)(limit >> 8));
  outb((u16)(port + kIdeCommand), 0xA0);
  u8 status = ide_wait(drive, kIdeRequest, kIdeRequest, 3000);
  if (status == kIdeTimeout) return kDiskTimeout;
  if (status & kIdeError) return kDiskController;
  port_write16(port, far(DATA_SEGMENT, (u16)(u32)packet), 6);
  for (;;) {
    status = ide_wait(drive, 0, 0, 20000);
    if (status == kIdeTimeout) return kDiskTimeout;
    if (status & kIdeError) return kDiskController;
    if (!(status & kIdeRequest)) return kDiskOk;
    u32 offered = inb((u16)(port + kIdeLbaMiddle)) | (u32)inb((u16)(port + kIdeLbaHigh)) << 8;
    const u32 taken = min32(offered, bytes - *went) & ~1u;
    port_read16(port, normalized(address + *went), taken / 2);
    *went += taken;
    for (offered -= taken; offered > 1; offered -= 2) inw(port);
    if (offered) inw(port);
  }
}

u8 atapi_packet(struct ide_drive* drive, const u8 packet[12], void* answer, u32 bytes) {
  u8 copy[12];
  u32 went;
  memcpy(copy, packet, sizeof copy);
  outb(drive->control, 0x0A);
  const u8 status = send_packet(drive, copy, own_address(answer), bytes, &went);
  const u8 result = status == kDiskController ? sense_status(drive) : status;
  outb(drive->control, 0x08);
  return result;
}

// REQUEST SENSE, as an INT 13h status.
static u8 sense_status(struct ide_drive* drive) {
  const u8 request[12] = {0x03, 0, 0, 0, 18};
  u8 sense[18];
  u32 went;
  memset(sense, 0, sizeof sense);
  if (send_packet(drive, request, own_address(sense), sizeof sense, &went)) return kDiskController;
  switch (sense[2] & 15) {
    case 0x2: return sense[12] == 0x3A ? 0x31 : kDiskNotReady;  // 31h: no medium
    case 0x3: return kDiskCrc;
    case 0x5: return sense[12] == 0x21 ? kDiskSectorNotFound : kDiskBadCommand;
    case 0x6: return kDiskChanged;
    case 0x7: return kDiskWriteProtected;
    default: return kDiskController;
  }
}

u8 atapi_ready(struct ide_drive* drive, u32 milliseconds) {
  static const u8 test_unit_ready[12] = {0};
  u8 status = kDiskOk;
  for (u32 passed = 0;; passed += 20) {
    status = atapi_packet(drive, test_unit_ready, 0, 0);
    if (!status || status == 0x31 || passed >= milliseconds) return status;
    if (status != kDiskChanged) delay_microseconds(20000);
  }
}

u8 atapi_read(struct ide_drive* drive, u32 lba, u32 count, u32 address, u32* done) {
  *done = 0;
  u8 status = kDiskOk;
  outb(drive->control, 0x0A);
  while (count && !status) {
    const u32 some = min32(count, 15);
    const u8 read[12] = {0x28, 0, (u8)(lba >> 24), (u8)(lba >> 16), (u8)(lba >> 8), (u8)lba, 0, 0, (u8)some};
    u32 went;
    status = send_packet(drive, read, address, some * 2048, &went);
    if (status == kDiskController) status = sense_status(drive);
    if (!status && went < some * 2048) status = kDiskController;
    *done += went >> 11;
    lba += some;
    address += some * 2048;
    count -= some;
  }
  outb(drive->control, 0x08);
  return status;
}
