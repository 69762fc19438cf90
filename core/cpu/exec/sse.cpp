// MOVSD and CMPSD, whose mnemonics the string instructions share with SSE2.
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

Handler select_movsd(const Shape& shape) {
  return shape.a == Operand::none ? rows::select_movsd_string(shape) : nullptr;
}
Handler select_cmpsd(const Shape& shape) {
  return shape.a == Operand::none ? rows::select_cmpsd_string(shape) : nullptr;
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_MOVSD, select_movsd},
    {ZYDIS_MNEMONIC_CMPSD, select_cmpsd},
};

}  // namespace

std::span<const Row> rows::sse() { return kRows; }

}  // namespace penumbra
