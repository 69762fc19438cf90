// INT 19h and INT 18h: the boot order, boot sectors, and what to say when nothing boots.
#include "boot.h"

#include "disk.h"

enum device { kNone, kFloppyDevice, kDiskDevice, kCdDevice };

static u8 order[3];
static u8 next_device;
static u8 anything_tried;
static u8 started;

static void read_order(void) {
  // CMOS 3Dh: first in bits 3-0, second in bits 7-4; 38h bits 7-4: third.
  const u8 first_two = cmos_read(0x3D);
  order[0] = first_two & 15;
  order[1] = first_two >> 4;
  order[2] = cmos_read(0x38) >> 4;
  if (!order[0] && !order[1] && !order[2]) {
    order[0] = kFloppyDevice;
    order[1] = kDiskDevice;
    order[2] = kCdDevice;
  }
}

// Reads one sector to 0000:7C00.
static u8 read_boot_sector(u8 drive) {
  u8 status = kDiskOk;
  for (u32 attempts = 0; attempts < 4; ++attempts) {
    struct regs r = {.eax = 0x0201, .ebx = 0x7C00, .ecx = 1, .edx = drive, .es = 0, .ds = DATA_SEGMENT};
    call_interrupt(0x13, &r);
    interrupts_on();
    if (!(r.flags & kCarry)) return kDiskOk;
    status = r.ah;
    if (status == kDiskTimeout) break;
    struct regs reset = {.eax = 0, .edx = drive, .ds = DATA_SEGMENT};
    call_interrupt(0x13, &reset);
    interrupts_on();
  }
  return status;
}

static const char* reason(u8 status) {
  switch (status) {
    case kDiskTimeout:
    case 0x31: return "no medium, or it does not answer";
    case kDiskNotReady: return "not ready";
    case kDiskAddressMark:
    case kDiskSectorNotFound: return "its first sector cannot be found";
    case kDiskCrc: return "its first sector is damaged";
    default: return "read error";
  }
}

// A formatted but empty diskette repeats one word; a disk needs the signature.
static int bootable(u8 drive) {
  if (drive >= 0x80) return peek16(0, 0x7DFE) == 0xAA55;
  const u16 first = peek16(0, 0x7C00);
  for (u32 at = 0x7C02; at < 0x7C20; at += 2)
    if (peek16(0, at) != first) return 1;
  return 0;
}

static void try_sector(const char* name, u8 drive) {
  const u8 status = read_boot_sector(drive);
  if (status) {
    print("%s: %s (%02x)\n", name, reason(status), status);
    return;
  }
  if (!bootable(drive)) {
    print("%s: not bootable\n", name);
    return;
  }
  debug("boot from %s\n", name);
  start_boot_sector(far(0, 0x7C00), drive);
}

static void try_cd(void) {
  if (!cd_drive_count) return print("CD: no drive\n");
  for (u8 cd = 0; cd < cd_drive_count; ++cd) {
    const char* why;
    u32 segment;
    u8 drive;
    if (cd_boot(cd, &why, &segment, &drive)) {
      debug("boot from CD, segment %x drive %x\n", segment, drive);
      start_boot_sector(segment == 0x7C0 ? far(0, 0x7C00) : far((u16)segment, 0), drive);
    }
    print("CD %u: %s\n", cd + 1, why);
    cd_boot_forget();
  }
}

void boot_next(void) {
  while (next_device < count_of(order)) {
    const u8 device = order[next_device++];
    anything_tried |= device != kNone;
    if (device == kFloppyDevice) {
      if (floppy_type(0))
        try_sector("Floppy", 0x00);
      else
        print("Floppy: no drive\n");
    } else if (device == kDiskDevice) {
      if (hard_disk_count)
        try_sector("Hard disk", 0x80);
      else
        print("Hard disk: no drive\n");
    } else if (device == kCdDevice) {
      try_cd();
    }
  }
  print(anything_tried ? "\nNothing to boot from. Insert a boot medium and press a key.\n"
                       : "\nThe boot order names no device. Press a key to look again.\n");
  struct regs r = {.eax = 0, .ds = DATA_SEGMENT};
  call_interrupt(0x16, &r);
  interrupts_on();
}

void int19(struct regs* r) {
  (void)r;
  interrupts_on();
  started = 1;
  for (;;) {
    read_order();
    next_device = 0;
    anything_tried = 0;
    cd_boot_forget();
    boot_next();
  }
}

// A boot sector gives up: on to the next device. A kernel that was booted directly has the whole order ahead.
void int18(struct regs* r) {
  interrupts_on();
  if (!started) return int19(r);
  print("The boot sector found nothing to start.\n");
  boot_next();
  int19(r);
}
