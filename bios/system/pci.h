// PCI configuration mechanism 1 (PCI 2.1, 3.2.2.3) and what POST finds on the bus.
#pragma once

#include "io.h"

// Bus, device and function as INT 1Ah passes them: bus in the high byte, device in bits 7-3.
typedef u16 pci_function;

#define pci_at(bus, device, function) ((pci_function)((bus) << 8 | (device) << 3 | (function)))

enum {
  kPciVendor = 0x00,
  kPciDevice = 0x02,
  kPciCommand = 0x04,
  kPciClass = 0x0A,
  kPciHeaderType = 0x0E,
  kPciBar = 0x10,
  kPciRom = 0x30,
  kPciInterruptLine = 0x3C,
  kPciInterruptPin = 0x3D,
};

static inline u16 pci_select(pci_function f, u8 reg) {
  outl(0xCF8, 0x80000000u | (u32)f << 8 | (reg & 0xFC));
  return (u16)(0xCFC + (reg & 3));
}
static inline u8 pci_read8(pci_function f, u8 reg) { return inb(pci_select(f, reg)); }
static inline u16 pci_read16(pci_function f, u8 reg) { return inw(pci_select(f, reg)); }
static inline u32 pci_read32(pci_function f, u8 reg) { return inl(pci_select(f, reg)); }
static inline void pci_write8(pci_function f, u8 reg, u8 value) { outb(pci_select(f, reg), value); }
static inline void pci_write16(pci_function f, u8 reg, u16 value) { outw(pci_select(f, reg), value); }
static inline void pci_write32(pci_function f, u8 reg, u32 value) { outl(pci_select(f, reg), value); }

// The next function after `f` on bus 0 that answers, starting with pci_before_first; -1 after the last one.
enum { kPciBeforeFirst = -1 };
int pci_next(int f);
// The first one of that class and subclass, or -1.
int pci_find_class(u16 class_code);

// The IRQ of INTA#-INTD# (pin 1-4) of a slot on bus 0.
u8 pci_irq(u8 device, u8 pin);

void pci_init(void);
