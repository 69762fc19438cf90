// The power-on self test: from cleared variables to INT 19h.
#include "bios.h"
#include "boot.h"
#include "clock.h"
#include "disk.h"
#include "keyboard.h"
#include "memory.h"
#include "option_rom.h"
#include "pci.h"
#include "ports.h"
#include "processor.h"
#include "tables.h"

extern const char iret_entry[], nmi_entry[], unexpected_irq_entry[], int05_entry[], int08_entry[], int09_entry[],
    int0e_entry[], int10_entry[], int11_entry[], int12_entry[], int13_entry[], int14_entry[], int15_entry[],
    int16_entry[], int17_entry[], int18_entry[], int19_entry[], int1a_entry[], int70_entry[], int71_entry[],
    int74_entry[], int75_entry[], int76_entry[], int77_entry[], video_parameters[], diskette_table[];

static void set_vector(u8 vector, const void* offset) {
  IVT[vector].segment = CODE_SEGMENT;
  IVT[vector].offset = (u16)(u32)offset;
}

struct vector_entry {
  u8 vector;
  const char* offset;
};

static void init_vectors(void) {
  static const struct vector_entry entries[] = {
      {0x02, nmi_entry},   {0x05, int05_entry},      {0x08, int08_entry},    {0x09, int09_entry}, {0x0E, int0e_entry},
      {0x10, int10_entry}, {0x11, int11_entry},      {0x12, int12_entry},    {0x13, int13_entry}, {0x14, int14_entry},
      {0x15, int15_entry}, {0x16, int16_entry},      {0x17, int17_entry},    {0x18, int18_entry}, {0x19, int19_entry},
      {0x1A, int1a_entry}, {0x1D, video_parameters}, {0x1E, diskette_table}, {0x40, int13_entry}, {0x70, int70_entry},
      {0x71, int71_entry}, {0x74, int74_entry},      {0x75, int75_entry},    {0x76, int76_entry}, {0x77, int77_entry},
  };
  for (u32 vector = 0; vector < 0x60; ++vector) set_vector((u8)vector, iret_entry);
  // 60h-67h are free for programs, which look for 0; so is everything from 78h on.
  for (u32 vector = 0x60; vector < 0x100; ++vector) IVT[vector] = far(0, 0);
  for (u32 vector = 0x0A; vector < 0x10; ++vector) set_vector((u8)vector, unexpected_irq_entry);
  for (u32 vector = 0x70; vector < 0x78; ++vector) set_vector((u8)vector, unexpected_irq_entry);
  for (u32 i = 0; i < count_of(entries); ++i) set_vector(entries[i].vector, entries[i].offset);
  IVT[0x1F] = IVT[0x41] = IVT[0x43] = IVT[0x46] = far(0, 0);
}

static void init_data_areas(void) {
  for (u32 i = 0; i < 0x100; i += 4) poke32(0x40, i, 0);
  for (u32 i = 0; i < 1024; i += 4) poke32(EBDA_SEGMENT, i, 0);
  poke8(0x50, 0, 0);
  BDA->ebda_segment = EBDA_SEGMENT;
  EBDA->kib = 1;
  BDA->memory_kib = LOW_MEMORY_KIB;
  BDA->key_buffer_start = BDA->key_head = BDA->key_tail = 0x1E;
  BDA->key_buffer_end = 0x3E;
}

// Two 8259s at vectors 08h and 70h; the timer at 18.2 Hz; DMA channels 4 in cascade.
static void init_chips(void) {
  outb(0x20, 0x11);
  outb(0xA0, 0x11);
  outb(0x21, 0x08);
  outb(0xA1, 0x70);
  outb(0x21, 0x04);
  outb(0xA1, 0x02);
  outb(0x21, 0x01);
  outb(0xA1, 0x01);
  outb(0x21, 0xB8);  // on: timer, keyboard, second controller, floppy
  outb(0xA1, 0x8E);  // on: clock, mouse, coprocessor, disk
  outb(0x43, 0x36);
  outb(0x40, 0);
  outb(0x40, 0);
  outb(0x43, 0x54);
  outb(0x41, 18);
  outb(0x61, inb(0x61) & 0xFC);
  outb(0x0D, 0);
  outb(0xDA, 0);
  outb(0xD6, 0xC0);
  outb(0xD4, 0x00);
  outb(0x92, (inb(0x92) & 0xFE) | 2);
}

