// El Torito: finding the boot image of a CD, and answering INT 13h from it where it emulates a disk.
#include "boot.h"

#include "disk.h"

// The specification packet of INT 13h/4Bh (El Torito 1.0, figure 8).
struct specification {
  u8 bytes, media, drive, controller;
  u32 image_lba;
  u16 device, buffer_segment, load_segment, load_count;
  u8 cylinder, sector, head;
} packed;

_Static_assert(sizeof(struct specification) == 0x13, "El Torito 1.0");

static struct specification boot_image;
static u8 emulating;  // INT 13h for boot_image.drive comes here
static u8 boot_cd;    // index in ide_drives
static struct geometry shape;

int cd_emulates(u8 drive) {
  if (!emulating) return 0;
  return drive == boot_image.drive;
}

void cd_boot_forget(void) {
  if (emulating && boot_image.drive < 0x80) {
    const u16 drives = floppy_drive_count();
    BDA->equipment = (u16)((BDA->equipment & ~0xC1) | (drives ? 1 | (drives - 1) << 6 : 0));
  }
  if (emulating && boot_image.drive >= 0x80) BDA->disk_count = hard_disk_count;
  emulating = 0;
  memset(&boot_image, 0, sizeof boot_image);
}

static int read_cd_sector(struct ide_drive* drive, u32 lba) {
  u32 done;
  return atapi_read(drive, lba, 1, own_address(sector_buffer), &done) == kDiskOk;
}

// Virtual 512-byte sectors of the boot image, to real-mode memory.
static u8 read_image(u32 sector, u32 count, u32 address, u32* done) {
  struct ide_drive* drive = &ide_drives[boot_cd];
  *done = 0;
  while (count) {
    const u32 lba = boot_image.image_lba + sector / 4, within = sector % 4;
    if (!within && count >= 4) {
      u32 whole;
      const u8 status = atapi_read(drive, lba, count / 4, address, &whole);
      *done += whole * 4;
      if (status) return status;
      sector += whole * 4;
      address += whole * 2048;
      count -= whole * 4;
      continue;
    }
    if (!read_cd_sector(drive, lba)) return kDiskSectorNotFound;
    const u32 some = min32(4 - within, count);
    const struct far_ptr to = normalized(address);
    far_write(to.segment, to.offset, sector_buffer + within * 512, some * 512);
    *done += some;
    sector += some;
    address += some * 512;
    count -= some;
  }
  return kDiskOk;
}

static int valid_catalog(const u8* entry) {
  u16 sum = 0;
  for (u32 i = 0; i < 16; ++i) sum = (u16)(sum + entry[2 * i] + (entry[2 * i + 1] << 8));
  return entry[0] == 1 && entry[30] == 0x55 && entry[31] == 0xAA && !sum;
}

// An emulated hard disk's shape is where its first partition ends.
static int shape_of_image(u8 media) {
  static const struct geometry floppies[4] = {{0, 0, 0}, {80, 2, 15}, {80, 2, 18}, {80, 2, 36}};
  if (media < 4) {
    shape = floppies[media];
    return 1;
  }
  if (!read_cd_sector(&ide_drives[boot_cd], boot_image.image_lba)) return 0;
  const u8* partition = sector_buffer + 0x1BE;
  shape.heads = partition[5] + 1u;
  shape.sectors = partition[6] & 63;
  shape.cylinders = (partition[7] | (partition[6] & 0xC0u) << 2) + 1;
  return shape.sectors != 0;
}

