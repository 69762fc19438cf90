// fw_cfg: reading items and files.
#include "fw_cfg.h"

#include "bios.h"

enum { kSelector = 0x510, kData = 0x511, kDma = 0x514, kDmaRead = 2, kDmaSelect = 8, kIdDma = 2 };

static u32 swap32(u32 v) { return v << 24 | (v & 0xFF00) << 8 | (v >> 8 & 0xFF00) | v >> 24; }

void fw_cfg_read(u16 key, void* to, u32 bytes) {
  u8* out = to;
  outw(kSelector, key);
  while (bytes--) *out++ = inb(kData);
}

u32 fw_cfg_read32(u16 key) {
  u32 value;
  fw_cfg_read(key, &value, sizeof value);
  return value;
}

int fw_cfg_present(void) { return fw_cfg_read32(kFwSignature) == 0x554D4551; }  // "QEMU"

void fw_cfg_load(u16 key, u32 to, u32 bytes) {
  if (!(fw_cfg_read32(kFwId) & kIdDma)) {
    outw(kSelector, key);
    flat_port_read8(kData, to, bytes);
    return;
  }
  static volatile struct { u32 control, length, address_high, address_low; } request;
  request.length = swap32(bytes);
  request.address_high = 0;
  request.address_low = swap32(to);
  request.control = swap32((u32)key << 16 | kDmaSelect | kDmaRead);
  outl(kDma, 0);
  outl(kDma + 4, swap32(own_address(&request)));
  while (swap32(request.control) & ~1u) {
  }
}

struct fw_file fw_cfg_find(const char* name) {
  struct fw_file found = {0, 0};
  if (!fw_cfg_present()) return found;
  u32 count = swap32(fw_cfg_read32(kFwFileDirectory));
  for (; count; --count) {
    struct {
      u32 size;
      u16 select, reserved;
      char name[56];
    } entry;
    for (u32 i = 0; i < sizeof entry; ++i) ((u8*)&entry)[i] = inb(kData);
    u32 i = 0;
    while (i < sizeof entry.name && entry.name[i] == name[i] && name[i]) ++i;
    if (i == sizeof entry.name || entry.name[i] != name[i]) continue;
    found.bytes = swap32(entry.size);
    found.key = (u16)(entry.select << 8 | entry.select >> 8);
    return found;
  }
  return found;
}
