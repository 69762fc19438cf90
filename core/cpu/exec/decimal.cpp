// Decimal adjustment: AAA AAS AAM AAD DAA DAS, and SALC (SDM 2; SALC is undocumented).
#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

u8& al(Cpu& cpu) { return reg<u8>(cpu, 0); }
u8& ah(Cpu& cpu) { return reg<u8>(cpu, 1); }
u16& ax(Cpu& cpu) { return reg<u16>(cpu, 0); }

template <int Direction>
void ascii_adjust(Cpu& cpu, const Insn&) {
  const bool adjust = (al(cpu) & 0x0F) > 9 || cpu.flags.af();
  if (adjust) ax(cpu) = static_cast<u16>(ax(cpu) + Direction * 0x106);
  al(cpu) &= 0x0F;
  cpu.flags.set_result<u8>(al(cpu), adjust, false, adjust);
}

template <int Direction>
void decimal_adjust(Cpu& cpu, const Insn&) {
  const u8 old = al(cpu);
  const bool old_carry = cpu.flags.cf();
  const bool low = (old & 0x0F) > 9 || cpu.flags.af();
  const bool high = old > 0x99 || old_carry;
  u8 value = old;
  bool carry = high;
  if (low) {
    carry |= Direction < 0 && old < 6;
    value = static_cast<u8>(value + Direction * 6);
  }
  if (high) value = static_cast<u8>(value + Direction * 0x60);
  al(cpu) = value;
  cpu.flags.set_result<u8>(value, carry, false, low);
}

void aam(Cpu& cpu, const Insn& i) {
  const u8 base = static_cast<u8>(i.immediate);
  if (base == 0) raise(Vector::DE);
  ah(cpu) = al(cpu) / base;
  al(cpu) = al(cpu) % base;
  cpu.flags.set_logic<u8>(al(cpu));
}

void aad(Cpu& cpu, const Insn& i) {
  ax(cpu) = static_cast<u8>(al(cpu) + ah(cpu) * static_cast<u8>(i.immediate));
  cpu.flags.set_logic<u8>(al(cpu));
}

void salc(Cpu& cpu, const Insn&) { al(cpu) = cpu.flags.cf() ? 0xFF : 0; }

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_AAA, always<ascii_adjust<1>>},
    {ZYDIS_MNEMONIC_AAS, always<ascii_adjust<-1>>},
    {ZYDIS_MNEMONIC_AAM, always<aam>},
    {ZYDIS_MNEMONIC_AAD, always<aad>},
    {ZYDIS_MNEMONIC_DAA, always<decimal_adjust<1>>},
    {ZYDIS_MNEMONIC_DAS, always<decimal_adjust<-1>>},
    {ZYDIS_MNEMONIC_SALC, always<salc>},
};

}  // namespace

std::span<const Row> rows::decimal() { return kRows; }

}  // namespace penumbra
