// ACPI 1.0b tables: RSDP in the F segment, everything else at the top of memory.
#include "bios.h"
#include "memory.h"
#include "processor.h"
#include "tables.h"

struct header {
  char signature[4];
  u32 length;
  u8 revision, checksum;
  char oem[6], oem_table[8];
  u32 oem_revision;
  char creator[4];
  u32 creator_revision;
} packed;

struct rsdp {
  char signature[8];
  u8 checksum;
  char oem[6];
  u8 reserved;
  u32 rsdt;
} packed;

struct fadt {
  struct header header;
  u32 facs, dsdt;
  u8 interrupt_model, reserved_2d;
  u16 sci_irq;
  u32 smi_command;
  u8 acpi_enable, acpi_disable, s4bios, reserved_37;
  u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
  u8 pm1_event_bytes, pm1_control_bytes, pm2_control_bytes, pm_timer_bytes, gpe0_bytes, gpe1_bytes, gpe1_base;
  u8 reserved_5f;
  u16 c2_latency, c3_latency, flush_bytes, flush_stride;
  u8 duty_offset, duty_width, day_alarm, month_alarm, century;
  u8 reserved_6d[3];
  u32 flags;
} packed;

_Static_assert(sizeof(struct fadt) == 116, "ACPI 1.0b, table 5-5");

struct facs {
  char signature[4];
  u32 length, hardware_signature, waking_vector, global_lock, flags;
  u8 reserved[40];
} packed;

_Static_assert(sizeof(struct facs) == 64, "ACPI 1.0b, table 5-6");

struct interrupt_override {
  u8 type, length, bus, irq;
  u32 interrupt;
  u16 flags;
} packed;

struct madt {
  struct header header;
  u32 local_apic, flags;
  struct {
    u8 type, length, processor, id;
    u32 flags;
  } packed cpu;
  struct {
    u8 type, length, id, reserved;
    u32 address, first_interrupt;
  } packed io_apic;
  struct interrupt_override overrides[5];
  struct {
    u8 type, length, processor;
    u16 flags;
    u8 pin;
  } packed nmi;
} packed;

extern const char dsdt_image[], dsdt_image_end[];

static u32 next_table;

static void fill_header(struct header* h, const char* signature, u32 length, u8 revision) {
  memset(h, 0, sizeof *h);
  memcpy(h->signature, signature, 4);
  h->length = length;
  h->revision = revision;
  memcpy(h->oem, "PENUMB", 6);
  memcpy(h->oem_table, "PENUMBRA", 8);
  h->oem_revision = 1;
  memcpy(h->creator, "PNBR", 4);
  h->creator_revision = 1;
}

// Puts a table above the ones before, with its checksum; returns where it is.
static u32 place(struct header* table) {
  table->checksum = 0;
  table->checksum = (u8)-byte_sum(table, table->length);
  const u32 at = next_table;
  flat_copy(at, own_address(table), table->length);
  next_table = (at + table->length + 15) & ~15u;
  return at;
}

static u32 place_fadt(u32 facs, u32 dsdt) {
  static struct fadt t;
  fill_header(&t.header, "FACP", sizeof t, 1);
  t.facs = facs;
  t.dsdt = dsdt;
  t.sci_irq = 9;
  t.smi_command = 0xB2;
  t.acpi_enable = 0xF1;
  t.acpi_disable = 0xF0;
  t.pm1a_event = PM_BASE;
  t.pm1a_control = PM_BASE + 4;
  t.pm_timer = PM_TIMER;
  t.gpe0 = 0xAFE0;
  t.pm1_event_bytes = 4;
  t.pm1_control_bytes = 2;
  t.pm_timer_bytes = 4;
  t.gpe0_bytes = 4;
  t.c2_latency = 0xFFF;  // no C2, no C3
  t.c3_latency = 0xFFF;
  t.century = 0x32;
  // WBINVD works, C1 on all CPUs, no sleep button, RTC wakes nothing; the power button is the fixed one.
  t.flags = 0x65;
  return place(&t.header);
}

static u32 place_madt(void) {
  static struct madt t;
  static const struct interrupt_override overrides[5] = {{2, 10, 0, 0, 2, 0},
                                                         {2, 10, 0, 5, 5, 0x0D},
                                                         {2, 10, 0, 9, 9, 0x0D},
                                                         {2, 10, 0, 10, 10, 0x0D},
                                                         {2, 10, 0, 11, 11, 0x0D}};
  fill_header(&t.header, "APIC", sizeof t, 1);
  t.local_apic = 0xFEE00000;
  t.flags = 1;  // two 8259s as well
  t.cpu.type = 0;
  t.cpu.length = sizeof t.cpu;
  t.cpu.id = processor.apic_id;
  t.cpu.flags = 1;
  t.io_apic.type = 1;
  t.io_apic.length = sizeof t.io_apic;
  t.io_apic.id = IO_APIC_ID;
  t.io_apic.address = 0xFEC00000;
  memcpy(t.overrides, overrides, sizeof overrides);
  t.nmi.type = 4;
  t.nmi.length = sizeof t.nmi;
  t.nmi.processor = 0xFF;
  t.nmi.pin = 1;
  return place(&t.header);
}

void acpi_init(void) {
  if (memory_usable_end == memory_low) return;
  static struct facs facs = {.signature = {'F', 'A', 'C', 'S'}, .length = sizeof(struct facs)};
  const u32 facs_at = memory_usable_end + kTableBytes;
  flat_fill(facs_at, 0, kStorageBytes);
  flat_copy(facs_at, own_address(&facs), sizeof facs);

  next_table = memory_usable_end;
  const u32 dsdt = next_table;
  flat_copy(dsdt, own_address(dsdt_image), (u32)(dsdt_image_end - dsdt_image));
  next_table = (dsdt + (u32)(dsdt_image_end - dsdt_image) + 15) & ~15u;

  static struct {
    struct header header;
    u32 tables[2];
  } packed rsdt;
  u32 count = 0;
  rsdt.tables[count++] = place_fadt(facs_at, dsdt);
  if (processor.apic) rsdt.tables[count++] = place_madt();
  fill_header(&rsdt.header, "RSDT", sizeof rsdt.header + 4 * count, 1);
  const u32 rsdt_at = place(&rsdt.header);

  struct rsdp rsdp;
  memset(&rsdp, 0, sizeof rsdp);
  memcpy(rsdp.signature, "RSD PTR ", 8);
  memcpy(rsdp.oem, "PENUMB", 6);
  rsdp.rsdt = rsdt_at;
  rsdp.checksum = (u8)-byte_sum(&rsdp, sizeof rsdp);
  far_write(CODE_SEGMENT, take_table_room(sizeof rsdp), &rsdp, sizeof rsdp);
}
