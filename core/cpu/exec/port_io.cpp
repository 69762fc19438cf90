// IN and OUT, and the I/O permission map (SDM 1 19.5).
#include "core/cpu/exec/handlers.h"
#include "core/cpu/exec/port_access.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

void check_port(Cpu& cpu, u16 port, u32 bytes) {
  if (!cpu.protected_mode() || (!cpu.v86() && cpu.cpl <= cpu.iopl())) return;
  const Segment& tr = cpu.tr;
  // Only a 32-bit TSS has a map, at the offset that its word at 66h gives.
  const bool tss32 = tr.present() && (tr.type() == 9 || tr.type() == 11);
  if (!tss32 || tr.limit < 103) raise_gp();
  const u32 map = cpu.read_system<u16>(tr.base + 0x66);
  const u32 offset = map + port / 8;
  if (offset + 1 > tr.limit) raise_gp();
  const u32 denied = cpu.read_system<u16>(tr.base + offset) >> (port & 7) & ((1u << bytes) - 1);
  if (denied) raise_gp();
}

u32 port_read(Cpu& cpu, u16 port, Width width) {
  cpu.note_io_access(port, bytes_of(width));
  return cpu.ports().in(port, width);
}

void port_write(Cpu& cpu, u16 port, Width width, u32 value) {
  cpu.note_io_access(port, bytes_of(width));
  cpu.ports().out(port, width, value);
}

namespace {

u16 port_of(Cpu& cpu, const Insn& i, bool immediate) {
  return immediate ? static_cast<u8>(i.immediate) : static_cast<u16>(cpu.gpr[EDX]);
}

template <class T, bool Immediate>
void in(Cpu& cpu, const Insn& i) {
  const u16 port = port_of(cpu, i, Immediate);
  check_port(cpu, port, sizeof(T));
  reg<T>(cpu, 0) = static_cast<T>(port_read(cpu, port, static_cast<Width>(sizeof(T))));
}

template <class T, bool Immediate>
void out(Cpu& cpu, const Insn& i) {
  const u16 port = port_of(cpu, i, Immediate);
  check_port(cpu, port, sizeof(T));
  port_write(cpu, port, static_cast<Width>(sizeof(T)), reg<T>(cpu, 0));
}

// By opcode: E4-E7 immediate port, EC-EF DX; the low bit says byte or operand size.
Handler select_in(const Shape& shape) {
  const bool immediate = shape.opcode < 0xE8;
  const unsigned bits = shape.opcode & 1 ? shape.insn->operand_bits : 8;
  const auto pick = [&](Handler by_immediate, Handler by_dx) { return immediate ? by_immediate : by_dx; };
  if (bits == 8) return pick(helper<in<u8, true>, After::leave>, helper<in<u8, false>, After::leave>);
  if (bits == 16) return pick(helper<in<u16, true>, After::leave>, helper<in<u16, false>, After::leave>);
  return pick(helper<in<u32, true>, After::leave>, helper<in<u32, false>, After::leave>);
}

Handler select_out(const Shape& shape) {
  const bool immediate = shape.opcode < 0xE8;
  const unsigned bits = shape.opcode & 1 ? shape.insn->operand_bits : 8;
  const auto pick = [&](Handler by_immediate, Handler by_dx) { return immediate ? by_immediate : by_dx; };
  if (bits == 8) return pick(helper<out<u8, true>, After::leave>, helper<out<u8, false>, After::leave>);
  if (bits == 16) return pick(helper<out<u16, true>, After::leave>, helper<out<u16, false>, After::leave>);
  return pick(helper<out<u32, true>, After::leave>, helper<out<u32, false>, After::leave>);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_IN, select_in, true},
    {ZYDIS_MNEMONIC_OUT, select_out, true},
};

}  // namespace

std::span<const Row> rows::port_io() { return kRows; }

}  // namespace penumbra
