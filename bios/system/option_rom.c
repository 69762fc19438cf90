// Option ROMs are found by signature and checksum on 2 KiB boundaries and entered at offset 3.
#include "option_rom.h"

#include "bios.h"
#include "pci.h"

enum { kFirst = 0xC0000, kEnd = 0xE0000, kStep = 0x800 };

// Its length in bytes, 0 if there is none.
static u32 rom_at(u32 address) {
  const u16 segment = (u16)(address >> 4);
  if (peek16(segment, 0) != 0xAA55) return 0;
  const u32 bytes = (u32)peek8(segment, 2) * 512;
  if (!bytes || address + bytes > kEnd) return 0;
  u8 sum = 0;
  for (u32 i = 0; i < bytes; ++i) sum = (u8)(sum + peek8((u16)(segment + (i >> 4)), i & 15));
  return sum ? 0 : bytes;
}

static void enter(u32 address, pci_function function) {
  debug("option ROM at %x\n", address);
  // AX as PCI 2.1, 6.3.3.1.2 wants it; ES:DI for Plug and Play says: no such BIOS.
  struct regs r = {.eax = function, .ebx = 0xFFFF, .edx = 0xFFFF, .ds = DATA_SEGMENT};
  call_far(far((u16)(address >> 4), 3), &r);
  interrupts_on();
}

// Copies the x86 image out of the expansion ROM of a PCI function to C0000h.
static int shadow_pci_rom(pci_function f) {
  const u32 saved = pci_read32(f, kPciRom);
  pci_write32(f, kPciRom, 0xFFFFFFFE);
  const u32 mask = pci_read32(f, kPciRom) & ~0x7FFu;
  if (!mask) {
    pci_write32(f, kPciRom, saved);
    return 0;
  }
  const u32 base = 0xFE000000 & mask;
  pci_write32(f, kPciRom, base | 1);
  u32 at = base;
  int copied = 0;
  for (u32 images = 0; images < 8; ++images) {
    const u32 head = flat_read32(at);
    if ((head & 0xFFFF) != 0xAA55) break;
    const u32 data = at + (flat_read32(at + 0x18) & 0xFFFF);
    const int x86 = flat_read32(data) == 0x52494350 && !(flat_read32(data + 0x14) & 0xFF);
    if (x86) {
      flat_copy(kFirst, at, (head >> 16 & 0xFF) * 512);
      copied = 1;
      break;
    }
    const u32 info = flat_read32(data + 0x14);
    if (flat_read32(data) != 0x52494350 || info & 0x8000) break;
    at += (flat_read32(data + 0x10) & 0xFFFF) * 512;
  }
  pci_write32(f, kPciRom, base & ~1u);
  return copied;
}

u32 option_rom_video(void) {
  const int display = pci_find_class(0x0300);
  if (peek16(kFirst >> 4, 0) != 0xAA55 && display >= 0) shadow_pci_rom((pci_function)display);
  const u32 bytes = rom_at(kFirst);
  if (!bytes) return kFirst;
  enter(kFirst, display >= 0 ? (pci_function)display : 0);
  // Not every display ROM sets a mode by itself.
  struct regs r = {.eax = 0x0003, .ds = DATA_SEGMENT};
  call_interrupt(0x10, &r);
  interrupts_on();
  return (kFirst + bytes + kStep - 1) & ~(kStep - 1u);
}

u32 option_rom_others(u32 from) {
  u32 end = from;
  for (u32 at = from; at < kEnd;) {
    const u32 bytes = rom_at(at);
    if (!bytes) {
      at += kStep;
      continue;
    }
    enter(at, 0);
    at = end = (at + bytes + kStep - 1) & ~(kStep - 1u);
  }
  return end;
}
