// What the parts of the BIOS ask of each other: the register frame of a service call, time, CMOS, console, far calls.
#pragma once

#include "bda.h"
#include "io.h"

#define REGISTER(r)  \
  union {            \
    u32 e##r##x;     \
    u16 r##x;        \
    struct {         \
      u8 r##l, r##h; \
    };               \
  }
#define INDEX_REGISTER(r) \
  union {                 \
    u32 e##r;             \
    u16 r;                \
  }

// The caller's registers; what a service leaves here is what the caller gets back. EIP, CS and SS:ESP are read only.
struct regs {
  INDEX_REGISTER(di);
  INDEX_REGISTER(si);
  INDEX_REGISTER(bp);
  REGISTER(b);
  REGISTER(d);
  REGISTER(c);
  REGISTER(a);
  u16 gs, fs, es, ds;
  u16 ip, cs, flags, reserved;
  u32 esp;
  u16 ss, reserved_ss;
};

_Static_assert(__builtin_offsetof(struct regs, eax) == REGS_EAX, "layout.h");
_Static_assert(__builtin_offsetof(struct regs, flags) == REGS_FLAGS, "layout.h");
_Static_assert(sizeof(struct regs) == REGS_SIZE, "layout.h");

enum { kCarry = 0x0001, kZero = 0x0040, kInterrupt = 0x0200 };

static inline void set_carry(struct regs* r, int on) { r->flags = (u16)(on ? r->flags | kCarry : r->flags & ~kCarry); }
static inline void set_zero(struct regs* r, int on) { r->flags = (u16)(on ? r->flags | kZero : r->flags & ~kZero); }
// AH = status, carry set unless it is 0: how most services answer.
static inline void answer(struct regs* r, u8 status) {
  r->ah = status;
  set_carry(r, status != 0);
}

// entry.S: INT `vector` with these registers (segments too); they hold its answer afterwards.
void call_interrupt(u8 vector, struct regs* r);
// entry.S: a far call, as option ROMs want it.
void call_far(struct far_ptr target, struct regs* r);
// entry.S: leaves the BIOS for a boot sector at that address, DL = drive, stack below 7C00h.
__attribute__((noreturn)) void start_boot_sector(struct far_ptr entry, u8 drive);
__attribute__((noreturn)) void start_linux(u16 segment);
__attribute__((noreturn)) void start_multiboot(u32 entry, u32 info);
__attribute__((noreturn)) void reset_machine(void);

// Time. The PM timer counts at 3.579545 MHz in 24 bits.
u32 timer_now(void);
u32 timer_microseconds_since(u32 start);
void delay_microseconds(u32 microseconds);

u8 cmos_read(u8 index);
void cmos_write(u8 index, u8 value);

void post_code(u8 code);
// %s %x %u %c, to the screen and to the debug console at E9h; debug() to the latter alone.
__attribute__((format(printf, 1, 2))) void print(const char* format, ...);
__attribute__((format(printf, 1, 2))) void debug(const char* format, ...);
