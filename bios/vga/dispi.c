// The Bochs display interface: 16-bit registers behind an index at port 1CEh and data at 1CFh.
#include "vga.h"

enum { kIndexPort = 0x1CE, kDataPort = 0x1CF, kPciAddressPort = 0xCF8, kPciDataPort = 0xCFC };

u16 dispi_read(u16 index) {
  out16(kIndexPort, index);
  return in16(kDataPort);
}

void dispi_write(u16 index, u16 value) {
  out16(kIndexPort, index);
  out16(kDataPort, value);
}

// Moving the window can cost much more than a port access: it is left alone where it lies right.
void dispi_select_bank(u16 bank) {
  if (dispi_read(kDispiBank) != bank) out16(kDataPort, bank);
}

// Identities B0C0h-B0CFh; linear framebuffers need B0C2h.
bool dispi_present(void) { return (dispi_read(kDispiId) & 0xFFF0) == 0xB0C0; }

void dispi_off(void) {
  dispi_write(kDispiEnable, 0);
  dispi_write(kDispiBank, 0);
}

u32 video_memory_size(void) {
  const u32 blocks = dispi_read(kDispiMemory64K);
  return blocks == 0 ? 16u << 20 : blocks << 16;
}

// BAR 0 of PCI function 1234:1111 on bus 0, by configuration mechanism 1; without it, the address Bochs began with.
u32 linear_framebuffer(void) {
  for (u32 function = 0; function < 256; ++function) {
    const u32 address = 0x80000000 | function << 8;
    out32(kPciAddressPort, address);
    if (in32(kPciDataPort) != 0x11111234) continue;
    out32(kPciAddressPort, address | 0x10);
    const u32 base = in32(kPciDataPort) & ~0xFu;
    if (base != 0) return base;
  }
  return 0xE0000000;
}
