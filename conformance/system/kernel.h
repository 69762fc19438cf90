// The test kernel's own interface: situations, what came of them, expectations, descriptors.
#pragma once

#include "layout.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;

enum { DE, DB, NMI, BP, OF, BR, UD, NM, DF, CSO, TS, NP, SS, GP, PF, MF = 16, AC, MC, XM, DONE = 0x100 };
enum {
  F_CF = 1, F_PF = 4, F_AF = 0x10, F_ZF = 0x40, F_SF = 0x80, F_TF = 0x100, F_IF = 0x200, F_DF = 0x400, F_OF = 0x800,
  F_IOPL = 0x3000, F_NT = 0x4000, F_RF = 0x10000, F_VM = 0x20000, F_AC = 0x40000, F_VIF = 0x80000, F_VIP = 0x100000,
  F_ID = 0x200000,
};
enum { CR0_PE = 1, CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_ET = 16, CR0_NE = 32, CR0_WP = 0x10000, CR0_AM = 0x40000 };
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
enum {
  CR4_VME = 1, CR4_PVI = 2, CR4_TSD = 4, CR4_DE = 8, CR4_PSE = 16, CR4_PAE = 32, CR4_MCE = 64, CR4_PGE = 128,
  CR4_PCE = 256, CR4_OSFXSR = 512, CR4_OSXMMEXCPT = 1024,
};

// A register image; the general registers in PUSHA's order.
struct Regs {
  u32 gs, fs, es, ds;
  u32 edi, esi, ebp, unused, ebx, edx, ecx, eax;
  u32 eip, cs, eflags, esp, ss;
  u32 cr0, cr3, cr4;
};

// What the first exception or interrupt found. `vector` is DONE when the code ran to its end.
struct Result {
  u32 vector, error;
  struct Regs regs;                    // as interrupted
  u32 start, end;                      // eip of the code under test and of the UD2 behind it
  u32 entry_ss, entry_esp;             // of the handler, at the lowest thing the processor pushed
  u32 entry_flags;                     // the handler's flags
  u32 words[24];                       // the handler's stack from there
  u32 cr0, cr2, cr3, dr6, dr7;
  u32 main_tss_access;  // access byte of the main TSS's descriptor
};
extern struct Result r;

struct Code {
  const u8* bytes;
  u32 size;
};
#define CODE(text)                                                                                        \
  ({                                                                                                      \
    struct Code code_;                                                                                    \
    u32 end_;                                                                                             \
    __asm__ volatile(".pushsection .rodata\n.intel_syntax noprefix\n7701: " text                          \
                     "\n7702:\n.att_syntax prefix\n.popsection\nmovl $7701b, %0\nmovl $7702b, %1"         \
                     : "=r"(code_.bytes), "=r"(end_));                                                    \
    code_.size = end_ - (u32)code_.bytes;                                                                 \
    code_;                                                                                                \
  })
#define CODE16(text) CODE(".code16\n" text "\n.code32")

struct Regs kernel(void);        // CPL 0, flat
struct Regs user(void);          // CPL 3, flat
struct Regs ring(unsigned cpl);  // flat
struct Regs kernel16(void);      // CPL 0, 16-bit segments at CODE_AREA
struct Regs v86(void);           // IOPL 0; code, data and stack at LOW_...
struct Regs real(void);

// Puts the code at cs:eip with UD2 behind it, enters, and fills `r`.
void run(struct Regs regs, struct Code code);
void run_real(struct Regs regs, struct Code code);

struct CaseEntry {
  const char* name;
  void (*body)(void);
};
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define CASE(text)                                                                                         \
  static void PASTE(case_, __LINE__)(void);                                                                \
  static const struct CaseEntry __attribute__((section(".cases"), used, aligned(4))) PASTE(entry_, __LINE__) = { \
      text, PASTE(case_, __LINE__)};                                                                       \
  static void PASTE(case_, __LINE__)(void)

void fail(const char* format, ...);
void skip(const char* reason);
extern u32 context;  // printed with a failure: where in a loop the case is
void check_equal(const char* what, u32 got, u32 want, int line);
void check_fault(u32 vector, u32 error, u32 eip, int line);
#define EQ(got, want) check_equal(#got, (u32)(got), (u32)(want), __LINE__)
// The code under test faulted at its first instruction, or at that offset, or ran to its end.
#define FAULT(vector, error) check_fault(vector, error, r.start, __LINE__)
#define FAULT_AT(vector, error, offset) check_fault(vector, error, r.start + (offset), __LINE__)
#define COMPLETED() check_fault(DONE, 0, r.end, __LINE__)

extern u64 gdt[], ldt[], idt[];
struct Tss {
  u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
  u32 es, cs, ss, ds, fs, gs, ldt;
  u16 trap, io_map;
  u8 redirection[32];
  u8 map[8192 + 4];
} __attribute__((packed));
extern struct Tss tss, fault_tss;
extern u32 main_tss_limit;

// `flags`: 8 granular, 4 32-bit. `access` as in the descriptor.
void descriptor(u16 selector, u32 base, u32 limit, u8 access, u8 flags);
void call_gate(u16 selector, u16 target, u32 offset, u8 access, u8 count);
void idt_gate(u8 vector, u16 target, u32 offset, u8 access);
u8 access_byte(u16 selector);
u32 stub(u8 vector);
// Code that cases jump to: far from the code under test, UD2 unless a case puts more there.
#define TARGET (CODE_AREA + 0x1000)
void put_code(u32 linear, struct Code code);  // with UD2 behind it
extern int plain_vector;  // a vector that a case raises without an error code (INT n, bare), or -1
void reload_tables(void);

extern u32 debug_control;  // DR7 for the next run only
void breakpoint(u32 number, u32 address, u32 kind, u32 length);  // kind: 0 execute, 1 write, 2 I/O, 3 access
u32 pending_interrupt(void);  // leaves the timer's interrupt pending at the CPU; its vector

u32 cpu_features(void);  // CPUID 1 EDX
int is_intel(void);
enum { HAS_VME = 1 << 1, HAS_DE = 1 << 2, HAS_PSE = 1 << 3, HAS_PAE = 1 << 6, HAS_SEP = 1 << 11, HAS_PGE = 1 << 13 };

static inline u32 peek(u32 address) { return *(volatile u32*)address; }
static inline u16 peek16(u32 address) { return *(volatile u16*)address; }
static inline u8 peek8(u32 address) { return *(volatile u8*)address; }
static inline void poke(u32 address, u32 value) { *(volatile u32*)address = value; }
static inline void poke16(u32 address, u16 value) { *(volatile u16*)address = value; }
static inline void poke8(u32 address, u8 value) { *(volatile u8*)address = value; }
void* memset(void* to, int value, u32 size);
void* memcpy(void* to, const void* from, u32 size);

static inline void outb(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void outw(u16 port, u16 value) { __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline u8 inb(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
