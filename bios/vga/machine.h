// What the VGA BIOS sees of the machine: fixed-size integers, ports, and memory through the segment registers.
//
// Registers while C code runs (set up by entry.S): CS = DS = this ROM, FS = SS = the caller's stack, GS = 0, ES =
// scratch. Constants live in the ROM and are read through DS. The address of a local variable must never be taken,
// because it would be used with DS: check-stack-addresses.sh looks for such code in the build.
#pragma once

// Near calls and returns with 16-bit addresses in the 4 bytes that the compiler reckons with: shorter, and known to the
// emulators of real mode inside X servers and operating systems, some of which get CALL and RET with 66h wrong.
__asm__(
    ".macro call target\n  pushw %ax\n  callw \\target\n.endm\n"
    ".macro ret\n  retw $2\n.endm");

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef signed int s32;
typedef _Bool bool;
#define true 1
#define false 0
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

typedef struct {
  u16 offset;
  u16 segment;
} FarPointer;

typedef union {
  u32 e;
  u16 x;
  struct {
    u8 l, h;
  };
} Register;

// The caller's registers as entry.S pushes them, then what INT pushed.
typedef struct {
  Register di, si, bp, sp, bx, dx, cx, ax;
  u16 gs, fs, es, ds;
  u16 ip, cs, flags;
} FrameLayout;
typedef __seg_fs FrameLayout* Frame;

#define INLINE static inline __attribute__((always_inline))

INLINE u8 in8(u16 port) {
  u8 value;
  __asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port));
  return value;
}
INLINE void out8(u16 port, u8 value) { __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port)); }
INLINE u16 in16(u16 port) {
  u16 value;
  __asm__ volatile("inw %w1, %w0" : "=a"(value) : "Nd"(port));
  return value;
}
INLINE void out16(u16 port, u16 value) { __asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port)); }
INLINE u32 in32(u16 port) {
  u32 value;
  __asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
INLINE void out32(u16 port, u32 value) { __asm__ volatile("outl %0, %w1" : : "a"(value), "Nd"(port)); }

// Writes an indexed VGA register: index at `port`, value at `port` + 1.
INLINE void out_indexed(u16 port, u8 index, u8 value) { out16(port, (u16)(index | value << 8)); }
INLINE u8 in_indexed(u16 port, u8 index) {
  out8(port, index);
  return in8(port + 1);
}

// Memory in segment ES. Offsets wrap at 10000h as real-mode addresses do.
INLINE void set_es(u16 segment) { __asm__ volatile("movw %w0, %%es" : : "r"((u32)segment) : "memory"); }
INLINE u8 es_read8(u32 offset) {
  u8 value;
  __asm__ volatile("movb %%es:(%1), %0" : "=q"(value) : "r"((u32)(u16)offset) : "memory");
  return value;
}
INLINE u16 es_read16(u32 offset) {
  u16 value;
  __asm__ volatile("movw %%es:(%1), %0" : "=r"(value) : "r"((u32)(u16)offset) : "memory");
  return value;
}
INLINE u32 es_read32(u32 offset) {
  u32 value;
  __asm__ volatile("movl %%es:(%1), %0" : "=r"(value) : "r"((u32)(u16)offset) : "memory");
  return value;
}
INLINE void es_write8(u32 offset, u8 value) {
  __asm__ volatile("movb %0, %%es:(%1)" : : "q"(value), "r"((u32)(u16)offset) : "memory");
}
INLINE void es_write16(u32 offset, u16 value) {
  __asm__ volatile("movw %0, %%es:(%1)" : : "r"(value), "r"((u32)(u16)offset) : "memory");
}
INLINE void es_write32(u32 offset, u32 value) {
  __asm__ volatile("movl %0, %%es:(%1)" : : "r"(value), "r"((u32)(u16)offset) : "memory");
}
INLINE void es_fill8(u32 offset, u8 value, u32 count) {
  __asm__ volatile("rep stosb" : "+D"(offset), "+c"(count) : "a"(value) : "memory");
}
INLINE void es_fill32(u32 offset, u32 value, u32 doublewords) {
  __asm__ volatile("rep stosl" : "+D"(offset), "+c"(doublewords) : "a"(value) : "memory");
}
// Doublewords as far as they go: each access to display memory may leave the CPU.
INLINE void es_fill16(u32 offset, u16 value, u32 words) {
  es_fill32(offset, (u32)value << 16 | value, words >> 1);
  if (words & 1) es_write16(offset + (words - 1) * 2, value);
}
// Copies inside ES, upwards.
INLINE void es_move8(u32 to, u32 from, u32 count) {
  __asm__ volatile("rep movsb %%es:(%%si), %%es:(%%di)" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}
INLINE void es_move32(u32 to, u32 from, u32 doublewords) {
  __asm__ volatile("rep movsl %%es:(%%si), %%es:(%%di)" : "+D"(to), "+S"(from), "+c"(doublewords) : : "memory");
}
INLINE void es_move16(u32 to, u32 from, u32 words) {
  es_move32(to, from, words >> 1);
  if (words & 1) es_write16(to + (words - 1) * 2, es_read16(from + (words - 1) * 2));
}

// Memory behind a far pointer; DS is borrowed for the access, so operands must be registers.
INLINE u8 far_read8(u16 segment, u32 offset) {
  u8 value;
  __asm__ volatile("pushw %%ds; movw %w1, %%ds; movb (%2), %0; popw %%ds"
                   : "=&q"(value)
                   : "r"((u32)segment), "r"((u32)(u16)offset)
                   : "memory");
  return value;
}
INLINE u16 far_read16(u16 segment, u32 offset) {
  return (u16)(far_read8(segment, offset) | far_read8(segment, (u16)(offset + 1)) << 8);
}
INLINE FarPointer far_read_pointer(u16 segment, u32 offset) {
  FarPointer pointer = {far_read16(segment, offset), far_read16(segment, (u16)(offset + 2))};
  return pointer;
}
// Copies from a far pointer to ES.
INLINE void es_copy_far(u32 to, u16 segment, u32 offset, u32 count) {
  __asm__ volatile("pushw %%ds; movw %w3, %%ds; rep movsb (%%si), %%es:(%%di); popw %%ds"
                   : "+D"(to), "+S"(offset), "+c"(count)
                   : "a"((u32)segment)
                   : "memory");
}
