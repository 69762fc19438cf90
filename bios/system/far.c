// Copies between the BIOS's data and the rest of memory, and the C library functions the compiler calls.
#include "io.h"

#include "layout.h"

void* memcpy(void* to, const void* from, u32 bytes) {
  void* d = to;
  asm volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(bytes) : : "memory");
  return to;
}

void* memset(void* to, int value, u32 bytes) {
  void* d = to;
  asm volatile("rep stosb" : "+D"(d), "+c"(bytes) : "a"(value) : "memory");
  return to;
}

int memcmp(const void* left, const void* right, u32 bytes) {
  const u8 *a = left, *b = right;
  for (; bytes; --bytes, ++a, ++b)
    if (*a != *b) return *a - *b;
  return 0;
}

void far_read(void* to, u16 segment, u32 offset, u32 bytes) {
  asm volatile(
      "movw %w3, %%ds\n\t"
      "addr32 rep movsb\n\t"
      "movw %w4, %%ds"
      : "+D"(to), "+S"(offset), "+c"(bytes)
      : "r"(segment), "r"(DATA_SEGMENT)
      : "memory");
}

void far_write(u16 segment, u32 offset, const void* from, u32 bytes) {
  asm volatile(
      "movw %w3, %%es\n\t"
      "addr32 rep movsb\n\t"
      "movw %w4, %%es"
      : "+D"(offset), "+S"(from), "+c"(bytes)
      : "r"(segment), "r"(DATA_SEGMENT)
      : "memory");
}

#define PORT_READ(name, instruction)                    \
  void name(u16 port, struct far_ptr to, u32 count) {   \
    u32 offset = to.offset;                             \
    asm volatile(                                       \
        "movw %w2, %%es\n\t"                            \
        "addr32 rep " instruction                       \
        "\n\t"                                          \
        "movw %w4, %%es"                                \
        : "+D"(offset), "+c"(count)                     \
        : "r"(to.segment), "d"(port), "r"(DATA_SEGMENT) \
        : "memory");                                    \
  }
#define PORT_WRITE(name, instruction)                     \
  void name(u16 port, struct far_ptr from, u32 count) {   \
    u32 offset = from.offset;                             \
    asm volatile(                                         \
        "movw %w2, %%ds\n\t"                              \
        "addr32 rep " instruction                         \
        "\n\t"                                            \
        "movw %w4, %%ds"                                  \
        : "+S"(offset), "+c"(count)                       \
        : "r"(from.segment), "d"(port), "r"(DATA_SEGMENT) \
        : "memory");                                      \
  }

PORT_READ(port_read32, "insl")
PORT_READ(port_read16, "insw")
PORT_WRITE(port_write32, "outsl")
PORT_WRITE(port_write16, "outsw")

extern const char op_copy[], op_fill[], op_port_read8[], op_read32[], op_write32[];
u32 flat_call(const char* operation, u32 a, u32 b, u32 c);

void flat_copy(u32 to, u32 from, u32 bytes) { flat_call(op_copy, to, from, bytes); }
void flat_fill(u32 to, u8 value, u32 bytes) { flat_call(op_fill, to, value, bytes); }
void flat_port_read8(u16 port, u32 to, u32 bytes) { flat_call(op_port_read8, to, port, bytes); }
u32 flat_read32(u32 address) { return flat_call(op_read32, address, 0, 0); }
void flat_write32(u32 address, u32 value) { flat_call(op_write32, address, value, 0); }
