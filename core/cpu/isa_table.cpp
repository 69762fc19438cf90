// Gathers the rows of every theme into one array by mnemonic, and says which feature an instruction belongs to.
#include "core/cpu/isa_table.h"

#include <array>
#include <vector>

#include "core/base/check.h"

namespace penumbra {

namespace {

const std::array<Theme, 25>& theme_list() {
  static const std::array<Theme, 25> list = {{{"move", rows::move()},
                                              {"arithmetic", rows::arithmetic()},
                                              {"logic", rows::logic()},
                                              {"shift", rows::shift()},
                                              {"bit", rows::bit()},
                                              {"muldiv", rows::multiply_divide()},
                                              {"decimal", rows::decimal()},
                                              {"stack", rows::stack()},
                                              {"control", rows::branch()},
                                              {"string", rows::string()},
                                              {"flags", rows::flag_operations()},
                                              {"port", rows::port_io()},
                                              {"system", rows::system()},
                                              {"segment", rows::segment_load()},
                                              {"far", rows::far_transfer()},
                                              {"x87", rows::x87()},
                                              {"x87-control", rows::x87_control()},
                                              {"mmx", rows::mmx()},
                                              {"mmx-arithmetic", rows::packed_arithmetic()},
                                              {"mmx-shift", rows::packed_shift()},
                                              {"mmx-shuffle", rows::packed_shuffle()},
                                              {"sse-move", rows::sse_move()},
                                              {"sse-arithmetic", rows::sse_arithmetic()},
                                              {"sse-convert", rows::sse_convert()},
                                              {"sse-control", rows::sse_control()}}};
  return list;
}

struct Table {
  std::array<const Row*, ZYDIS_MNEMONIC_MAX_VALUE + 1> by_mnemonic{};
  std::array<u8, ZYDIS_MNEMONIC_MAX_VALUE + 1> theme{};
  std::vector<const Row*> all;
  u8 string_theme = 0;

  Table() {
    for (u8 n = 0; const Theme& t : theme_list()) {
      if (t.name == "string") string_theme = n;
      for (const Row& row : t.rows) {
        CHECK_THAT(!by_mnemonic[row.mnemonic], "{} has two rows", ZydisMnemonicGetString(row.mnemonic));
        by_mnemonic[row.mnemonic] = &row;
        theme[row.mnemonic] = n;
        all.push_back(&row);
      }
      ++n;
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

std::span<const Theme> themes() { return theme_list(); }

u8 theme_of(const ZydisDecodedInstruction& z) {
  return z.meta.category == ZYDIS_CATEGORY_STRINGOP ? table().string_theme : table().theme[z.mnemonic];
}

u32 themes_named(std::string_view name) {
  u32 found = 0;
  for (u32 bit = 1; const Theme& theme : themes()) {
    const bool part = theme.name.starts_with(name) && theme.name.substr(name.size()).starts_with('-');
    if (name == "all" || theme.name == name || part) found |= bit;
    bit <<= 1;
  }
  return found;
}

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
