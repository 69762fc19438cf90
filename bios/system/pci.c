// The PCI part of POST: resources for every function, interrupt routing, the chips of the chipset.
#include "pci.h"

#include "bios.h"

enum { kIoEnable = 1, kMemoryEnable = 2, kBusMaster = 4 };
enum { kMostBars = 64 };

// What PIRQA#-PIRQD# of the PIIX3 reach (PIIX3 datasheet 2.2.7).
static const u8 pirq_irq[4] = {10, 10, 11, 11};

int pci_next(int f) {
  for (++f; f < 0x100; ++f) {
    if (pci_read16((pci_function)f, kPciVendor) == 0xFFFF) {
      if (!(f & 7)) f |= 7;
      continue;
    }
    if ((f & 7) == 1 && !(pci_read8((pci_function)(f & ~7), kPciHeaderType) & 0x80)) {
      f |= 7;
      continue;
    }
    return f;
  }
  return -1;
}

int pci_find_class(u16 class_code) {
  int f = kPciBeforeFirst;
  while ((f = pci_next(f)) >= 0)
    if (pci_read16((pci_function)f, kPciClass) == class_code) return f;
  return -1;
}

u8 pci_irq(u8 device, u8 pin) { return pirq_irq[(device + pin - 2) & 3]; }

// One base address register to be filled.
struct bar {
  u8 function, reg;
  u8 io, wide;
  u32 size;
};

static struct bar bars[kMostBars];
static u32 bar_count;

static void probe_bars(pci_function f) {
  const u8 count = (pci_read8(f, kPciHeaderType) & 0x7F) == 0 ? 6 : 2;
  for (u8 i = 0; i < count && bar_count < kMostBars; ++i) {
    const u8 reg = (u8)(kPciBar + 4 * i);
    const u32 old = pci_read32(f, reg);
    pci_write32(f, reg, 0xFFFFFFFF);
    const u32 mask = pci_read32(f, reg);
    pci_write32(f, reg, old);
    if (!mask) continue;
    struct bar* bar = &bars[bar_count++];
    bar->function = (u8)f;
    bar->reg = reg;
    bar->io = mask & 1;
    bar->wide = !bar->io && (mask & 6) == 4;
    bar->size = bar->io ? ~((mask & ~3u) | 0xFFFF0000) + 1 : ~(mask & ~0xFu) + 1;
    if (bar->wide) ++i;
  }
}

// Largest first: then every size, a power of two, is aligned by itself.
static void assign(u8 io, u32 next) {
  for (;;) {
    struct bar* largest = 0;
    for (u32 i = 0; i < bar_count; ++i)
      if (bars[i].io == io && bars[i].size && (!largest || bars[i].size > largest->size)) largest = &bars[i];
    if (!largest) return;
    next = (next + largest->size - 1) & ~(largest->size - 1);
    pci_write32(largest->function, largest->reg, next);
    if (largest->wide) pci_write32(largest->function, (u8)(largest->reg + 4), 0);
    debug("pci %x bar %x at %x size %x\n", largest->function, largest->reg, next, largest->size);
    next += largest->size;
    largest->size = 0;
  }
}

static void init_isa_bridge(pci_function f) {
  for (u8 i = 0; i < 4; ++i) pci_write8(f, (u8)(0x60 + i), pirq_irq[i]);
  // The PCI lines are level triggered, and so is IRQ 9, which carries SCI#.
  outb(0x4D0, 0x00);
  outb(0x4D1, 0x0E);
}

static void init_ide(pci_function f) {
  pci_write16(f, 0x40, 0x8000);
  pci_write16(f, 0x42, 0x8000);
}

// PIIX4 power management (82371AB datasheet 7.1.27-7.1.31): registers at 600h, SMBus at 700h, SCI on IRQ 9.
static void init_power_management(pci_function f) {
  pci_write32(f, 0x40, PM_BASE | 1);
  pci_write8(f, 0x80, 1);
  pci_write32(f, 0x90, SMBUS_BASE | 1);
  pci_write8(f, 0xD2, 0x09);
  pci_write8(f, kPciInterruptLine, 9);
}

static void init_function(pci_function f) {
  const u32 id = pci_read32(f, kPciVendor);
  const u8 pin = pci_read8(f, kPciInterruptPin);
  if (pin >= 1 && pin <= 4) pci_write8(f, kPciInterruptLine, pci_irq((u8)(f >> 3 & 31), pin));
  switch (id) {
    case 0x70008086:
    case 0x71108086: init_isa_bridge(f); break;
    case 0x70108086:
    case 0x71118086: init_ide(f); break;
    case 0x71138086: init_power_management(f); break;
  }
  if (pci_read16(f, kPciClass) != 0x0600) probe_bars(f);
}

void pci_init(void) {
  int f = kPciBeforeFirst;
  while ((f = pci_next(f)) >= 0) {
    init_function((pci_function)f);
    debug("pci %x id %x class %x\n", (u32)f, pci_read32((pci_function)f, kPciVendor),
          pci_read16((pci_function)f, kPciClass));
  }
  assign(1, 0xC000);
  assign(0, 0xE0000000);
  f = kPciBeforeFirst;
  while ((f = pci_next(f)) >= 0) {
    u16 wanted = 0;
    for (u32 i = 0; i < bar_count; ++i)
      if (bars[i].function == f) wanted |= bars[i].io ? kIoEnable : kMemoryEnable;
    if (pci_read16((pci_function)f, kPciClass) == 0x0101) wanted |= kIoEnable | kBusMaster;
    if (pci_read16((pci_function)f, kPciClass) == 0x0300) wanted |= kIoEnable | kMemoryEnable;
    if (wanted) pci_write16((pci_function)f, kPciCommand, pci_read16((pci_function)f, kPciCommand) | wanted);
  }
}