int cd_boot(u8 cd, const char** why, u32* load_segment, u8* drive) {
  boot_cd = cd_drives[cd];
  struct ide_drive* const device = &ide_drives[boot_cd];
  const u8 ready = atapi_ready(device, 4000);
  *why = ready == 0x31 ? "no disc" : "not ready";
  if (ready) return 0;
  *why = "the disc cannot be read";
  if (!read_cd_sector(device, 17)) return 0;
  *why = "not bootable";
  if (sector_buffer[0] != 0 || memcmp(sector_buffer + 1, "CD001\1EL TORITO SPECIFICATION", 30)) return 0;
  u32 catalog;
  memcpy(&catalog, sector_buffer + 0x47, 4);
  *why = "the boot catalog cannot be read";
  if (!read_cd_sector(device, catalog)) return 0;
  *why = "the boot catalog is damaged";
  if (!valid_catalog(sector_buffer)) return 0;
  const u8* entry = sector_buffer + 32;
  *why = "not bootable";
  if (entry[0] != 0x88) return 0;

  memset(&boot_image, 0, sizeof boot_image);
  boot_image.bytes = sizeof boot_image;
  boot_image.media = entry[1] & 15;
  boot_image.controller = (u8)(boot_cd >> 1);
  boot_image.device = (u16)(boot_cd & 1);
  memcpy(&boot_image.load_segment, entry + 2, 2);
  memcpy(&boot_image.load_count, entry + 6, 2);
  memcpy(&boot_image.image_lba, entry + 8, 4);
  if (!boot_image.load_segment) boot_image.load_segment = 0x7C0;
  if (!boot_image.load_count) boot_image.load_count = 1;
  *why = "unknown kind of boot image";
  if (boot_image.media > 4) return 0;
  boot_image.drive = boot_image.media == 0 ? (u8)(0xE0 + cd) : boot_image.media == 4 ? 0x80 : 0x00;

  *why = "the boot image cannot be read";
  u32 done;
  u32 count = boot_image.load_count;
  if (boot_image.media == 0) count = (count + 3) & ~3u;
  if (read_image(0, count, (u32)boot_image.load_segment * 16, &done)) return 0;
  if (boot_image.media) {
    if (!shape_of_image(boot_image.media)) return 0;
    boot_image.cylinder = (u8)(shape.cylinders - 1);
    boot_image.sector = (u8)(shape.sectors | ((shape.cylinders - 1) >> 2 & 0xC0));
    boot_image.head = (u8)(shape.heads - 1);
    emulating = 1;
    // The real drives of that kind move up by one number.
    if (boot_image.drive >= 0x80)
      BDA->disk_count = (u8)(hard_disk_count + 1);
    else
      BDA->equipment = (u16)((BDA->equipment & ~0xC0) | 1 | (floppy_drive_count() ? 0x40 : 0));
  }
  *load_segment = boot_image.load_segment;
  *drive = boot_image.drive;
  return 1;
}

static void finish(struct regs* r, u8 status) {
  if (boot_image.drive >= 0x80)
    BDA->disk_status = status;
  else
    BDA->floppy_status = status;
  answer(r, status);
}

static void transfer(struct regs* r, int verify) {
  const u32 cylinder = r->ch | (u32)(r->cl & 0xC0) << 2, sector = r->cl & 0x3F, count = r->al;
  r->al = 0;
  if (!count) return finish(r, kDiskBadCommand);
  if (!sector || sector > shape.sectors || r->dh >= shape.heads || cylinder >= shape.cylinders)
    return finish(r, kDiskSectorNotFound);
  u32 done = count;
  u8 status = kDiskOk;
  if (!verify)
    status = read_image((cylinder * shape.heads + r->dh) * shape.sectors + sector - 1, count, linear(far(r->es, r->bx)),
                        &done);
  r->al = (u8)done;
  finish(r, status);
}

static void parameters(struct regs* r) {
  r->al = 0;
  r->ch = boot_image.cylinder;
  r->cl = boot_image.sector;
  r->dh = boot_image.head;
  if (boot_image.drive >= 0x80) {
    r->dl = (u8)(hard_disk_count + 1);
  } else {
    static const u8 types[4] = {0, 2, 4, 6};
    r->bx = types[boot_image.media];
    r->dl = (u8)(floppy_drive_count() ? 2 : 1);
    r->es = IVT[0x1E].segment;
    r->di = IVT[0x1E].offset;
  }
  finish(r, kDiskOk);
}

void int13_emulated(struct regs* r) {
  switch (r->ah) {
    case 0x01: {
      const u8 last = boot_image.drive >= 0x80 ? BDA->disk_status : BDA->floppy_status;
      answer(r, last);
      break;
    }
    case 0x02: transfer(r, 0); break;
    case 0x04: transfer(r, 1); break;
    case 0x03:
    case 0x05: finish(r, kDiskWriteProtected); break;
    case 0x08: parameters(r); break;
    case 0x00:
    case 0x09:
    case 0x0C:
    case 0x0D:
    case 0x10:
    case 0x11:
    case 0x14:
    case 0x16: finish(r, kDiskOk); break;
    case 0x15:
      finish(r, kDiskOk);
      if (boot_image.drive < 0x80) {
        r->ah = 1;
      } else {
        const u32 sectors = shape.cylinders * shape.heads * shape.sectors;
        r->ah = 3;
        r->cx = (u16)(sectors >> 16);
        r->dx = (u16)sectors;
      }
      break;
    default: finish(r, kDiskBadCommand); break;
  }
}

// 4Ah starts emulation, 4Bh ends it (AL = 0) or tells about it (AL = 1), 4Ch starts it and boots, 4Dh returns the
// catalog.
void cd_emulation_service(struct regs* r) {
  if (r->ah == 0x4B && r->al <= 1 && boot_image.bytes) {
    if (r->dl != boot_image.drive && r->dl != 0x7F) return answer(r, kDiskBadCommand);
    far_write(r->ds, r->si, &boot_image, sizeof boot_image);
    if (r->al == 0) cd_boot_forget();
    return answer(r, kDiskOk);
  }
  answer(r, kDiskBadCommand);
}
