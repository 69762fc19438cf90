// Ports, interrupt flag and far memory.
#pragma once

#include "types.h"

static inline void outb(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory"); }
static inline void outw(u16 port, u16 value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory"); }
static inline void outl(u16 port, u32 value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory"); }

static inline u8 inb(u16 port) {
  u8 value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline u16 inw(u16 port) {
  u16 value;
  asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline u32 inl(u16 port) {
  u32 value;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline void interrupts_on(void) { asm volatile("sti" : : : "memory"); }
static inline void interrupts_off(void) { asm volatile("cli" : : : "memory"); }
// Sleeps until the next interrupt, which cannot slip in before the HLT; leaves interrupts on.
static inline void wait_for_interrupt(void) { asm volatile("sti\n\thlt" : : : "memory"); }

// A real-mode address as programs pass it.
struct far_ptr {
  u16 offset;
  u16 segment;
} packed;

static inline struct far_ptr far(u16 segment, u16 offset) { return (struct far_ptr){offset, segment}; }
static inline u32 linear(struct far_ptr p) { return ((u32)p.segment << 4) + p.offset; }
// The same place with the smallest offset, so that 64 KiB less 16 lie ahead of it.
static inline struct far_ptr normalized(u32 address) {
  if (address >= 0x100000) return far(0xFFFF, (u16)(address - 0xFFFF0));
  return far((u16)(address >> 4), (u16)(address & 15));
}

// FS is 0 in all C code, so low memory is a pointer of this kind; GS is free for everything else.
#define LOW __seg_fs

static inline void load_gs(u16 segment) { asm volatile("movw %w0, %%gs" : : "r"(segment) : "memory"); }

static inline u8 peek8(u16 segment, u32 offset) {
  load_gs(segment);
  return *(volatile u8 __seg_gs*)offset;
}
static inline u16 peek16(u16 segment, u32 offset) {
  load_gs(segment);
  return *(volatile u16 __seg_gs*)offset;
}
static inline u32 peek32(u16 segment, u32 offset) {
  load_gs(segment);
  return *(volatile u32 __seg_gs*)offset;
}
static inline void poke8(u16 segment, u32 offset, u8 value) {
  load_gs(segment);
  *(volatile u8 __seg_gs*)offset = value;
}
static inline void poke16(u16 segment, u32 offset, u16 value) {
  load_gs(segment);
  *(volatile u16 __seg_gs*)offset = value;
}
static inline void poke32(u16 segment, u32 offset, u32 value) {
  load_gs(segment);
  *(volatile u32 __seg_gs*)offset = value;
}

// Copies between the BIOS's own data and real-mode memory.
void far_read(void* to, u16 segment, u32 offset, u32 bytes);
void far_write(u16 segment, u32 offset, const void* from, u32 bytes);
// String I/O to and from real-mode memory.
void port_read32(u16 port, struct far_ptr to, u32 dwords);
void port_write32(u16 port, struct far_ptr from, u32 dwords);
void port_read16(u16 port, struct far_ptr to, u32 words);
void port_write16(u16 port, struct far_ptr from, u32 words);

// Anywhere in 4 GiB, through protected mode: only from POST, boot and INT 15h, never from disk or keyboard services.
void flat_copy(u32 to, u32 from, u32 bytes);
void flat_fill(u32 to, u8 value, u32 bytes);
void flat_port_read8(u16 port, u32 to, u32 bytes);
u32 flat_read32(u32 address);
void flat_write32(u32 address, u32 value);
// Flat address of one of the BIOS's own variables or constants.
#define own_address(object) (0xE0000u + (u32)(object))
