// The table and its evaluation for one case.
#include "conformance/undefined.h"

#include <algorithm>

#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

constexpr u32 CF = 0x1, PF = 0x4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800;
constexpr u32 kAll = CF | PF | AF | ZF | SF | OF;
constexpr u16 C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000;

#define M(name) ZYDIS_MNEMONIC_##name
constexpr UndefinedEntry kTable[] = {
    {M(AND), When::always, AF, 0, Result::exact, "SDM 2 AND: AF is undefined"},
    {M(OR), When::always, AF, 0, Result::exact, "SDM 2 OR: AF is undefined"},
    {M(XOR), When::always, AF, 0, Result::exact, "SDM 2 XOR: AF is undefined"},
    {M(TEST), When::always, AF, 0, Result::exact, "SDM 2 TEST: AF is undefined"},
    {M(MUL), When::always, SF | ZF | AF | PF, 0, Result::exact, "SDM 2 MUL: SF, ZF, AF, PF are undefined"},
    {M(IMUL), When::always, SF | ZF | AF | PF, 0, Result::exact, "SDM 2 IMUL: SF, ZF, AF, PF are undefined"},
    {M(DIV), When::always, kAll, 0, Result::exact, "SDM 2 DIV: all six are undefined"},
    {M(IDIV), When::always, kAll, 0, Result::exact, "SDM 2 IDIV: all six are undefined"},
    {M(DAA), When::always, OF, 0, Result::exact, "SDM 2 DAA: OF is undefined"},
    {M(DAS), When::always, OF, 0, Result::exact, "SDM 2 DAS: OF is undefined"},
    {M(AAA), When::always, OF | SF | ZF | PF, 0, Result::exact, "SDM 2 AAA: OF, SF, ZF, PF are undefined"},
    {M(AAS), When::always, OF | SF | ZF | PF, 0, Result::exact, "SDM 2 AAS: OF, SF, ZF, PF are undefined"},
    {M(AAM), When::always, OF | AF | CF, 0, Result::exact, "SDM 2 AAM: OF, AF, CF are undefined"},
    {M(AAD), When::always, OF | AF | CF, 0, Result::exact, "SDM 2 AAD: OF, AF, CF are undefined"},
    {M(SHL), When::count_not_zero, AF, 0, Result::exact, "SDM 2 SHL: AF is undefined"},
    {M(SHR), When::count_not_zero, AF, 0, Result::exact, "SDM 2 SHR: AF is undefined"},
    {M(SAR), When::count_not_zero, AF, 0, Result::exact, "SDM 2 SAR: AF is undefined"},
    {M(SHL), When::count_not_one, OF, 0, Result::exact, "SDM 2 SHL: OF is defined for 1-bit shifts only"},
    {M(SHR), When::count_not_one, OF, 0, Result::exact, "SDM 2 SHR: OF is defined for 1-bit shifts only"},
    {M(SAR), When::count_not_one, OF, 0, Result::exact, "SDM 2 SAR: OF is defined for 1-bit shifts only"},
    {M(SHL), When::count_too_large, CF, 0, Result::exact, "SDM 2 SHL: CF, counts from the operand's width on"},
    {M(SHR), When::count_too_large, CF, 0, Result::exact, "SDM 2 SHR: CF, counts from the operand's width on"},
    {M(ROL), When::count_not_one, OF, 0, Result::exact, "SDM 2 ROL: OF is defined for 1-bit rotates only"},
    {M(ROR), When::count_not_one, OF, 0, Result::exact, "SDM 2 ROR: OF is defined for 1-bit rotates only"},
    {M(RCL), When::count_not_one, OF, 0, Result::exact, "SDM 2 RCL: OF is defined for 1-bit rotates only"},
    {M(RCR), When::count_not_one, OF, 0, Result::exact, "SDM 2 RCR: OF is defined for 1-bit rotates only"},
    {M(SHLD), When::count_not_zero, AF, 0, Result::exact, "SDM 2 SHLD: AF is undefined"},
    {M(SHRD), When::count_not_zero, AF, 0, Result::exact, "SDM 2 SHRD: AF is undefined"},
    {M(SHLD), When::count_not_one, OF, 0, Result::exact, "SDM 2 SHLD: OF is defined for 1-bit shifts only"},
    {M(SHRD), When::count_not_one, OF, 0, Result::exact, "SDM 2 SHRD: OF is defined for 1-bit shifts only"},
    {M(SHLD), When::count_beyond, kAll, 0, Result::undefined, "SDM 2 SHLD: count over the width: result and flags"},
    {M(SHRD), When::count_beyond, kAll, 0, Result::undefined, "SDM 2 SHRD: count over the width: result and flags"},
    {M(BT), When::always, OF | SF | AF | PF, 0, Result::exact, "SDM 2 BT: OF, SF, AF, PF are undefined"},
    {M(BTS), When::always, OF | SF | AF | PF, 0, Result::exact, "SDM 2 BTS: OF, SF, AF, PF are undefined"},
    {M(BTR), When::always, OF | SF | AF | PF, 0, Result::exact, "SDM 2 BTR: OF, SF, AF, PF are undefined"},
    {M(BTC), When::always, OF | SF | AF | PF, 0, Result::exact, "SDM 2 BTC: OF, SF, AF, PF are undefined"},
    {M(BSF), When::always, CF | OF | SF | AF | PF, 0, Result::exact, "SDM 2 BSF: all but ZF are undefined"},
    {M(BSR), When::always, CF | OF | SF | AF | PF, 0, Result::exact, "SDM 2 BSR: all but ZF are undefined"},
    {M(BSF), When::source_zero, 0, 0, Result::undefined, "SDM 2 BSF: a zero source leaves the result undefined"},
    {M(BSR), When::source_zero, 0, 0, Result::undefined, "SDM 2 BSR: a zero source leaves the result undefined"},
    {M(BSWAP), When::operand16, 0, 0, Result::undefined, "SDM 2 BSWAP: 16-bit registers give an undefined result"},
    {M(RCPPS), When::always, 0, 0, Result::approximate, "SDM 2 RCPPS: relative error up to 1.5 * 2^-12"},
    {M(RCPSS), When::always, 0, 0, Result::approximate, "SDM 2 RCPSS: relative error up to 1.5 * 2^-12"},
    {M(RSQRTPS), When::always, 0, 0, Result::approximate, "SDM 2 RSQRTPS: relative error up to 1.5 * 2^-12"},
    {M(RSQRTSS), When::always, 0, 0, Result::approximate, "SDM 2 RSQRTSS: relative error up to 1.5 * 2^-12"},
    {M(F2XM1), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FYL2X), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FYL2XP1), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FPTAN), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FPATAN), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FSIN), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FCOS), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FSINCOS), When::always, 0, C1, Result::last_places, "SDM 1 8.3.10: transcendentals, error up to 1 ulp"},
    {M(FCOMI), When::operand_unmasked, kAll, 0, Result::exact, "SDM 2 FCOMI: flags stay; processors set them"},
    {M(FCOMIP), When::operand_unmasked, kAll, 0, Result::exact, "SDM 2 FCOMI: flags stay; processors set them"},
    {M(FUCOMI), When::operand_unmasked, kAll, 0, Result::exact, "SDM 2 FCOMI: flags stay; processors set them"},
    {M(FUCOMIP), When::operand_unmasked, kAll, 0, Result::exact, "SDM 2 FCOMI: flags stay; processors set them"},
    {M(FPREM), When::result_nan, 0, C0 | C1 | C3, Result::exact, "SDM 2 FPREM: a NaN has no quotient bits"},
    {M(FPREM1), When::result_nan, 0, C0 | C1 | C3, Result::exact, "SDM 2 FPREM1: a NaN has no quotient bits"},
    {M(FPTAN), When::stack_fault, 0, C2, Result::exact, "SDM 2 FPTAN: C2 tells of the operand's range; there is none"},
    {M(FSIN), When::stack_fault, 0, C2, Result::exact, "SDM 2 FSIN: C2 tells of the operand's range; there is none"},
    {M(FCOS), When::stack_fault, 0, C2, Result::exact, "SDM 2 FCOS: C2 tells of the operand's range; there is none"},
    {M(FSINCOS), When::stack_fault, 0, C2, Result::exact, "SDM 2 FSINCOS: C2 tells of the operand's range"},
    {M(FLD), When::stack_fault, 0, C1, Result::exact, "SDM 2 FLD: an empty source and a full stack at once"},
    {M(FFREE), When::always, 0, C0 | C1 | C2 | C3, Result::exact, "SDM 2 FFREE: C0 to C3 are undefined"},
    {M(FFREEP), When::always, 0, C0 | C1 | C2 | C3, Result::exact, "not in the manuals; as FFREE"},
    {M(FCOMI), When::always, 0, C1, Result::exact, "SDM 2 FCOMI clears C1; processors keep it"},
    {M(FCOMIP), When::always, 0, C1, Result::exact, "SDM 2 FCOMI clears C1; processors keep it"},
    {M(FUCOMI), When::always, 0, C1, Result::exact, "SDM 2 FCOMI clears C1; processors keep it"},
    {M(FUCOMIP), When::always, 0, C1, Result::exact, "SDM 2 FCOMI clears C1; processors keep it"},
};

