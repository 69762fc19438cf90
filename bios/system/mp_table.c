// The MultiProcessor table (MPS 1.4) for one CPU and one I/O APIC: systems without ACPI find the I/O APIC by it.
#include "bios.h"
#include "disk.h"
#include "pci.h"
#include "processor.h"
#include "tables.h"

struct floating {
  char signature[4];
  u32 table;
  u8 length, revision, checksum, features[5];
} packed;

struct header {
  char signature[4];
  u16 length;
  u8 revision, checksum;
  char oem[8], product[12];
  u32 oem_table;
  u16 oem_bytes, entries;
  u32 local_apic;
  u16 extended_bytes;
  u8 extended_checksum, reserved;
} packed;

_Static_assert(sizeof(struct header) == 44, "MPS 1.4, 4.2");

enum { kIoInterrupt = 3, kLocalInterrupt = 4 };
enum { kInt = 0, kNmi = 1, kExtInt = 3 };
enum { kConforming = 0, kLevelHigh = 0x0D };
enum { kPciBus = 0, kIsaBus = 1 };

static u8* const table = sector_buffer;
static u32 used;
static u16 entries;

static void add(const void* entry, u32 bytes) {
  if (used + bytes > sizeof sector_buffer) return;
  memcpy(table + used, entry, bytes);
  used += bytes;
  ++entries;
}

static void add_interrupt(u8 entry, u8 type, u8 flags, u8 bus, u8 source, u8 apic, u8 pin) {
  const u8 bytes[8] = {entry, type, flags, 0, bus, source, apic, pin};
  add(bytes, sizeof bytes);
}

static void add_pci_interrupts(void) {
  u32 seen[4] = {0};
  int f = kPciBeforeFirst;
  while ((f = pci_next(f)) >= 0) {
    const u8 pin = pci_read8((pci_function)f, kPciInterruptPin), device = (u8)(f >> 3 & 31);
    if (pin < 1 || pin > 4 || seen[pin - 1] >> device & 1) continue;
    seen[pin - 1] |= 1u << device;
    const u8 irq = pci_read8((pci_function)f, kPciInterruptLine);
    add_interrupt(kIoInterrupt, kInt, kLevelHigh, kPciBus, (u8)(device << 2 | (pin - 1)), IO_APIC_ID, irq);
  }
}

void mp_table_init(void) {
  if (!processor.apic) return;
  used = sizeof(struct header);
  const struct {
    u8 type, id, version, flags;
    u32 signature, features, reserved[2];
  } packed cpu = {0,     processor.apic_id, (u8)flat_read32(0xFEE00030), 3, processor.signature, processor.features,
                  {0, 0}};
  add(&cpu, sizeof cpu);
  add("\1\0PCI   ", 8);
  add("\1\1ISA   ", 8);
  const struct {
    u8 type, id, version, flags;
    u32 address;
  } packed io_apic = {2, IO_APIC_ID, 0x11, 1, 0xFEC00000};
  add(&io_apic, sizeof io_apic);
  add_pci_interrupts();
  for (u8 irq = 0; irq < 16; ++irq) {
    // IRQ 2 is the cascade, IRQ 0 comes to pin 2; 10 and 11 are PCI's.
    if (irq == 2 || irq == 10 || irq == 11) continue;
    add_interrupt(kIoInterrupt, kInt, irq == 9 ? kLevelHigh : kConforming, kIsaBus, irq, IO_APIC_ID, irq ? irq : 2);
  }
  add_interrupt(kLocalInterrupt, kExtInt, kConforming, kIsaBus, 0, processor.apic_id, 0);
  add_interrupt(kLocalInterrupt, kNmi, kConforming, kIsaBus, 0, 0xFF, 1);

  struct header* h = (struct header*)table;
  memset(h, 0, sizeof *h);
  memcpy(h->signature, "PCMP", 4);
  h->length = (u16)used;
  h->revision = 4;
  memcpy(h->oem, "PENUMBRA", 8);
  memcpy(h->product, "PC          ", 12);
  h->entries = entries;
  h->local_apic = 0xFEE00000;
  h->checksum = (u8)-byte_sum(table, used);

  const u16 at = take_table_room(used), pointer = take_table_room(sizeof(struct floating));
  if (!at || !pointer) return;
  far_write(CODE_SEGMENT, at, table, used);
  struct floating floating;
  memset(&floating, 0, sizeof floating);
  memcpy(floating.signature, "_MP_", 4);
  floating.table = (CODE_SEGMENT << 4) + at;
  floating.length = 1;
  floating.revision = 4;
  floating.checksum = (u8)-byte_sum(&floating, sizeof floating);
  far_write(CODE_SEGMENT, pointer, &floating, sizeof floating);
}
