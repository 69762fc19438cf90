// The check diskette's small library: calling interrupts and saying what was found.
#pragma once

#include "../system/types.h"

struct registers {
  union {
    u32 edi;
    u16 di;
  };
  union {
    u32 esi;
    u16 si;
  };
  union {
    u32 ebp;
    u16 bp;
  };
  union {
    u32 ebx;
    u16 bx;
    struct {
      u8 bl, bh;
    };
  };
  union {
    u32 edx;
    u16 dx;
    struct {
      u8 dl, dh;
    };
  };
  union {
    u32 ecx;
    u16 cx;
    struct {
      u8 cl, ch;
    };
  };
  union {
    u32 eax;
    u16 ax;
    struct {
      u8 al, ah;
    };
  };
  u32 reserved;
  u16 es, ds, flags;
};

_Static_assert(__builtin_offsetof(struct registers, es) == 32, "start.S");

enum { kHere = 0x1000, kCarry = 1, kZero = 0x40 };

void interrupt(u32 vector, struct registers* r);
extern volatile u32 ticks_seen, alarms_seen, breaks_seen, packets_seen;
extern const char on_1c[], on_4a[], on_1b[], on_mouse[];

// 64 KiB further up, for data.
enum { kBuffer = 0x3000 };

#define LOW8(address) (*(volatile u8 __seg_fs*)(address))
#define LOW16(address) (*(volatile u16 __seg_fs*)(address))
#define LOW32(address) (*(volatile u32 __seg_fs*)(address))

static inline struct registers with(u32 eax) { return (struct registers){.eax = eax, .es = kHere, .ds = kHere}; }
static inline int carry(const struct registers* r) { return r->flags & kCarry; }

u8 in8(u16 port);
void out8(u16 port, u8 value);
u32 in32(u16 port);
u8 far8(u16 segment, u32 offset);
u16 far16(u16 segment, u32 offset);
u32 far32(u16 segment, u32 offset);
void set_far8(u16 segment, u32 offset, u8 value);
void set_far32(u16 segment, u32 offset, u32 value);

void say(const char* text);
void say_number(u32 value, u32 digits);
// One check: its name, and what was got where it failed.
void check(int good, const char* name, u32 got);
void note(const char* name, u32 value);

void check_system(void);
void check_floppy(u8 drive);
void check_disk(void);
void check_cd(void);
void check_keyboard(void);
void check_clock(void);
void check_pci(void);
void check_tables(void);
void check_ports(void);
