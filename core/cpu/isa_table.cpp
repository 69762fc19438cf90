// Gathers the rows of every theme into one array by mnemonic, and says which feature an instruction belongs to.
#include "core/cpu/isa_table.h"

#include <array>
#include <vector>

#include "core/base/check.h"

namespace penumbra {

namespace {

struct Table {
  std::array<const Row*, ZYDIS_MNEMONIC_MAX_VALUE + 1> by_mnemonic{};
  std::vector<const Row*> all;

  Table() {
    for (const std::span<const Row> rows : {rows::move(),
                                            rows::arithmetic(),
                                            rows::logic(),
                                            rows::shift(),
                                            rows::bit(),
                                            rows::multiply_divide(),
                                            rows::decimal(),
                                            rows::stack(),
                                            rows::branch(),
                                            rows::string(),
                                            rows::flag_operations(),
                                            rows::port_io(),
                                            rows::system(),
                                            rows::segment_load(),
                                            rows::far_transfer(),
                                            rows::x87(),
                                            rows::x87_control(),
                                            rows::mmx(),
                                            rows::packed_arithmetic(),
                                            rows::packed_shift(),
                                            rows::packed_shuffle(),
                                            rows::sse_move(),
                                            rows::sse_arithmetic(),
                                            rows::sse_convert(),
                                            rows::sse_control()})
      for (const Row& row : rows) {
        CHECK_THAT(!by_mnemonic[row.mnemonic], "{} has two rows", ZydisMnemonicGetString(row.mnemonic));
        by_mnemonic[row.mnemonic] = &row;
        all.push_back(&row);
      }
  }
};

const Table& table() {
  static const Table instance;
  return instance;
}

// The integer instructions on MMX registers that came with SSE, and on Zydis' list stand under MMX.
bool came_with_sse(ZydisMnemonic m) {
  switch (m) {
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MOVNTQ:
    case ZYDIS_MNEMONIC_PAVGB:
    case ZYDIS_MNEMONIC_PAVGW:
    case ZYDIS_MNEMONIC_PEXTRW:
    case ZYDIS_MNEMONIC_PINSRW:
    case ZYDIS_MNEMONIC_PMAXSW:
    case ZYDIS_MNEMONIC_PMAXUB:
    case ZYDIS_MNEMONIC_PMINSW:
    case ZYDIS_MNEMONIC_PMINUB:
    case ZYDIS_MNEMONIC_PMULHUW:
    case ZYDIS_MNEMONIC_PSADBW:
    case ZYDIS_MNEMONIC_PSHUFW: return true;
    default: return false;
  }
}

}  // namespace

const Row* row_for(ZydisMnemonic mnemonic) { return table().by_mnemonic[mnemonic]; }
std::span<const Row* const> all_rows() { return table().all; }

Feature feature_of(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands) {
  if (z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return Feature::ud;
  switch (z.meta.isa_set) {
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_LAHF:
    case ZYDIS_ISA_SET_PAUSE: return z.mnemonic == ZYDIS_MNEMONIC_CPUID ? Feature::cpuid : Feature::base;
    case ZYDIS_ISA_SET_PENTIUMREAL:
      if (z.mnemonic == ZYDIS_MNEMONIC_RDTSC) return Feature::tsc;
      return z.mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B ? Feature::cx8 : Feature::msr;
    case ZYDIS_ISA_SET_PPRO:
      switch (z.mnemonic) {
        case ZYDIS_MNEMONIC_SYSENTER:
        case ZYDIS_MNEMONIC_SYSEXIT: return Feature::sep;
        case ZYDIS_MNEMONIC_NOP: return Feature::cmov;
        case ZYDIS_MNEMONIC_FCOMI:
        case ZYDIS_MNEMONIC_FCOMIP:
        case ZYDIS_MNEMONIC_FUCOMI:
        case ZYDIS_MNEMONIC_FUCOMIP: return Feature::fcomi;
        default: return Feature::ud;
      }
    case ZYDIS_ISA_SET_FAT_NOP: return Feature::cmov;
    case ZYDIS_ISA_SET_PREFETCH_NOP: return z.mnemonic == ZYDIS_MNEMONIC_NOP ? Feature::cmov : Feature::ud;
    case ZYDIS_ISA_SET_CMOV: return Feature::cmov;
    case ZYDIS_ISA_SET_FCMOV: return Feature::fcomi;
    case ZYDIS_ISA_SET_RDPMC: return Feature::pmc;
    case ZYDIS_ISA_SET_FXSAVE: return Feature::fxsr;
    case ZYDIS_ISA_SET_PENTIUMMMX:
      if (operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].reg.value >= ZYDIS_REGISTER_XMM0 &&
          operands[0].reg.value <= ZYDIS_REGISTER_XMM7)
        return Feature::sse2;
      return came_with_sse(z.mnemonic) ? Feature::sse : Feature::mmx;
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH: return Feature::sse;
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX: return Feature::sse2;
    case ZYDIS_ISA_SET_CLFSH: return Feature::clflush;
    default: return Feature::ud;
  }
}

}  // namespace penumbra
