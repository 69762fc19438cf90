// INT 15h: the system services.
#include "int15.h"

#include "boot.h"
#include "clock.h"
#include "layout.h"
#include "memory.h"

extern const u8 system_configuration[];

static void unsupported(struct regs* r) {
  r->ah = 0x86;
  set_carry(r, 1);
}

// 24h: A20 through port 92h.
static void a20(struct regs* r) {
  const u8 port92 = inb(0x92);
  switch (r->al) {
    case 0: outb(0x92, port92 & 0xFC); break;
    case 1: outb(0x92, (port92 & 0xFE) | 2); break;
    case 2: r->al = port92 >> 1 & 1; break;
    case 3: r->bx = 3; break;  // keyboard controller and port 92h
    default: return unsupported(r);
  }
  answer(r, 0);
}

// 87h: CX words between the segments that descriptors 2 and 3 of the table at ES:SI describe.
static void block_move(struct regs* r) {
  u32 cr0;
  asm volatile("smsw %w0" : "=r"(cr0));
  if (cr0 & 1) return answer(r, 3);  // no way into protected mode from here: a monitor must answer this call
  struct {
    u16 limit, base_low;
    u8 base_middle, access, flags, base_high;
  } descriptors[2];
  far_read(descriptors, r->es, r->si + 16u, sizeof descriptors);
  u32 address[2];
  for (u32 i = 0; i < 2; ++i)
    address[i] = descriptors[i].base_low | (u32)descriptors[i].base_middle << 16 | (u32)descriptors[i].base_high << 24;
  const u8 port92 = inb(0x92);
  outb(0x92, (port92 & 0xFE) | 2);
  flat_copy(address[1], address[0], (u32)r->cx * 2);
  outb(0x92, port92 & 0xFE);
  outb(0x80, 0);
  answer(r, 0);
}

void int15(struct regs* r) {
  switch (r->ah) {
    case 0x24: a20(r); break;
    case 0x4F: set_carry(r, 1); break;  // the key stays as it is
    case 0x52: answer(r, 0); break;
    case 0x53: apm_service(r); break;
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x85:
    case 0x90:
    case 0x91: answer(r, 0); break;
    case 0x83:
    case 0x86: wait_service(r); break;
    case 0x87: block_move(r); break;
    case 0x88:
    case 0x8A:
    case 0xE8: memory_service(r); break;
    case 0x89: enter_protected_mode(r); break;
    case 0xC0:
      r->es = CODE_SEGMENT;
      r->bx = (u16)(u32)system_configuration;
      answer(r, 0);
      break;
    case 0xC1:
      r->es = BDA->ebda_segment;
      set_carry(r, 0);
      break;
    case 0xC2: mouse_service(r); break;
    default: unsupported(r); break;
  }
}

static u32 kib_above_1_mib(void) { return memory_usable_end > 0x100000 ? (memory_usable_end - 0x100000) >> 10 : 0; }

static void memory_map_entry(struct regs* r) {
  if (r->edx != 0x534D4150 || r->ebx >= memory_map_count || r->ecx < 20) return unsupported(r);
  far_write(r->es, r->di, &memory_map[r->ebx], 20);
  r->eax = 0x534D4150;
  r->ecx = 20;
  ++r->ebx;
  if (r->ebx == memory_map_count) r->ebx = 0;
  set_carry(r, 0);
}

void memory_service(struct regs* r) {
  const u32 kib = kib_above_1_mib();
  const u32 below_16 = min32(kib, 15 * 1024), above_16 = kib > 15 * 1024 ? (kib - 15 * 1024) >> 6 : 0;
  if (r->ah == 0x88) {
    r->ax = (u16)min32(kib, 0xFFFF);
    return set_carry(r, 0);
  }
  if (r->ah == 0x8A) {
    r->ax = (u16)kib;
    r->dx = (u16)(kib >> 16);
    return set_carry(r, 0);
  }
  switch (r->al) {
    case 0x01:
      r->ax = r->cx = (u16)below_16;
      r->bx = r->dx = (u16)above_16;
      return set_carry(r, 0);
    case 0x81:
      r->eax = r->ecx = below_16;
      r->ebx = r->edx = above_16;
      return set_carry(r, 0);
    case 0x20: return memory_map_entry(r);
    default: return unsupported(r);
  }
}

// CX:DX microseconds. The periodic interrupt only ends the sleep between looks at the timer.
static void wait_here(struct regs* r) {
  u32 left = (u32)r->cx << 16 | r->dx;
  if (BDA->wait_active & 1) {
    r->ah = 0x83;
    return set_carry(r, 1);
  }
  const int sleep = left > 3000;
  if (sleep) clock_periodic_on();
  while (left) {
    const u32 start = timer_now();
    if (left > 3000)
      wait_for_interrupt();
    else
      delay_microseconds(min32(left, 200));
    const u32 passed = timer_microseconds_since(start);
    left = passed && passed < left ? left - passed : 0;
  }
  interrupts_off();
  if (sleep) clock_periodic_off();
  answer(r, 0);
}

void wait_service(struct regs* r) {
  if (r->ah == 0x86) return wait_here(r);
  if (r->al == 1) {
    clock_periodic_off();
    BDA->wait_active = 0;
    return answer(r, 0);
  }
  if (r->al != 0) return unsupported(r);
  if (BDA->wait_active & 1) return set_carry(r, 1);
  BDA->wait_flag.segment = r->es;
  BDA->wait_flag.offset = r->bx;
  BDA->wait_microseconds = (u32)r->cx << 16 | r->dx;
  BDA->wait_active = 1;
  outb(0xA1, inb(0xA1) & 0xFE);
  clock_periodic_on();
  r->ah = 0;
  set_carry(r, 0);
}