constexpr std::string_view kStores =
    "several stores: none, some or all may have happened (SDM 3A 6.6 asks for restart only)";
constexpr std::string_view kLong = "longer than a bus access: which of its pages is looked at first is open";
constexpr std::string_view kTransition = "restarting it gives the same: TOP and tags may be set before the fault";
constexpr std::string_view kIterations =
    "between iterations: at a fault Intel restores the flags (SDM 2 REP), AMD keeps the last iteration's; a trap may "
    "see either";
constexpr std::string_view kUnmasked =
    "SDM 1 8.5: the operand stays as it was; Intel does not look at it then, AMD (Zen) does, and faults";
constexpr std::string_view kMisaligned = "SDM 1 10.2.3: MXCSR_MASK; bit 17 is AMD's misaligned exception mask";
constexpr std::string_view kSelector = "SDM 2 PUSH, POP: Intel accesses the selector's 2 bytes, AMD 4 and aligned";
bool on_segment(const Row& row) { return !row.modrm && (row.two_byte ? row.opcode >= 0xA0 : row.opcode < 0x20); }
bool on_control(const Row& row) { return row.two_byte && (row.opcode == 0x20 || row.opcode == 0x22); }
constexpr FreedomEntry kFreedoms[] = {
    {M(PUSH), kWiderAccess, kSelector, on_segment},
    {M(POP), kWiderAccess, kSelector, on_segment},
    {M(MOV), kEitherFault, "APM 3 MOV CRn: LOCK, #UD on Intel, makes CR8 of CR0 on AMD, which CPL 3 may not use",
     on_control},
    {M(UD1), kEitherFault, "SDM 2 UD: some processors take no ModRM byte, which may lie beyond CS' limit"},
    {M(LDMXCSR), kMoreControl, kMisaligned},
    {M(RET), kEitherFault, "far: whether the selector or the outer stack pointer is looked at first is open"},
    {M(FST), kOperandFirst, kUnmasked},
    {M(FIST), kOperandFirst, kUnmasked},
    {M(FISTP), kOperandFirst, kUnmasked},
    {M(PUSHAD), kPartialMemory, kStores},
    {M(ENTER), kPartialMemory | kEitherFault, kStores},
    {M(CALL), kPartialMemory | kEitherFault, "far: whether the target's limit or the stack is looked at first is open"},
    {M(POPAD), kPartialRegisters, "several loads: registers below the fault may have been loaded; ESP tells"},
    {M(FNSTENV), kPartialMemory | kFaultInOperand | kEitherFault, kLong},
    {M(FNSAVE), kPartialMemory | kFaultInOperand | kEitherFault, kLong},
    {M(FXSAVE), kPartialMemory | kFaultInOperand | kEitherFault, kLong},
    {M(FLDENV), kFaultInOperand | kEitherFault, kLong},
    {M(FRSTOR), kFaultInOperand | kEitherFault, kLong},
    {M(FXRSTOR), kFaultInOperand | kEitherFault | kMoreControl, kLong},
    {M(FSTP), kPartialMemory | kOperandFirst, "as FST, and of 80 bits: two stores"},
    {M(FBSTP), kPartialMemory | kOperandFirst, "as FST, and of 80 bits: two stores"},
    {M(CMPSB), kEitherFault | kRepeatedFlags, "two operands, read in either order"},
    {M(CMPSW), kEitherFault | kRepeatedFlags, "two operands, read in either order"},
    {M(CMPSD), kEitherFault | kRepeatedFlags, "two operands, read in either order"},
    {M(MASKMOVQ), kPartialMemory | kFaultInOperand | kEitherFault | kMayFault | kEntersMmx,
     "SDM 2 MASKMOVQ: faults of bytes that are not selected are implementation-specific"},
    {M(MASKMOVDQU), kPartialMemory | kFaultInOperand | kEitherFault | kMayFault,
     "SDM 2 MASKMOVDQU: faults of bytes that are not selected are implementation-specific"},
    {M(MOVD), kEntersMmx, kTransition},
    {M(MOVQ), kEntersMmx, kTransition},
    {M(MOVNTQ), kEntersMmx, kTransition},
    {M(CVTPS2PI), kEntersMmx, kTransition},
    {M(CVTTPS2PI), kEntersMmx, kTransition},
    {M(CVTPD2PI), kEntersMmx, kTransition},
    {M(CVTTPD2PI), kEntersMmx, kTransition},
    {M(CVTPI2PS), kEntersMmx, kTransition},
    {M(SCASB), kRepeatedFlags, kIterations},
    {M(SCASW), kRepeatedFlags, kIterations},
    {M(SCASD), kRepeatedFlags, kIterations},
    {M(BOUND), kEitherFault, "two bounds: the first may be exceeded while the second can't be read"},
};
#undef M

