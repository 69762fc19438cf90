// What the random walks share: numbers, the checksum, memory, page tables, and calls that survive.
#pragma once

#include "layout.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

enum { CR0_WP = 0x10000, CR4_PSE = 16, CR4_PAE = 32, CR4_PGE = 128 };
#define CR0_PG 0x80000000u
enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, BIG = 0x80, GLOBAL = 0x100, PWU = 7 };
enum { PF = 14, NONE = -1 };

u32 random_u32(void);
u32 below(u32 n);
static inline int one_in(u32 n) { return below(n) == 0; }
// Takes a result into the running checksum.
void mix(u32 value);
// A result that the manual determines and that is another one: the run says so and goes on.
void expect(const char* what, u32 got, u32 want);
void print(const char* text);
void print_hex(u32 value);

// start.S
u32 call_kernel(u32 eip, u32 eax, u32 ecx);
u32 call_user(u32 eip, u32 eax, u32 ecx);
extern u32 caught, caught_error, caught_eip, caught_address;

static inline u32 peek(u32 address) { return *(volatile u32*)address; }
static inline void poke(u32 address, u32 value) { *(volatile u32*)address = value; }
static inline void poke8(u32 address, u8 value) { *(volatile u8*)address = value; }
static inline void poke16(u32 address, u16 value) { *(volatile u16*)address = value; }
static inline void invlpg(u32 linear) { __asm__ volatile("invlpg (%0)" ::"r"(linear) : "memory"); }
#define READ_CR(n) ({ u32 v_; __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v_)); v_; })
#define WRITE_CR(n, value) ({ __asm__ volatile("mov %0, %%cr" #n ::"r"(value) : "memory"); })
static inline void reload_cr3(void) { WRITE_CR(3, READ_CR(3)); }
static inline void outb(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

// One step of each walk.
void code_begin(void);
void code_step(u32 step);
void paging_begin(void);
void paging_step(u32 step);
