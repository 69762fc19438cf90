// Enumeration of the opcode maps with Zydis, and the lists of what is left out and why.
#include "conformance/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/check.h"

namespace penumbra::conformance {
namespace {

// The instruction sets of the p4 model: IA-32 with x87, MMX, SSE, SSE2.
constexpr std::array kModelSets{
    ZYDIS_ISA_SET_I86,        ZYDIS_ISA_SET_I186,    ZYDIS_ISA_SET_I286REAL, ZYDIS_ISA_SET_I286PROTECTED,
    ZYDIS_ISA_SET_I386,       ZYDIS_ISA_SET_I486,    ZYDIS_ISA_SET_I486REAL, ZYDIS_ISA_SET_PENTIUMREAL,
    ZYDIS_ISA_SET_PENTIUMMMX, ZYDIS_ISA_SET_PPRO,    ZYDIS_ISA_SET_FCMOV,    ZYDIS_ISA_SET_X87,
    ZYDIS_ISA_SET_CMOV,       ZYDIS_ISA_SET_FAT_NOP, ZYDIS_ISA_SET_PAUSE,    ZYDIS_ISA_SET_SSE,
    ZYDIS_ISA_SET_SSE2,       ZYDIS_ISA_SET_SSE2MMX, ZYDIS_ISA_SET_SSEMXCSR, ZYDIS_ISA_SET_SSE_PREFETCH,
    ZYDIS_ISA_SET_FXSAVE,     ZYDIS_ISA_SET_CLFSH,   ZYDIS_ISA_SET_LAHF,
};

// Sets that no Pentium 4 has and whose opcodes it refuses. Sets that it executes as something else (MPX, CET and
// CLDEMOTE are hint NOPs there, TZCNT is BSF) or whose prefixes it may ignore are not here.
constexpr std::array kLaterSets{
    ZYDIS_ISA_SET_SSE3,    ZYDIS_ISA_SET_RDRAND,   ZYDIS_ISA_SET_RDSEED, ZYDIS_ISA_SET_VTX,   ZYDIS_ISA_SET_SVM,
    ZYDIS_ISA_SET_MONITOR, ZYDIS_ISA_SET_MONITORX, ZYDIS_ISA_SET_RDTSCP, ZYDIS_ISA_SET_XSAVE, ZYDIS_ISA_SET_XSAVEC,
    ZYDIS_ISA_SET_XSAVES,  ZYDIS_ISA_SET_XSAVEOPT, ZYDIS_ISA_SET_SMAP,   ZYDIS_ISA_SET_RTM,   ZYDIS_ISA_SET_SSE4A,
    ZYDIS_ISA_SET_POPCNT,  ZYDIS_ISA_SET_SMX,      ZYDIS_ISA_SET_VMFUNC, ZYDIS_ISA_SET_SGX,   ZYDIS_ISA_SET_SERIALIZE,
};

// Left out because the host can't be asked.
constexpr std::array kNotAsked{
    ZYDIS_MNEMONIC_SYSENTER, ZYDIS_MNEMONIC_SYSCALL, ZYDIS_MNEMONIC_SYSEXIT,
    ZYDIS_MNEMONIC_SYSRET,  // real kernel entries
    ZYDIS_MNEMONIC_SGDT,     ZYDIS_MNEMONIC_SIDT,    ZYDIS_MNEMONIC_SLDT,
    ZYDIS_MNEMONIC_STR,      ZYDIS_MNEMONIC_SMSW,                           // UMIP
    ZYDIS_MNEMONIC_CPUID,    ZYDIS_MNEMONIC_RDTSC,   ZYDIS_MNEMONIC_RDPMC,  // answers are the host's own
    ZYDIS_MNEMONIC_HLT,                                                     // ends the case
    ZYDIS_MNEMONIC_INT1,     // Linux delivers it as a trap that looks like a single step
    ZYDIS_MNEMONIC_UD0,      // with or without a ModRM byte, by processor
    ZYDIS_MNEMONIC_FSTPNCE,  // not in the manuals; processors differ where ST(0) is empty
    ZYDIS_MNEMONIC_RSM,      // #UD on every host; hypervisors differ in how they say so
};

template <class List, class T>
bool contains(const List& list, T value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

struct Probe {
  ZydisDecodedInstruction insn;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
};

class Enumerator {
 public:
  Enumerator() { ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32); }

  std::vector<Row> all(bool in_model) {
    in_model_ = in_model;
    rows_.clear();
    for (unsigned opcode = 0; opcode < 0x100; ++opcode)
      if (!is_prefix(opcode)) add_opcode(0, false, static_cast<u8>(opcode));
    for (const u8 prefix : {0x00, 0x66, 0xF2, 0xF3})
      for (unsigned opcode = 0; opcode < 0x100; ++opcode)
        if (opcode != 0x38 && opcode != 0x3A) add_opcode(prefix, true, static_cast<u8>(opcode));
    return std::move(rows_);
  }

 private:
  static bool is_prefix(unsigned opcode) {
    constexpr std::array kPrefixes{0x0Fu, 0x26u, 0x2Eu, 0x36u, 0x3Eu, 0x64u, 0x65u, 0x66u, 0x67u, 0xF0u, 0xF2u, 0xF3u};
    return contains(kPrefixes, opcode);
  }

  std::optional<Probe> probe(const Row& row, u8 modrm) const {
    std::array<u8, 16> bytes{};
    size_t at = 0;
    if (row.prefix) bytes[at++] = row.prefix;
    if (row.two_byte) bytes[at++] = 0x0F;
    bytes[at++] = row.opcode;
    bytes[at] = modrm;
    Probe result;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, bytes.data(), 15, &result.insn, result.operands.data())))
      return std::nullopt;
    return result;
  }

  void add_opcode(u8 prefix, bool two_byte, u8 byte) {
    Row opcode;
    opcode.prefix = prefix;
    opcode.two_byte = two_byte;
    opcode.opcode = byte;
    constexpr u8 kMemory = 0x03, kRegister = 0xC0;
    std::array<std::optional<Probe>, 16> forms;  // by reg field: memory, then register
    bool modrm = false;
    for (unsigned reg = 0; reg < 8; ++reg) {
      forms[reg] = probe(opcode, static_cast<u8>(kMemory | reg << 3));
      forms[8 + reg] = probe(opcode, static_cast<u8>(kRegister | reg << 3));
    }
    for (const auto& form : forms) modrm |= form && (form->insn.attributes & ZYDIS_ATTRIB_HAS_MODRM);
    if (!modrm) {
      if (forms[0]) add(opcode, *forms[0]);
      return;
    }
    Row row = opcode;
    row.modrm = true;
    for (const bool memory : {true, false}) {
      row.memory = memory;
      const auto* half = &forms[memory ? 0 : 8];
      const bool one = std::all_of(
          half, half + 8, [&](const auto& f) { return f && half[0] && f->insn.mnemonic == half[0]->insn.mnemonic; });
      for (int reg = 0; reg < (one ? 1 : 8); ++reg) {
        row.reg = static_cast<i8>(one ? -1 : reg);
        if (memory) {
          if (half[reg]) add(row, *half[reg]);
        } else {
          add_register_forms(row, static_cast<u8>(kRegister | reg << 3));
        }
      }
    }
  }

  // One row for all rm values that mean the same, else one for each.
  void add_register_forms(Row row, u8 modrm) {
    std::array<std::optional<Probe>, 8> forms;
    for (unsigned rm = 0; rm < 8; ++rm) forms[rm] = probe(row, static_cast<u8>(modrm | rm));
    const bool one = std::all_of(forms.begin(), forms.end(), [&](const auto& f) {
      return f && forms[0] && f->insn.mnemonic == forms[0]->insn.mnemonic;
    });
    for (int rm = 0; rm < (one ? 1 : 8); ++rm) {
      row.rm = static_cast<i8>(one ? -1 : rm);
      if (forms[static_cast<size_t>(rm)]) add(row, *forms[static_cast<size_t>(rm)]);
    }
  }

  void add(Row row, const Probe& probe) {
    const ZydisISASet set = probe.insn.meta.isa_set;
    if (!(in_model_ ? contains(kModelSets, set) : contains(kLaterSets, set))) return;
    if (contains(kNotAsked, probe.insn.mnemonic)) return;
    // A prefix that doesn't select another instruction is no row: F2 and F3 are then ignored, 66h alone gives a 16-bit
    // operand. PAUSE apart, Zydis says so by the prefix's own attributes.
    if ((row.prefix == 0xF2 || row.prefix == 0xF3) && !selects(probe)) return;
    row.unit = unit_of(probe);
    row.mnemonic = probe.insn.mnemonic;
    row.name = name_of(row);
    rows_.push_back(row);
  }

  static bool selects(const Probe& probe) {
    for (unsigned i = 0; i < probe.insn.raw.prefix_count; ++i)
      if (probe.insn.raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_MANDATORY) return true;
    return false;
  }

  static Unit unit_of(const Probe& probe) {
    switch (probe.insn.meta.isa_set) {
      case ZYDIS_ISA_SET_X87:
      case ZYDIS_ISA_SET_FCMOV: return Unit::x87;
      case ZYDIS_ISA_SET_PENTIUMMMX: return Unit::mmx;
      default: break;
    }
    if (probe.insn.mnemonic == ZYDIS_MNEMONIC_FWAIT || probe.insn.meta.category == ZYDIS_CATEGORY_X87_ALU)
      return Unit::x87;
    Unit unit = Unit::integer;
    for (unsigned i = 0; i < probe.insn.operand_count; ++i) {
      if (probe.operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
      const ZydisRegisterClass kind = ZydisRegisterGetClass(probe.operands[i].reg.value);
      if (kind == ZYDIS_REGCLASS_MMX && unit != Unit::sse) unit = Unit::mmx;
      if (kind == ZYDIS_REGCLASS_XMM) unit = Unit::sse;
    }
    if (unit == Unit::integer) {
      switch (probe.insn.meta.isa_set) {
        case ZYDIS_ISA_SET_SSE:
        case ZYDIS_ISA_SET_SSE2:
        case ZYDIS_ISA_SET_SSEMXCSR:
        case ZYDIS_ISA_SET_FXSAVE: return Unit::sse;
        default: break;
      }
    }
    return unit;
  }

  static std::string name_of(const Row& row) {
    std::string name;
    if (row.prefix) name += fmt::format("{:02X}.", row.prefix);
    if (row.two_byte) name += "0F.";
    name += fmt::format("{:02X}.", row.opcode);
    if (row.modrm) {
      if (row.rm >= 0) {
        name += fmt::format("{:02X}.", 0xC0 | row.reg << 3 | row.rm);
      } else {
        if (row.reg >= 0) name += fmt::format("{}.", row.reg);
        name += row.memory ? "m." : "r.";
      }
    }
    return name + ZydisMnemonicGetString(row.mnemonic);
  }

  ZydisDecoder decoder_;
  bool in_model_ = true;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> user_rows() { return Enumerator().all(true); }
std::vector<Row> undefined_rows() { return Enumerator().all(false); }

}  // namespace penumbra::conformance
