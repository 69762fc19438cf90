// The hypervisor's configuration channel at ports 510h-518h (QEMU's docs/specs/fw_cfg.txt).
#pragma once

#include "io.h"

enum {
  kFwSignature = 0x00,
  kFwId = 0x01,
  kFwKernelSize = 0x08,
  kFwInitrdSize = 0x0B,
  kFwKernelData = 0x11,
  kFwInitrdData = 0x12,
  kFwCommandLineSize = 0x14,
  kFwCommandLineData = 0x15,
  kFwSetupSize = 0x17,
  kFwSetupData = 0x18,
  kFwFileDirectory = 0x19,
};

struct fw_file {
  u32 bytes;
  u16 key;  // 0: there is no such file
};

int fw_cfg_present(void);
void fw_cfg_read(u16 key, void* to, u32 bytes);
u32 fw_cfg_read32(u16 key);
// The whole item to a flat address, by DMA where the device has it.
void fw_cfg_load(u16 key, u32 to, u32 bytes);
struct fw_file fw_cfg_find(const char* name);
