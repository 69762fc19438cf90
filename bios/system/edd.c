// INT 13h extensions (EDD 3.0) for hard disks, and INT 13h for CDs outside of emulation.
#include "disk.h"

struct address_packet {
  u8 bytes, reserved;
  u16 count;
  struct far_ptr buffer;
  u64 lba;
  u64 flat_buffer;  // where `bytes` >= 18h and the buffer is FFFF:FFFF
} packed;

struct drive_parameters {
  u16 bytes, flags;
  u32 cylinders, heads, sectors;
  u64 total;
  u16 sector_bytes;
  struct far_ptr extension;  // from here on if bytes >= 1Eh
  u16 path_signature;        // from here on if bytes >= 42h
  u8 path_bytes, reserved_21[3];
  char host_bus[4], interface[8];
  u8 interface_path[8], device_path[8];
  u8 reserved_40, checksum;
} packed;

_Static_assert(sizeof(struct drive_parameters) == 0x42, "EDD 3.0, table 5");

// Device parameter table extension, EDD 1.1 table 4.
struct parameter_extension {
  u16 port, control;
  u8 head, vendor, irq, block_count, dma, pio;
  u16 options, reserved;
  u8 revision, checksum;
} packed;

static struct parameter_extension extensions[4];

static void finish(struct regs* r, u8 status) {
  BDA->disk_status = status;
  answer(r, status);
}

static u8 sum(const void* bytes, u32 count) {
  const u8* b = bytes;
  u8 total = 0;
  while (count--) total = (u8)(total + *b++);
  return total;
}

// A buffer anywhere in 4 GiB (EDD 3.0, FFFF:FFFF in the packet), sector by sector through our own buffer.
static u8 transfer_flat(struct ide_drive* drive, const struct address_packet* packet, int write, u32* done) {
  u32 cr0, one;
  asm volatile("smsw %w0" : "=r"(cr0));
  if (packet->bytes < 0x18 || packet->flat_buffer >> 32 || cr0 & 1) return kDiskBadCommand;
  const int cd = drive->kind == kAtapiDrive;
  const u32 bytes = cd ? 2048 : 512;
  for (*done = 0; *done < packet->count; ++*done) {
    const u32 at = (u32)packet->flat_buffer + *done * bytes;
    const u64 lba = packet->lba + *done;
    if (write) flat_copy(own_address(sector_buffer), at, bytes);
    const u8 status = cd ? atapi_read(drive, (u32)lba, 1, own_address(sector_buffer), &one)
                         : ata_transfer(drive, lba, 1, own_address(sector_buffer), write, &one);
    if (status) return status;
    if (!write) flat_copy(at, own_address(sector_buffer), bytes);
  }
  return kDiskOk;
}

enum operation { kRead, kWrite, kVerify, kSeek };

static void transfer(struct regs* r, struct ide_drive* drive, enum operation operation) {
  struct address_packet packet;
  far_read(&packet, r->ds, r->si, sizeof packet);
  if (packet.bytes < 16) return finish(r, kDiskBadCommand);
  const u64 total = drive->sectors;
  const int cd = drive->kind == kAtapiDrive;
  if (operation == kSeek) return finish(r, packet.lba < total || cd ? kDiskOk : kDiskSectorNotFound);
  const int flat = packet.buffer.segment == 0xFFFF && packet.buffer.offset == 0xFFFF && operation != kVerify;
  u32 done = 0;
  u8 status = kDiskOk;
  if (cd) {
    if (operation == kWrite) return finish(r, kDiskWriteProtected);
    if (packet.lba > 0xFFFFFFFF) return finish(r, kDiskSectorNotFound);
    if (operation == kVerify)
      done = packet.count;
    else if (flat)
      status = transfer_flat(drive, &packet, 0, &done);
    else
      status = atapi_read(drive, (u32)packet.lba, packet.count, linear(packet.buffer), &done);
    if (status == kDiskChanged && !flat)
      status = atapi_read(drive, (u32)packet.lba, packet.count, linear(packet.buffer), &done);
  } else if (packet.lba >= total || packet.count > total - packet.lba) {
    status = kDiskSectorNotFound;
  } else if (operation == kVerify) {
    // READ VERIFY takes 28-bit addresses; what lies above is taken on trust.
    for (done = 0; done < packet.count && !status; done += 128) {
      const u64 lba = packet.lba + done;
      if (lba < 0x0FFFFF00) status = ata_command(drive, 0x40, (u32)lba, (u8)min32(packet.count - done, 128));
    }
    done = status ? 0 : packet.count;
  } else if (flat) {
    status = transfer_flat(drive, &packet, operation == kWrite, &done);
  } else {
    status = ata_transfer(drive, packet.lba, packet.count, linear(packet.buffer), operation == kWrite, &done);
  }
  poke16(r->ds, r->si + 2u, (u16)done);
  finish(r, status);
}

