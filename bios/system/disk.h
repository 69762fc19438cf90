// The drives and what the parts of INT 13h share.
#pragma once

#include "bios.h"

struct geometry {
  u32 cylinders, heads, sectors;
};

enum drive_kind { kNoDrive, kAtaDrive, kAtapiDrive };

// A drive on one of the two IDE channels.
struct ide_drive {
  u8 kind;
  u8 slave;  // 0 or 10h: the bit in the drive/head register
  u8 irq;
  u8 lba, lba48;  // addressing the drive understands
  u8 removable;
  u8 locked;    // INT 13h/45h: number of locks
  u8 multiple;  // sectors a READ MULTIPLE block, 0 if not set up
  u16 port, control;
  u16 name_index;
  u64 sectors;
  struct geometry physical, logical;
  char model[41];
};

extern struct ide_drive ide_drives[4];
// A CD sector's worth of scratch, for one service (or one part of POST) at a time.
extern u8 sector_buffer[2048];
// Index in ide_drives of hard disk 80h + n and of CD E0h + n.
extern u8 hard_disks[4], cd_drives[4];
extern u8 hard_disk_count, cd_drive_count;

// INT 13h status codes.
enum disk_status {
  kDiskOk = 0x00,
  kDiskBadCommand = 0x01,
  kDiskAddressMark = 0x02,
  kDiskWriteProtected = 0x03,
  kDiskSectorNotFound = 0x04,
  kDiskResetFailed = 0x05,
  kDiskChanged = 0x06,
  kDiskDmaOverrun = 0x08,
  kDiskDmaBoundary = 0x09,
  kDiskBadMedia = 0x0C,
  kDiskCrc = 0x10,
  kDiskController = 0x20,
  kDiskSeek = 0x40,
  kDiskTimeout = 0x80,
  kDiskNotReady = 0xAA,
  kDiskUndefined = 0xBB,
  kDiskWriteFault = 0xCC,
};

void ide_init(void);
// 512-byte sectors to or from memory; returns an INT 13h status, and in *done how many sectors went well.
u8 ata_transfer(struct ide_drive* drive, u64 lba, u32 count, u32 address, int write, u32* done);
u8 ata_command(struct ide_drive* drive, u8 command, u32 lba, u8 count);
u8 ata_reset(struct ide_drive* drive);
// 2,048-byte sectors.
u8 atapi_read(struct ide_drive* drive, u32 lba, u32 count, u32 address, u32* done);
// A packet command with at most `bytes` of answer to own memory.
u8 atapi_packet(struct ide_drive* drive, const u8 packet[12], void* answer, u32 bytes);
// Waits until a medium is readable, or says what is wrong.
u8 atapi_ready(struct ide_drive* drive, u32 milliseconds);

void floppy_init(void);
void int13_floppy(struct regs* r);
u8 floppy_drive_count(void);
// CMOS 10h: 0 none, 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M.
u8 floppy_type(u8 drive);

void int13_disk(struct regs* r, struct ide_drive* drive);
void int13_extended(struct regs* r, struct ide_drive* drive);
void int13_cd(struct regs* r, struct ide_drive* drive);
void int13_emulated(struct regs* r);
// True if INT 13h for that drive is answered from the boot image of a CD.
int cd_emulates(u8 drive);
// INT 13h/4Ah-4Dh.
void cd_emulation_service(struct regs* r);

void int13(struct regs* r);
