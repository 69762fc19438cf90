// CPUID, the local APIC's virtual wire mode and the MTRRs (SDM 3A, 10.4, 11.11).
#include "processor.h"

#include "bios.h"

struct processor processor;

enum { kFeatureMsr = 1u << 5, kFeatureApic = 1u << 9, kFeatureMtrr = 1u << 12 };
enum { kIoApic = 0xFEC00000 };
enum { kApic = 0xFEE00000, kApicId = 0x20, kSpurious = 0xF0, kLint0 = 0x350, kLint1 = 0x360 };
enum { kUncached = 0, kWriteBack = 6 };

static int has_cpuid(void) {
  u32 before, after;
  asm volatile(
      "pushfl\n\tpopl %0\n\tmovl %0, %1\n\txorl $0x200000, %1\n\tpushl %1\n\tpopfl\n\tpushfl\n\tpopl %1\n\t"
      "pushl %0\n\tpopfl"
      : "=&r"(before), "=&r"(after));
  return (before ^ after) & 0x200000;
}

static void cpuid(u32 leaf, u32* a, u32* b, u32* c, u32* d) {
  asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(0));
}

static u64 read_msr(u32 index) {
  u64 value;
  asm volatile("rdmsr" : "=A"(value) : "c"(index));
  return value;
}

static void write_msr(u32 index, u32 low, u32 high) {
  asm volatile("wrmsr" : : "c"(index), "a"(low), "d"(high) : "memory");
}

// INTR through LINT0 as from an 8259, NMI through LINT1: what MPS 1.4, 3.6.2.2 calls virtual wire mode.
static void init_apic(void) {
  flat_write32(kApic + kSpurious, 0x10F);
  flat_write32(kApic + kLint0, 0x700);
  flat_write32(kApic + kLint1, 0x400);
  flat_write32(kIoApic, 0);
  flat_write32(kIoApic + 0x10, IO_APIC_ID << 24);
  processor.apic = 1;
  processor.apic_id = (u8)(flat_read32(kApic + kApicId) >> 24);
}

// All memory write-back but A0000h-BFFFFh and the top of the 4 GiB, where devices are.
static void init_mtrrs(u32 memory_top) {
  u32 address_bits = 36, a, b, c, d;
  cpuid(0x80000000, &a, &b, &c, &d);
  if (a >= 0x80000008 && a < 0x80010000) {
    cpuid(0x80000008, &a, &b, &c, &d);
    address_bits = a & 0xFF;
  }
  const u32 high_mask = address_bits > 32 ? (1u << (address_bits - 32)) - 1 : 0;
  const u64 capabilities = read_msr(0xFE);
  write_msr(0x2FF, 0, 0);
  if (capabilities & 0x100) {
    static const u16 fixed[11] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26A, 0x26B, 0x26C, 0x26D, 0x26E, 0x26F};
    for (u32 i = 0; i < count_of(fixed); ++i) {
      const u32 type = fixed[i] == 0x259 ? 0 : 0x06060606;
      write_msr(fixed[i], type, type);
    }
  }
  for (u32 i = 0; i < (capabilities & 0xFF); ++i) write_msr(0x201 + 2 * i, 0, 0);
  if (capabilities & 0xFF) {
    const u32 hole = memory_top <= 0x80000000 ? 0x80000000 : memory_top <= 0xC0000000 ? 0xC0000000 : 0xE0000000;
    write_msr(0x200, hole | kUncached, 0);
    write_msr(0x201, hole | 0x800, high_mask);
  }
  write_msr(0x2FF, 0x800 | (capabilities & 0x100 ? 0x400 : 0) | kWriteBack, 0);
}

void processor_init(u32 memory_top) {
  if (!has_cpuid()) return;
  u32 most, a, b, c, d;
  u32 name[3];
  cpuid(0, &most, &name[0], &name[2], &name[1]);
  memcpy(processor.vendor, name, sizeof name);
  if (!most) return;
  cpuid(1, &a, &b, &c, &d);
  processor.signature = a;
  processor.features = d;
  if (d & kFeatureApic) init_apic();
  if ((d & kFeatureMsr) && (d & kFeatureMtrr)) init_mtrrs(memory_top);
}