static void parameters(struct regs* r, struct ide_drive* drive) {
  struct drive_parameters p;
  memset(&p, 0, sizeof p);
  u16 room = peek16(r->ds, r->si);
  if (room < 26) return finish(r, kDiskBadCommand);
  room = room >= 0x42 ? 0x42 : room >= 30 ? 30 : 26;
  p.bytes = room;
  if (drive->kind == kAtapiDrive) {
    p.flags = 0x74;  // removable, change line, lockable, CHS not valid
    p.cylinders = p.heads = p.sectors = 0xFFFFFFFF;
    p.total = 0xFFFFFFFFFFFFFFFFull;
    p.sector_bytes = 2048;
  } else {
    const int small = drive->sectors < 16383u * 16 * 63;
    p.flags = (u16)(small ? 2 : 0);
    p.cylinders = small ? drive->physical.cylinders : 16383;
    p.heads = drive->physical.heads;
    p.sectors = drive->physical.sectors;
    p.total = drive->sectors;
    p.sector_bytes = 512;
  }
  const u32 index = (u32)(drive - ide_drives);
  struct parameter_extension* e = &extensions[index];
  memset(e, 0, sizeof *e);
  e->port = drive->port;
  e->control = drive->control;
  e->head = (u8)(0xA0 | drive->slave | (drive->lba ? 0x40 : 0));
  e->irq = drive->irq;
  e->block_count = drive->multiple;
  e->options = (u16)((drive->lba ? 0x10 : 0) | (drive->multiple ? 0x04 : 0) | 0x80 |
                     (drive->kind == kAtapiDrive ? 0x60 : 0) | (drive->physical.cylinders > 1024 ? 0x208 : 0));
  e->revision = 0x11;
  e->checksum = (u8)-sum(e, 15);
  p.extension = far(DATA_SEGMENT, (u16)(u32)e);
  p.path_signature = 0xBEDD;
  p.path_bytes = 36;
  memcpy(p.host_bus, "PCI ", 4);
  memcpy(p.interface, "ATA     ", 8);
  if (drive->kind == kAtapiDrive) memcpy(p.interface, "ATAPI   ", 8);
  p.interface_path[1] = 1;  // the PIIX3's IDE function: 00:01.1
  p.interface_path[2] = 1;
  p.interface_path[3] = (u8)(index >> 1);
  p.device_path[0] = (u8)(index & 1);
  p.checksum = (u8)-sum(&p.path_signature, 35);
  far_write(r->ds, r->si, &p, room);
  finish(r, kDiskOk);
}

// AL: 0 lock, 1 unlock, 2 is it locked?
static void lock(struct regs* r, struct ide_drive* drive) {
  if (!drive->removable) return finish(r, r->al <= 2 ? kDiskOk : kDiskBadCommand);
  const u8 what = r->al;
  if (what > 2) return finish(r, kDiskBadCommand);
  if (what == 0) {
    if (drive->locked == 255) {
      r->al = 1;
      return finish(r, 0xB4);
    }
    ++drive->locked;
  }
  if (what == 1) {
    if (!drive->locked) {
      r->al = 0;
      return finish(r, 0xB0);
    }
    --drive->locked;
  }
  if (what != 2 && drive->kind == kAtapiDrive) {
    const u8 prevent[12] = {0x1E, 0, 0, 0, drive->locked != 0};
    atapi_packet(drive, prevent, 0, 0);
  }
  r->al = drive->locked != 0;
  finish(r, kDiskOk);
}

static void eject(struct regs* r, struct ide_drive* drive) {
  if (!drive->removable) return finish(r, 0xB2);
  if (drive->locked) return finish(r, 0xB1);
  // INT 15h/52h lets a program refuse.
  struct regs ask = {.eax = 0x5200, .edx = r->edx, .ds = DATA_SEGMENT, .es = DATA_SEGMENT};
  call_interrupt(0x15, &ask);
  interrupts_on();
  if (ask.flags & kCarry) return finish(r, ask.ah ? ask.ah : 0xB1);
  static const u8 stop_eject[12] = {0x1B, 0, 0, 0, 2};
  finish(r, atapi_packet(drive, stop_eject, 0, 0) ? 0xB5 : kDiskOk);
}

void int13_extended(struct regs* r, struct ide_drive* drive) {
  switch (r->ah) {
    case 0x41:
      if (r->bx != 0x55AA) return finish(r, kDiskBadCommand);
      r->bx = 0xAA55;
      finish(r, kDiskOk);
      r->ah = 0x30;
      r->cx = drive->removable ? 7 : 5;
      break;
    case 0x42: transfer(r, drive, kRead); break;
    case 0x43:
      if (r->al > 2) return finish(r, kDiskBadCommand);
      transfer(r, drive, kWrite);
      break;
    case 0x44: transfer(r, drive, kVerify); break;
    case 0x45: lock(r, drive); break;
    case 0x46: eject(r, drive); break;
    case 0x47: transfer(r, drive, kSeek); break;
    case 0x48: parameters(r, drive); break;
    case 0x49: {
      const u8 status = drive->kind == kAtapiDrive ? atapi_ready(drive, 0) : 0;
      finish(r, drive->kind == kAtapiDrive && status ? kDiskChanged : kDiskOk);
      break;
    }
    case 0x4E:
      // Hardware configuration: PIO only, so turning DMA or prefetch off succeeds and turning them on does not.
      if (r->al > 6) return finish(r, kDiskBadCommand);
      finish(r, r->al == 2 || r->al == 5 || r->al == 1 || r->al == 4 || r->al == 3 ? kDiskOk : kDiskBadCommand);
      r->al = 0;
      break;
  }
}

void int13_cd(struct regs* r, struct ide_drive* drive) {
  switch (r->ah) {
    case 0x00:
    case 0x09:
    case 0x0C:
    case 0x0D:
    case 0x10:
    case 0x11:
    case 0x14: finish(r, kDiskOk); break;
    case 0x01: {
      const u8 last = BDA->disk_status;
      BDA->disk_status = 0;
      answer(r, last);
      break;
    }
    case 0x15:
      finish(r, kDiskOk);
      r->ah = 0;
      break;
    case 0x03:
    case 0x05: finish(r, kDiskWriteProtected); break;
    case 0x41 ... 0x49:
    case 0x4E: int13_extended(r, drive); break;
    default: finish(r, kDiskBadCommand); break;
  }
}
