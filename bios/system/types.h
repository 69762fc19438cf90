// Integer names and the few library functions of the BIOS; the compiler calls mem* by itself.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef signed short i16;
typedef signed int i32;

_Static_assert(sizeof(u64) == 8 && sizeof(void*) == 4, "the BIOS is 32-bit code in 16-bit segments");

#define packed __attribute__((packed))
#define count_of(array) (sizeof(array) / sizeof((array)[0]))

void* memcpy(void* to, const void* from, u32 bytes);
void* memset(void* to, int value, u32 bytes);
int memcmp(const void* left, const void* right, u32 bytes);

static inline u32 min32(u32 a, u32 b) { return a < b ? a : b; }
