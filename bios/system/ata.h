// The IDE task file and waiting on it.
#pragma once

#include "disk.h"

enum {
  kIdeErrorReg = 1,
  kIdeFeatures = 1,
  kIdeCount = 2,
  kIdeLbaLow = 3,
  kIdeLbaMiddle = 4,
  kIdeLbaHigh = 5,
  kIdeHead = 6,
  kIdeStatus = 7,
  kIdeCommand = 7,
};
enum { kIdeError = 0x01, kIdeRequest = 0x08, kIdeFault = 0x20, kIdeReady = 0x40, kIdeBusy = 0x80 };
// No drive answers so.
enum { kIdeTimeout = 0xFF };

// Waits until BSY is off and the masked status is as wanted, or an error shows. Returns the status, or kIdeTimeout.
u8 ide_wait(const struct ide_drive* drive, u8 mask, u8 wanted, u32 milliseconds);
// Makes the drive the one that commands go to. False: it stayed busy.
int ide_select(const struct ide_drive* drive, u8 head);
