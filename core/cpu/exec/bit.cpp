// Bit test and scan: BT BTS BTR BTC BSF BSR (SDM 2).
#include "core/cpu/exec/binary.h"

namespace penumbra {

namespace {

enum class Change : u8 { none, set, reset, complement };

template <Change change, class T>
T changed(T value, unsigned position) {
  const T mask = static_cast<T>(T{1} << position);
  if constexpr (change == Change::set) return value | mask;
  if constexpr (change == Change::reset) return static_cast<T>(value & ~mask);
  if constexpr (change == Change::complement) return value ^ mask;
  return value;
}

template <Change change, class T, bool Immediate>
void bit_test(Cpu& cpu, const Insn& i) {
  constexpr unsigned kBits = 8 * sizeof(T);
  const u32 index = Immediate ? i.immediate : reg<T>(cpu, i.src);
  const unsigned position = index % kBits;
  if (!i.memory) {
    T& value = reg<T>(cpu, i.dst);
    cpu.flags.set_cf(value >> position & 1);
    value = changed<change, T>(value, position);
    return;
  }
  // A register index is signed and reaches memory around the operand.
  u32 offset = cpu.effective_address(&i);
  if constexpr (!Immediate) {
    offset +=
        static_cast<u32>((static_cast<i32>(static_cast<std::make_signed_t<T>>(index)) >> (sizeof(T) == 4 ? 5 : 4)) *
                         static_cast<i32>(sizeof(T)));
    if (i.address16) offset &= 0xFFFF;
  }
  if constexpr (change == Change::none) {
    cpu.flags.set_cf(cpu.read<T>(i.segment, offset) >> position & 1);
  } else {
    const Loaded<u64> value = cpu.load_for_write(i.segment, offset, sizeof(T));
    if (!value.ok) throw cpu.fault();
    cpu.write<T>(i.segment, offset, changed<change, T>(static_cast<T>(value.value), position));
    cpu.flags.set_cf(value.value >> position & 1);
  }
}

template <Change change>
Handler bit_tests(const Shape& shape) {
  if (shape.b == Operand::imm)
    return shape.bits == 16 ? helper<bit_test<change, u16, true>> : helper<bit_test<change, u32, true>>;
  return shape.bits == 16 ? helper<bit_test<change, u16, false>> : helper<bit_test<change, u32, false>>;
}

// Of zero: ZF is set and the destination stays (undefined by the SDM; so do processors). The other flags are undefined.
template <class T, bool Reverse>
void scan(Cpu& cpu, const Insn& i) {
  const T value = source_operand<T>(cpu, i);
  if (value == 0) {
    cpu.flags.set_zf(true);
    return;
  }
  const int position =
      Reverse ? 8 * static_cast<int>(sizeof(T)) - 1 - std::countl_zero(value) : std::countr_zero(value);
  reg<T>(cpu, i.dst) = static_cast<T>(position);
  cpu.flags.set_zf(false);
}

template <bool Reverse>
Handler scans(const Shape& shape) {
  return shape.bits == 16 ? helper<scan<u16, Reverse>> : helper<scan<u32, Reverse>>;
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_BT, bit_tests<Change::none>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_BTS, bit_tests<Change::set>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_BTR, bit_tests<Change::reset>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_BTC, bit_tests<Change::complement>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_BSF, scans<false>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_BSR, scans<true>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::bit() { return kRows; }

}  // namespace penumbra