u32 operand_value(const TestCase& test, const ZydisDecodedOperand& operand, const Arena& before) {
  switch (operand.type) {
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: return static_cast<u32>(operand.imm.value.u);
    case ZYDIS_OPERAND_TYPE_REGISTER: {
      const u32 value = test.in.gpr[static_cast<unsigned>(ZydisRegisterGetId(operand.reg.value)) & 7];
      return operand.size == 16 ? value & 0xFFFF : value;
    }
    case ZYDIS_OPERAND_TYPE_MEMORY: {
      const u32 offset = test.memory_at - kDataBase;
      if (!test.memory_known || offset > kDataBytes - 4) return 0;
      const u32 value = load<u32>(&before.bytes[offset]);
      return operand.size == 16 ? value & 0xFFFF : value;
    }
    default: return 0;
  }
}

// The masked count of a shift: an immediate, or CL.
u32 shift_count(const TestCase& test) {
  const bool three = test.insn.mnemonic == ZYDIS_MNEMONIC_SHLD || test.insn.mnemonic == ZYDIS_MNEMONIC_SHRD;
  const ZydisDecodedOperand& count = test.operands[three ? 2 : 1];
  const u32 value = count.type == ZYDIS_OPERAND_TYPE_REGISTER ? test.in.gpr[kEcx] : static_cast<u32>(count.imm.value.u);
  return value & 31;
}