static void init_coprocessor(void) {
  u16 status = 0x5A5A;
  u32 cr0;
  asm volatile("movl %%cr0, %0" : "=r"(cr0));
  // EM, TS off, MP on; NE stays off: errors come as IRQ 13.
  cr0 = (cr0 & ~0x2Cu) | 0x02;
  asm volatile("movl %0, %%cr0" : : "r"(cr0));
  asm volatile("fninit\n\tfnstsw %0" : "+m"(status));
  if (status == 0) BDA->equipment |= 0x02;
}

// The first 128 characters in 8x8, where software of the CGA's time reads them.
static void place_font(void) {
  extern const unsigned char font_8x8[];
  far_write(CODE_SEGMENT, 0xFA6E, font_8x8, 1024);
}

static void describe_drives(void) {
  static const char* const floppy_names[6] = {"none", "360K", "1.2M", "720K", "1.44M", "2.88M"};
  for (u8 drive = 0; drive < 2; ++drive)
    if (floppy_type(drive)) print("Floppy %c: %s\n", 'A' + drive, floppy_names[min32(floppy_type(drive), 5)]);
  for (u32 i = 0; i < count_of(ide_drives); ++i) {
    const struct ide_drive* drive = &ide_drives[i];
    if (!drive->kind) continue;
    print("IDE %u: %s", i, drive->model);
    if (drive->kind == kAtaDrive)
      print(", %u MiB, CHS %u/%u/%u", (u32)(drive->sectors >> 11), drive->logical.cylinders, drive->logical.heads,
            drive->logical.sectors);
    print("\n");
  }
}

void unexpected_irq(struct regs* r) {
  (void)r;
  outb(0x20, 0x0B);
  const u8 master = inb(0x20);
  outb(0xA0, 0x0B);
  const u8 slave = inb(0xA0);
  // Nothing in service: a line that fell again, which wants no end of interrupt.
  BDA->unexpected_irq = master ? master : 0xFF;
  if (slave) {
    if (!(master & ~0x04)) outb(0xA1, inb(0xA1) | slave);
    outb(0xA0, 0x20);
  } else if (master & ~0x07) {
    outb(0x21, inb(0x21) | (master & ~0x07));
  }
  if (master) outb(0x20, 0x20);
}

void int11(struct regs* r) { r->ax = BDA->equipment; }

void int12(struct regs* r) { r->ax = BDA->memory_kib; }

__attribute__((noreturn)) void post(void) {
  post_code(0x02);
  init_vectors();
  init_data_areas();
  init_chips();
  post_code(0x10);
  pci_init();
  memory_init();
  processor_init(memory_low);
  clock_init();
  init_coprocessor();
  BDA->equipment |= 0x20;  // 80 columns, colour
  interrupts_on();
  post_code(0x20);
  memory_open_option_roms();
  u32 rom_end = option_rom_video();
  print("Penumbra BIOS\n%u KiB memory\n", memory_low >> 10);
  post_code(0x30);
  controller_init();
  mouse_init();
  ports_init();
  post_code(0x40);
  const u8 floppies = floppy_drive_count();
  if (floppies) BDA->equipment |= (u16)(1 | (floppies - 1) << 6);
  floppy_init();
  ide_init();
  describe_drives();
  post_code(0x50);
  rom_end = option_rom_others(rom_end);
  tables_init();
  place_font();
  memory_protect(rom_end);
  post_code(0x60);
  direct_boot();
  struct regs r = {.eax = 0, .ds = DATA_SEGMENT};
  call_interrupt(0x19, &r);
  for (;;) wait_for_interrupt();
}
