// Finding the drives on both IDE channels and deciding how a disk looks to CHS software.
#include "ata.h"

#include "disk.h"

static u16* const identity = (u16*)sector_buffer;

static int identify(struct ide_drive* drive, u8 command) {
  outb((u16)(drive->port + kIdeHead), (u8)(0xA0 | drive->slave));
  ide_wait(drive, 0, 0, 100);
  outb((u16)(drive->port + kIdeCommand), command);
  const u8 status = ide_wait(drive, kIdeRequest, kIdeRequest, 2000);
  if (status == kIdeTimeout || !(status & kIdeRequest) || status & kIdeError) return 0;
  port_read16(drive->port, far(DATA_SEGMENT, (u16)(u32)identity), 256);
  return 1;
}

static void take_model(struct ide_drive* drive) {
  for (u32 i = 0; i < 20; ++i) {
    drive->model[2 * i] = (char)(identity[27 + i] >> 8);
    drive->model[2 * i + 1] = (char)identity[27 + i];
  }
  u32 end = 40;
  while (end && drive->model[end - 1] == ' ') --end;
  drive->model[end] = 0;
}

// The geometry that the disk's partition table was made with: where a partition ends, if begin and end agree with it.
static int geometry_from_partitions(struct ide_drive* drive, struct geometry* found) {
  u8* const sector = sector_buffer + 1024;
  u32 done;
  if (ata_transfer(drive, 0, 1, own_address(sector), 0, &done) || sector[510] != 0x55 || sector[511] != 0xAA) return 0;
  for (const u8* entry = sector + 0x1BE; entry < sector + 0x1FE; entry += 16) {
    u32 start, length;
    memcpy(&start, entry + 8, 4);
    memcpy(&length, entry + 12, 4);
    if (!entry[4] || !length || (entry[0] & 0x7F)) continue;
    const u32 heads = (u32)entry[5] + 1, sectors = entry[6] & 63;
    if (heads < 2 || !sectors) continue;
    const u32 first_cylinder = entry[3] | (entry[2] & 0xC0u) << 2;
    const u32 last_cylinder = entry[7] | (entry[6] & 0xC0u) << 2;
    if (first_cylinder >= 1023 || heads > 255) continue;
    const u32 first = (first_cylinder * heads + entry[1]) * sectors + (entry[2] & 63) - 1;
    const u32 last = (last_cylinder * heads + entry[5]) * sectors + sectors - 1;
    if (first != start || (last_cylinder < 1023 && last != start + length - 1)) continue;
    *found = (struct geometry){0, heads, sectors};
    return 1;
  }
  return 0;
}

// Up to 1,024 cylinders the drive's own geometry is used; above, LBA assist: 63 sectors and enough heads.
static void choose_geometry(struct ide_drive* drive) {
  const u32 sectors = drive->sectors > 0xFFFFFFFF ? 0xFFFFFFFF : (u32)drive->sectors;
  struct geometry* logical = &drive->logical;
  if (!geometry_from_partitions(drive, logical)) {
    *logical = drive->physical;
    if (drive->physical.cylinders > 1024) {
      logical->sectors = 63;
      for (logical->heads = 16; logical->heads < 255 && sectors / 63 / logical->heads > 1024;)
        logical->heads = logical->heads == 128 ? 255 : logical->heads * 2;
    }
  }
  logical->cylinders = min32(sectors / (logical->heads * logical->sectors), 1024);
  if (!logical->cylinders) logical->cylinders = 1;
}

static void init_ata(struct ide_drive* drive) {
  drive->kind = kAtaDrive;
  drive->lba = (identity[49] & 0x0200) != 0;
  drive->lba48 = (identity[83] & 0xC400) == 0x4400;
  drive->physical = (struct geometry){identity[1], identity[3], identity[6]};
  if (!identity[3] || !identity[6]) drive->physical = (struct geometry){16383, 16, 63};
  const u32 lba28 = identity[60] | (u32)identity[61] << 16;
  drive->sectors = lba28;
  if (drive->lba48) {
    const u64 wide = identity[100] | (u64)identity[101] << 16 | (u64)identity[102] << 32;
    if (wide > drive->sectors) drive->sectors = wide;
  }
  if (!drive->sectors || !drive->lba)
    drive->sectors = drive->physical.cylinders * drive->physical.heads * drive->physical.sectors;
  drive->removable = (identity[0] & 0x80) != 0;
  if (!drive->lba) {
    // INITIALIZE DEVICE PARAMETERS: sectors in the count register, the last head in the head register.
    ide_select(drive, (u8)(drive->physical.heads - 1));
    outb((u16)(drive->port + kIdeCount), (u8)drive->physical.sectors);
    outb((u16)(drive->port + kIdeCommand), 0x91);
    ide_wait(drive, 0, 0, 1000);
  }
  const u8 block = (u8)identity[47];
  if (block > 1 && !ata_command(drive, 0xC6, 0, block)) drive->multiple = block;
  choose_geometry(drive);
  if (hard_disk_count < count_of(hard_disks)) hard_disks[hard_disk_count++] = (u8)(drive - ide_drives);
}