bool holds(When when, const TestCase& test, const Arena& before, const Outcome& host) {
  const u32 width = test.operands[0].size;
  switch (when) {
    case When::always: return true;
    case When::count_not_zero: return shift_count(test) != 0;
    case When::count_not_one: return shift_count(test) > 1;
    case When::count_too_large: return shift_count(test) >= width;
    case When::count_beyond: return shift_count(test) > width;
    case When::source_zero: return operand_value(test, test.operands[1], before) == 0;
    case When::stack_fault: return load<u16>(&host.state.fx[kFxStatus]) & 0x40;
    case When::result_nan: {
      const u8* st0 = &host.state.fx[kFxStack];
      return (load<u16>(st0 + 8) & 0x7FFF) == 0x7FFF && load<u64>(st0) << 1 != 0;
    }
    case When::operand_unmasked:
      return load<u16>(&host.state.fx[kFxStatus]) & ~load<u16>(&host.state.fx[kFxControl]) & 3;
    case When::operand16: return test.insn.operand_width == 16;
  }
  return false;
}

// Instruction and data pointers of the x87 leak the processor's history and differ between processors (SDM 1, 8.1.8).
void ignore_state_images(const Row& row, const TestCase& test, Undefined& out) {
  const bool wide = test.insn.operand_width == 32;
  switch (row.mnemonic) {
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE: out.memory[0] = {test.memory_at + (wide ? 12 : 6), wide ? 16u : 8u}; break;
    case ZYDIS_MNEMONIC_FXSAVE:
      out.memory[0] = {test.memory_at + kFxOpcode, kFxMxcsr - kFxOpcode};
      out.memory[1] = {test.memory_at + kFxMxcsrMask, 4};
      // Reserved outside of 64-bit mode: some processors write zeros, some nothing (SDM 1, table 10-2).
      out.memory[2] = {test.memory_at + kFxXmmEnd, 464 - kFxXmmEnd};
      break;
    default: break;
  }
}

