// SMBIOS 2.4: what the machine is made of, for inventory software (DMTF DSP0134 2.4).
#include "bios.h"
#include "disk.h"
#include "memory.h"
#include "processor.h"
#include "tables.h"

struct entry_point {
  char anchor[4];
  u8 checksum, length, major, minor;
  u16 largest;
  u8 revision, formatted[5];
  char dmi_anchor[5];
  u8 dmi_checksum;
  u16 table_bytes;
  u32 table;
  u16 count;
  u8 bcd_revision;
} packed;

_Static_assert(sizeof(struct entry_point) == 0x1F, "SMBIOS 2.4, 2.1.1");

static u8* const table = sector_buffer;
static u32 used;
static u16 count, largest;

// A structure: its formatted part without the header, then its strings as "one\0two\0".
static void add(u8 type, u16 handle, const void* formatted, u32 bytes, const char* strings, u32 string_bytes) {
  if (used + 4 + bytes + string_bytes + 2 > sizeof sector_buffer) return;
  u8* at = table + used;
  at[0] = type;
  at[1] = (u8)(4 + bytes);
  at[2] = (u8)handle;
  at[3] = (u8)(handle >> 8);
  memcpy(at + 4, formatted, bytes);
  memcpy(at + 4 + bytes, strings, string_bytes);
  u32 total = 4 + bytes + string_bytes;
  at[total++] = 0;
  if (!string_bytes) at[total++] = 0;
  used += total;
  if (total > largest) largest = (u16)total;
  ++count;
}

#define ADD(type, handle, formatted, strings) \
  add(type, handle, &(formatted), sizeof(formatted), strings, sizeof(strings) - 1)
#define ADD_PLAIN(type, handle, formatted) add(type, handle, &(formatted), sizeof(formatted), "", 0)

static void add_machine(void) {
  const struct {
    u8 vendor, version;
    u16 segment;
    u8 date, rom_size;
    u32 characteristics_low, characteristics_high;
    u8 extension[2], major, minor, ec_major, ec_minor;
  } packed bios = {1, 2, 0xE000, 3, 1, 0x00018090, 0, {0x01, 0x04}, 0, 1, 0xFF, 0xFF};
  ADD(0, 0x000, bios,
      "Penumbra\0"
      "0.1\0"
      "06/01/2024\0");
  const struct {
    u8 maker, product, version, serial, uuid[16], wake_up, sku, family;
  } packed system = {1, 2, 3, 0, {0}, 6, 0, 0};
  ADD(1, 0x100, system,
      "Penumbra\0"
      "PC (i440FX, PIIX3)\0"
      "1\0");
  const struct {
    u8 maker, type, version, serial, asset, boot_state, power_state, thermal_state, security;
    u32 oem;
    u8 height, cords, elements, element_bytes;
  } packed chassis = {1, 3, 0, 0, 0, 3, 3, 3, 2, 0, 0, 0, 0, 0};
  ADD(3, 0x300, chassis, "Penumbra\0");
}

static void add_processor(void) {
  struct {
    u8 socket, type, family, maker;
    u32 signature, features;
    u8 version, voltage;
    u16 external_clock, most_speed, speed;
    u8 status, upgrade;
    u16 l1, l2, l3;
    u8 serial, asset, part;
  } packed cpu = {
      1,      3, 2, 2, processor.signature, processor.features, 0, 0, 0, 2000, 2000, 0x41, 1, 0xFFFF, 0xFFFF,
      0xFFFF, 0, 0, 0};
  char strings[4 + 13] = "CPU";
  memcpy(strings + 4, processor.vendor, 12);
  strings[16] = 0;
  u32 bytes = 4 + 13;
  if (!processor.vendor[0]) {
    cpu.maker = 0;
    bytes = 4;
  }
  add(4, 0x400, &cpu, sizeof cpu, strings, bytes);
}

static void add_memory(void) {
  const u32 low_kib = memory_low >> 10, high_kib = (u32)(memory_high >> 10), total_kib = low_kib + high_kib;
  const struct {
    u8 location, use, error_correction;
    u32 capacity_kib;
    u16 error_handle, devices;
  } packed array = {3, 3, 3, total_kib, 0xFFFE, 1};
  ADD_PLAIN(16, 0x1000, array);
  const struct {
    u16 array, error_handle, total_width, data_width, size_mib;
    u8 form_factor, set, locator, bank;
    u8 type;
    u16 detail, speed;
    u8 maker, serial, asset, part;
  } packed device = {0x1000, 0xFFFE, 64, 64, (u16)min32(total_kib >> 10, 0x7FFF), 9, 0, 1, 0, 2, 4, 0, 0, 0, 0, 0};
  ADD(17, 0x1100, device, "DIMM 0\0");
  struct {
    u32 start_kib, end_kib;
    u16 array;
    u8 width;
  } packed range = {0, low_kib - 1, 0x1000, 1};
  ADD_PLAIN(19, 0x1300, range);
  if (!high_kib) return;
  range.start_kib = 0x400000;
  range.end_kib = 0x400000 + high_kib - 1;
  ADD_PLAIN(19, 0x1301, range);
}

void smbios_init(void) {
  add_machine();
  add_processor();
  add_memory();
  static const u8 boot[7] = {0};
  ADD_PLAIN(32, 0x2000, boot);
  add(127, 0x7F00, "", 0, "", 0);

  const u16 at = take_table_room(used), pointer = take_table_room(sizeof(struct entry_point));
  if (!at || !pointer) return;
  far_write(CODE_SEGMENT, at, table, used);
  struct entry_point e;
  memset(&e, 0, sizeof e);
  memcpy(e.anchor, "_SM_", 4);
  e.length = sizeof e;
  e.major = 2;
  e.minor = 4;
  e.largest = largest;
  memcpy(e.dmi_anchor, "_DMI_", 5);
  e.table_bytes = (u16)used;
  e.table = (CODE_SEGMENT << 4) + at;
  e.count = count;
  e.bcd_revision = 0x24;
  e.dmi_checksum = (u8)-byte_sum(e.dmi_anchor, 15);
  e.checksum = (u8)-byte_sum(&e, sizeof e);
  far_write(CODE_SEGMENT, pointer, &e, sizeof e);
}