static void init_drive(struct ide_drive* drive) {
  outb((u16)(drive->port + kIdeHead), (u8)(0xA0 | drive->slave));
  for (u32 i = 0; i < 4; ++i) inb(drive->control);
  // An empty place reads FFh or what the other drive answers; its registers do not hold values.
  if (inb((u16)(drive->port + kIdeStatus)) == 0xFF || ide_wait(drive, 0, 0, 5000) == kIdeTimeout) return;
  const u8 low = inb((u16)(drive->port + kIdeLbaMiddle)), high = inb((u16)(drive->port + kIdeLbaHigh));
  outb((u16)(drive->port + kIdeCount), 0x55);
  outb((u16)(drive->port + kIdeLbaLow), 0xAA);
  if (inb((u16)(drive->port + kIdeCount)) != 0x55 || inb((u16)(drive->port + kIdeLbaLow)) != 0xAA) return;
  if (low == 0x14 && high == 0xEB) {
    if (!identify(drive, 0xA1)) return;
    drive->kind = kAtapiDrive;
    drive->removable = 1;
    take_model(drive);
    if ((identity[0] >> 8 & 0x1F) == 5 && cd_drive_count < count_of(cd_drives))
      cd_drives[cd_drive_count++] = (u8)(drive - ide_drives);
  } else if (inb(drive->control) && identify(drive, 0xEC)) {
    // A disk that is ready says so; an empty place beside a drive reads 0.
    take_model(drive);
    init_ata(drive);
  }
}

// What INT 41h and 46h point to (AT technical reference; the control byte's bit 3 says more than 8 heads).
static void write_disk_table(u8 index, const struct ide_drive* drive) {
  volatile u8 __seg_gs* table = EBDA->disk_table[index];
  const u16 cylinders = (u16)drive->logical.cylinders;
  for (u32 i = 0; i < 16; ++i) table[i] = 0;
  table[0] = (u8)cylinders;
  table[1] = (u8)(cylinders >> 8);
  table[2] = (u8)drive->logical.heads;
  table[5] = table[6] = 0xFF;
  table[8] = (u8)(0xC0 | (drive->logical.heads > 8 ? 8 : 0));
  table[12] = (u8)cylinders;
  table[13] = (u8)(cylinders >> 8);
  table[14] = (u8)drive->logical.sectors;
  const u8 vector = index ? 0x46 : 0x41;
  IVT[vector].segment = EBDA_SEGMENT;
  IVT[vector].offset = (u16)(__builtin_offsetof(struct ebda, disk_table) + 16 * index);
}

void ide_init(void) {
  static const u16 ports[2] = {0x1F0, 0x170}, controls[2] = {0x3F6, 0x376};
  for (u32 channel = 0; channel < 2; ++channel) {
    if (inb((u16)(ports[channel] + kIdeStatus)) == 0xFF) {
      outb((u16)(ports[channel] + kIdeHead), 0xB0);
      if (inb((u16)(ports[channel] + kIdeStatus)) == 0xFF) continue;
    }
    outb(controls[channel], 0x0E);
    delay_microseconds(10);
    outb(controls[channel], 0x0A);
    delay_microseconds(2000);
    for (u32 unit = 0; unit < 2; ++unit) {
      struct ide_drive* drive = &ide_drives[channel * 2 + unit];
      drive->port = ports[channel];
      drive->control = controls[channel];
      drive->slave = (u8)(unit << 4);
      drive->irq = (u8)(14 + channel);
      init_drive(drive);
    }
    outb((u16)(ports[channel] + kIdeHead), 0xA0);
    outb(controls[channel], 0x08);
    inb((u16)(ports[channel] + kIdeStatus));
  }
  BDA->disk_count = hard_disk_count;
  for (u8 i = 0; i < hard_disk_count && i < 2; ++i) write_disk_table(i, &ide_drives[hard_disks[i]]);
}
