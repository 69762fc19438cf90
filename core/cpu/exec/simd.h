// What MMX and SSE instructions share: availability, registers, operands and the lanes of a value.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "core/cpu/exec/fpu.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

// --- availability and operands ---

// SSE's own conditions (SDM 3A 13.1.2 and table 2-1 of SDM 2): #UD, then #NM.
inline bool sse_available(const Cpu& cpu) { return !(cpu.cr0 & (cr0::EM | cr0::TS)) && (cpu.cr4 & cr4::OSFXSR); }
inline GuestFault sse_refusal(const Cpu& cpu) {
  const bool undefined = (cpu.cr0 & cr0::EM) || !(cpu.cr4 & cr4::OSFXSR);
  return {undefined ? Vector::UD : Vector::NM, 0};
}
inline void begin_sse(Cpu& cpu) {
  if (!sse_available(cpu)) [[unlikely]]
    throw sse_refusal(cpu);
}

// MMX: #UD, #NM, and #MF for an x87 exception that waits (SDM 3A 12.1 to 12.5).
inline void begin_mmx(Cpu& cpu) {
  if (cpu.cr0 & cr0::EM) [[unlikely]]
    raise_ud();
  if ((cpu.cr0 & cr0::TS) || (cpu.x87.status & x87_bits::SUMMARY)) [[unlikely]]
    begin_control(cpu);
}

// An MMX register is the significand of a physical x87 register. Touching one leaves all tags valid and TOP 0, writing
// one sets its sign and exponent (SDM 3A table 12-1).
inline void enter_mmx(Cpu& cpu) {
  cpu.x87.top = 0;
  cpu.x87.valid = 0xFF;
}
inline u64 mm(const Cpu& cpu, unsigned n) { return cpu.x87.registers[n].significand; }
inline void set_mm(Cpu& cpu, unsigned n, u64 value) {
  enter_mmx(cpu);
  cpu.x87.registers[n] = {value, 0xFFFF};
}

// Most 16-byte operands in memory must be aligned (SDM 1 11.6.10.1).
inline bool misaligned(const Cpu& cpu, const Insn& i, u32 offset) {
  return (cpu.segment[i.segment].base + offset) & 15;
}

// The second operand, zero-extended if it is in memory and shorter than its register.
template <u32 bytes>
u64 mm_source(Cpu& cpu, const Insn& i) {
  if (!i.memory) return mm(cpu, i.src);
  u64 value = 0;
  if (!cpu.load_bytes_at<bytes>(i.segment, cpu.effective_address(&i), &value)) [[unlikely]]
    throw cpu.fault();
  return value;
}
template <u32 bytes>
[[gnu::noinline]] void load_xmm_operand(Cpu& cpu, const Insn& i, Xmm& value) {
  const u32 offset = cpu.effective_address(&i);
  if (bytes == 16 && misaligned(cpu, i, offset)) [[unlikely]]
    raise_gp();
  if (!cpu.load_bytes_at<bytes>(i.segment, offset, &value)) [[unlikely]]
    throw cpu.fault();
}
// Inlined, so that the register's value is never passed on in two halves.
template <u32 bytes>
[[gnu::always_inline]] inline Xmm xmm_source(Cpu& cpu, const Insn& i) {
  if (!i.memory) return cpu.xmm[i.src];
  Xmm value{};
  load_xmm_operand<bytes>(cpu, i, value);
  return value;
}

// The two register files under one face, for instructions that exist for both.
struct MmxFile {
  using Value = u64;
  static void begin(Cpu& cpu) { begin_mmx(cpu); }
  // Called where a register is only read.
  static void touch(Cpu& cpu) { enter_mmx(cpu); }
  static u64 get(const Cpu& cpu, unsigned n) { return mm(cpu, n); }
  static void set(Cpu& cpu, unsigned n, u64 value) { set_mm(cpu, n, value); }
  template <u32 bytes = 8>
  static u64 source(Cpu& cpu, const Insn& i) {
    return mm_source<bytes>(cpu, i);
  }
};
struct XmmFile {
  using Value = Xmm;
  static void begin(Cpu& cpu) { begin_sse(cpu); }
  static void touch(Cpu&) {}
  static const Xmm& get(const Cpu& cpu, unsigned n) { return cpu.xmm[n]; }
  static void set(Cpu& cpu, unsigned n, const Xmm& value) { cpu.xmm[n] = value; }
  template <u32 bytes = 16>
  [[gnu::always_inline]] static Xmm source(Cpu& cpu, const Insn& i) {
    return xmm_source<bytes>(cpu, i);
  }
};

// --- lanes ---

template <class T, class V>
using Lanes = std::array<T, sizeof(V) / sizeof(T)>;

template <class T, class V>
Lanes<T, V> lanes(const V& value) {
  return std::bit_cast<Lanes<T, V>>(value);
}

template <class T>
constexpr T saturate(i32 value) {
  return static_cast<T>(std::clamp<i32>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

// Packed operations: `template <class V> static V apply(const V& a, const V& b)` with V = u64 or Xmm.

// f on each pair of lanes.
template <class T, T (*f)(T, T)>
struct EachLane {
  template <class V>
  static V apply(const V& a, const V& b) {
    const auto x = lanes<T>(a), y = lanes<T>(b);
    Lanes<T, V> result;
    for (std::size_t n = 0; n < result.size(); ++n) result[n] = f(x[n], y[n]);
    return std::bit_cast<V>(result);
  }
};

template <class File, class Op, u32 memory_bytes = sizeof(typename File::Value)>
void packed(Cpu& cpu, const Insn& i) {
  File::begin(cpu);
  const auto b = File::template source<memory_bytes>(cpu, i);
  File::set(cpu, i.dst, Op::apply(File::get(cpu, i.dst), b));
}

// An operation that exists on both files.
template <class Op>
Handler select_packed(const Shape& s) {
  return s.a == Operand::mmx ? helper<packed<MmxFile, Op>> : helper<packed<XmmFile, Op>>;
}
template <class Op>
Handler select_xmm(const Shape&) {
  return helper<packed<XmmFile, Op>>;
}

}  // namespace penumbra