// A 32-bit PUSH of a segment register writes two bytes or four (SDM 2 PUSH); the upper two are nobody's business.
void ignore_pushed_selector(const TestCase& test, Undefined& out) {
  if (test.insn.mnemonic != ZYDIS_MNEMONIC_PUSH || test.insn.operand_width != 32) return;
  const ZydisDecodedOperand& operand = test.operands[0];
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || ZydisRegisterGetClass(operand.reg.value) != ZYDIS_REGCLASS_SEGMENT)
    return;
  const u16 ss = test.in.selector[kSs];
  const u32 esp = test.in.gpr[kEsp] - 4;
  out.memory[0] = {segment_base(ss).value_or(0) + (segment_big(ss) ? esp : esp & 0xFFFF) + 2, 2};
}

}  // namespace

std::span<const UndefinedEntry> undefined_table() { return kTable; }
std::span<const FreedomEntry> freedom_table() { return kFreedoms; }

u16 freedom_of(const Row& row) {
  for (const FreedomEntry& entry : kFreedoms)
    if (entry.mnemonic == row.mnemonic && (!entry.of || entry.of(row))) return entry.freedom;
  return 0;
}

Undefined undefined_by(const Row& row, const TestCase& test, const Arena& before, const Outcome& host) {
  Undefined out;
  if (!test.decoded) return out;
  for (const UndefinedEntry& entry : kTable) {
    if (entry.mnemonic != row.mnemonic || !holds(entry.when, test, before, host)) continue;
    out.flags |= entry.flags;
    out.status |= entry.status;
    out.result = std::max(out.result, entry.result);
  }
  if (out.result == Result::undefined && test.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
    out.memory[0] = {test.memory_at, test.memory_bytes};
  ignore_state_images(row, test, out);
  ignore_pushed_selector(test, out);
  return out;
}

}  // namespace penumbra::conformance
