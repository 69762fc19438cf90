// String instructions with and without REP: MOVS CMPS SCAS LODS STOS INS OUTS (SDM 2). Each iteration commits by
// itself; long plain-memory runs go in page-sized pieces, and an interrupt is looked at between pieces.
#include <algorithm>

#include "core/cpu/exec/handlers.h"
#include "core/cpu/exec/port_access.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

// The most iterations of one REP before interrupts are looked at again.
constexpr u32 kPiece = 4096;

struct StringState {
  Cpu& cpu;
  const Insn& i;
  u32 mask;
  i32 step;

  StringState(Cpu& c, const Insn& insn, u32 size)
      : cpu(c),
        i(insn),
        mask(insn.address16 ? 0xFFFF : 0xFFFF'FFFF),
        step(c.flags.rest & eflags::DF ? -static_cast<i32>(size) : static_cast<i32>(size)) {}

  u32 source() const { return cpu.gpr[ESI] & mask; }
  u32 destination() const { return cpu.gpr[EDI] & mask; }
  u32 count() const { return cpu.gpr[ECX] & mask; }
  void advance(u32& r, u32 times = 1) { r = (r & ~mask) | ((r + static_cast<u32>(step) * times) & mask); }
  void spend(u32 times) { cpu.gpr[ECX] = (cpu.gpr[ECX] & ~mask) | ((count() - times) & mask); }
};

// How many of `wanted` elements can be taken from `offset` on inside one page and the segment, going up; and the host
// address of the first. Null where the plain way is not open.
u8* run_in_page(StringState& s, unsigned seg, u32 offset, u32 size, bool write, u32& wanted) {
  if (s.step < 0) return nullptr;
  const Segment& segment = s.cpu.segment[seg];
  const u64 end = std::min<u64>(write ? segment.write_end : segment.read_end, u64{s.mask} + 1);
  if (offset >= end) return nullptr;
  const u32 linear = segment.base + offset;
  const u64 room = std::min<u64>(end - offset, kPageSize - (linear & kPageMask));
  wanted = static_cast<u32>(std::min<u64>(wanted, room / size));
  return wanted ? s.cpu.plain_memory(linear, write) : nullptr;
}

template <class T>
void movs_once(StringState& s) {
  s.cpu.write<T>(ES, s.destination(), s.cpu.read<T>(s.i.segment, s.source()));
  s.advance(s.cpu.gpr[ESI]);
  s.advance(s.cpu.gpr[EDI]);
}
template <class T>
u32 movs_run(StringState& s, u32 count) {
  const u8* from = run_in_page(s, s.i.segment, s.source(), sizeof(T), false, count);
  if (!from) return 0;
  u8* to = run_in_page(s, ES, s.destination(), sizeof(T), true, count);
  if (!to) return 0;
  const u32 bytes = count * static_cast<u32>(sizeof(T));
  // An overlap where the destination follows closely repeats a pattern: element by element, as the guest expects.
  if (to > from && to < from + bytes) {
    for (u32 n = 0; n < bytes; n += sizeof(T)) store<T>(to + n, load<T>(from + n));
  } else {
    std::memmove(to, from, bytes);
  }
  s.advance(s.cpu.gpr[ESI], count);
  s.advance(s.cpu.gpr[EDI], count);
  return count;
}

template <class T>
void stos_once(StringState& s) {
  s.cpu.write<T>(ES, s.destination(), static_cast<T>(s.cpu.gpr[EAX]));
  s.advance(s.cpu.gpr[EDI]);
}
template <class T>
u32 stos_run(StringState& s, u32 count) {
  u8* to = run_in_page(s, ES, s.destination(), sizeof(T), true, count);
  if (!to) return 0;
  const T value = static_cast<T>(s.cpu.gpr[EAX]);
  if constexpr (sizeof(T) == 1) {
    std::memset(to, value, count);
  } else {
    for (u32 n = 0; n < count; ++n) store<T>(to + n * sizeof(T), value);
  }
  s.advance(s.cpu.gpr[EDI], count);
  return count;
}

template <class T>
void lods_once(StringState& s) {
  reg<T>(s.cpu, 0) = s.cpu.read<T>(s.i.segment, s.source());
  s.advance(s.cpu.gpr[ESI]);
}

template <class T>
void cmps_once(StringState& s) {
  const T a = s.cpu.read<T>(s.i.segment, s.source());
  const T b = s.cpu.read<T>(ES, s.destination());
  s.advance(s.cpu.gpr[ESI]);
  s.advance(s.cpu.gpr[EDI]);
  s.cpu.flags.set_sub<T>(a, b, static_cast<T>(a - b));
}

template <class T>
void scas_once(StringState& s) {
  const T a = static_cast<T>(s.cpu.gpr[EAX]);
  const T b = s.cpu.read<T>(ES, s.destination());
  s.advance(s.cpu.gpr[EDI]);
  s.cpu.flags.set_sub<T>(a, b, static_cast<T>(a - b));
}

template <class T>
void ins_once(StringState& s) {
  const u16 port = static_cast<u16>(s.cpu.gpr[EDX]);
  s.cpu.check_write(ES, s.destination(), sizeof(T));
  s.cpu.write<T>(ES, s.destination(), static_cast<T>(port_read(s.cpu, port, static_cast<Width>(sizeof(T)))));
  s.advance(s.cpu.gpr[EDI]);
}
template <class T>
void outs_once(StringState& s) {
  const u16 port = static_cast<u16>(s.cpu.gpr[EDX]);
  port_write(s.cpu, port, static_cast<Width>(sizeof(T)), s.cpu.read<T>(s.i.segment, s.source()));
  s.advance(s.cpu.gpr[ESI]);
}

template <class T>
u32 no_run(StringState&, u32) {
  return 0;
}

// One repeated comparison; if it faults, the flags are what they were before the instruction (SDM 2, REP).
inline void compare_or_restore(StringState& s, const Flags& before, void (*once)(StringState&)) {
  try {
    once(s);
  } catch (const GuestFault&) {
    s.cpu.flags = before;
    throw;
  }
}

// True if the instruction is finished; else it is to be executed again from where its registers stand.
template <class T, void (*once)(StringState&), u32 (*run)(StringState&, u32), bool Compares>
bool repeat(StringState& s) {
  Cpu& cpu = s.cpu;
  const Flags before = cpu.flags;
  u32 left = cpu.single() ? 1 : kPiece;
  while (s.count()) {
    if (!left) {
      // The flags are those of the last comparison only when the instruction is finished.
      if (Compares) cpu.flags = before;
      return false;
    }
    const u32 done = cpu.single() ? 0 : run(s, std::min(left, s.count()));
    if (done) {
      s.spend(done);
      left -= done;
      continue;
    }
    if constexpr (Compares) {
      compare_or_restore(s, before, once);
    } else {
      once(s);
    }
    s.spend(1);
    --left;
    if (Compares && cpu.flags.zf() != (s.i.repetition() == Repeat::rep)) return true;
  }
  return true;
}

template <class T, void (*once)(StringState&), u32 (*run)(StringState&, u32), bool Compares, bool Port>
void string_instruction(Cpu& cpu, const Insn* i) {
  cpu.eip = cpu.eip_after(i);
  cpu.set_current(i);
  StringState s(cpu, *i, sizeof(T));
  // The right to use a port is looked at even if nothing is repeated.
  if constexpr (Port) check_port(cpu, static_cast<u16>(cpu.gpr[EDX]), sizeof(T));
  if (i->repetition() == Repeat::none) {
    once(s);
  } else if (!repeat<T, once, run, Compares>(s)) {
    return cpu.leave_repeating(i);
  }
  return next(cpu, i);
}

template <class T, void (*once)(StringState&), u32 (*run)(StringState&, u32) = no_run<T>, bool Compares = false,
          bool Port = false>
Handler string_form(const Shape&) {
  return string_instruction<T, once, run, Compares, Port>;
}
template <class T, void (*once)(StringState&)>
Handler port_form(const Shape& shape) {
  return string_form<T, once, no_run<T>, false, true>(shape);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_MOVSB, string_form<u8, movs_once<u8>, movs_run<u8>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_MOVSW, string_form<u16, movs_once<u16>, movs_run<u16>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_STOSB, string_form<u8, stos_once<u8>, stos_run<u8>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_STOSW, string_form<u16, stos_once<u16>, stos_run<u16>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_STOSD, string_form<u32, stos_once<u32>, stos_run<u32>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_LODSB, string_form<u8, lods_once<u8>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_LODSW, string_form<u16, lods_once<u16>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_LODSD, string_form<u32, lods_once<u32>>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_CMPSB, string_form<u8, cmps_once<u8>, no_run<u8>, true>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_CMPSW, string_form<u16, cmps_once<u16>, no_run<u16>, true>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_SCASB, string_form<u8, scas_once<u8>, no_run<u8>, true>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_SCASW, string_form<u16, scas_once<u16>, no_run<u16>, true>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_SCASD, string_form<u32, scas_once<u32>, no_run<u32>, true>, kGoesOn, Emission::inlined},
    {ZYDIS_MNEMONIC_INSB, port_form<u8, ins_once<u8>>, true},
    {ZYDIS_MNEMONIC_INSW, port_form<u16, ins_once<u16>>, true},
    {ZYDIS_MNEMONIC_INSD, port_form<u32, ins_once<u32>>, true},
    {ZYDIS_MNEMONIC_OUTSB, port_form<u8, outs_once<u8>>, true},
    {ZYDIS_MNEMONIC_OUTSW, port_form<u16, outs_once<u16>>, true},
    {ZYDIS_MNEMONIC_OUTSD, port_form<u32, outs_once<u32>>, true},
};

}  // namespace

std::span<const Row> rows::string() { return kRows; }

// MOVSD and CMPSD share their mnemonics with SSE2 instructions.
Handler rows::select_movsd_string(const Shape& shape) { return string_form<u32, movs_once<u32>, movs_run<u32>>(shape); }
Handler rows::select_cmpsd_string(const Shape& shape) {
  return string_form<u32, cmps_once<u32>, no_run<u32>, true>(shape);
}

}  // namespace penumbra
