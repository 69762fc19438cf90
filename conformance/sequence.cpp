// Choice of rows that can follow each other, and the taint of undefined flags through them.
#include "conformance/sequence.h"

#include <algorithm>

#include "conformance/segments.h"
#include "conformance/undefined.h"

namespace penumbra::conformance {
namespace {

constexpr u32 kArithmetic = 0x8D5, kCarry = 1;
constexpr unsigned kMostInstructions = 10;
constexpr unsigned kRoom = 48;  // of the 64 bytes of code

#define M(name) ZYDIS_MNEMONIC_##name
constexpr std::array kMnemonics{
    M(ADD),    M(OR),    M(ADC),    M(SBB),    M(AND),     M(SUB),    M(XOR),     M(CMP),   M(TEST),   M(INC),
    M(DEC),    M(NEG),   M(NOT),    M(SHL),    M(SHR),     M(SAR),    M(ROL),     M(ROR),   M(RCL),    M(RCR),
    M(SHLD),   M(SHRD),  M(IMUL),   M(MUL),    M(MOV),     M(MOVZX),  M(MOVSX),   M(XCHG),  M(XADD),   M(CMPXCHG),
    M(BT),     M(BTS),   M(BTR),    M(BTC),    M(LAHF),    M(SAHF),   M(CMC),     M(CLC),   M(STC),    M(CLD),
    M(STD),    M(CWDE),  M(CDQ),    M(DAA),    M(DAS),     M(AAA),    M(AAS),     M(AAD),   M(SALC),   M(PUSHFD),
    M(PUSH),   M(POP),   M(BSWAP),  M(SETO),   M(SETNO),   M(SETB),   M(SETNB),   M(SETZ),  M(SETNZ),  M(SETBE),
    M(SETNBE), M(SETS),  M(SETNS),  M(SETP),   M(SETNP),   M(SETL),   M(SETNL),   M(SETLE), M(SETNLE), M(CMOVO),
    M(CMOVNO), M(CMOVB), M(CMOVNB), M(CMOVZ),  M(CMOVNZ),  M(CMOVBE), M(CMOVNBE), M(CMOVS), M(CMOVNS), M(CMOVP),
    M(CMOVNP), M(CMOVL), M(CMOVNL), M(CMOVLE), M(CMOVNLE),
};
#undef M

bool is_shift(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD: return true;
    default: return false;
  }
}

// All flags that an instruction may leave undefined, whatever its count.
u32 undefined_flags(ZydisMnemonic mnemonic, u32 width) {
  u32 flags = 0;
  for (const UndefinedEntry& entry : undefined_table())
    if (entry.mnemonic == mnemonic && entry.result == Result::exact) flags |= entry.flags;
  // Masked counts never reach 32.
  if (is_shift(mnemonic) && width == 32) flags &= ~kCarry;
  return flags;
}

}  // namespace

SequenceGenerator::SequenceGenerator() {
  ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  for (const Row& row : user_rows())
    if (fits(row)) rows_.push_back(row);
}

bool SequenceGenerator::fits(const Row& row) const {
  if (row.unit != Unit::integer) return false;
  if (std::find(kMnemonics.begin(), kMnemonics.end(), row.mnemonic) == kMnemonics.end()) return false;
  // Moves to and from segment, control and debug registers.
  if (row.mnemonic == ZYDIS_MNEMONIC_MOV && (row.two_byte || row.opcode == 0x8C || row.opcode == 0x8E)) return false;
  // A count over 16 leaves a 16-bit result undefined.
  return row.prefix == 0 || (row.mnemonic != ZYDIS_MNEMONIC_SHLD && row.mnemonic != ZYDIS_MNEMONIC_SHRD &&
                             row.mnemonic != ZYDIS_MNEMONIC_BSWAP);
}

void SequenceGenerator::make(u64 seed, u64 number, TestCase& out, Arena& arena) {
  random_ = Random(seed_for(seed, "sequence", number));
  c_ = &out;
  tainted_ = 0;
  fill(random_, Format::integers, std::span(arena.bytes).first(0x400));
  start_state();
  out.code_bytes = 0;
  const unsigned count = 2 + random_.below(kMostInstructions - 1);
  for (unsigned done = 0, tries = 0; done < count && tries < 10 * count && out.code_bytes < kRoom; ++tries)
    done += random_.one_in(8) ? append_branch() : append();
  out.insn_bytes = out.code_bytes;
  out.code_at = kCodeBase + 0x80 + random_.below(kCodeBytes - 0x200);
  out.in.eip = out.code_at;
  out.ignored_flags = tainted_;
}

void SequenceGenerator::start_state() {
  c_->in = UserState{};
  c_->decoded = false;
  c_->memory_known = false;
  c_->ending = Ending::straight;
  UserState& in = c_->in;
  for (u32& reg : in.gpr) reg = edge_u32(random_);
  in.gpr[kEsp] = kDataBase + 0x1000;
  in.eflags = 0x202 | (random_.u32_value() & kArithmetic);
  in.selector = {kFlatData, kFlatCode, kFlatData, kFlatData, kFlatData, kFlatData};
  store<u16>(&in.fx[kFxControl], 0x37F);
  store<u32>(&in.fx[kFxMxcsr], 0x1F80);
}

u8 SequenceGenerator::encode(const Row& row, u8* to) {
  u8 length = 0;
  const auto put = [&](u8 byte) { to[length++] = byte; };
  if (row.prefix) put(row.prefix);
  if (!row.prefix && !row.two_byte && random_.one_in(4)) put(0x66);
  if (row.two_byte) put(0x0F);
  put(row.opcode);
  if (row.modrm) {
    const unsigned reg = row.reg >= 0 ? static_cast<unsigned>(row.reg) : random_.below(8);
    if (row.memory) {
      put(static_cast<u8>(reg << 3 | 5));
      store<u32>(to + length, kDataBase + 4 * random_.below(0x100));
      length += 4;
    } else {
      put(static_cast<u8>(0xC0 | reg << 3 | random_.below(8)));
    }
  }
  const bool moffs = !row.two_byte && row.opcode >= 0xA0 && row.opcode <= 0xA3;
  store<u32>(to + length, moffs ? kDataBase + 4 * random_.below(0x100) : edge_u32(random_));
  if (is_shift(row.mnemonic) && random_.one_in(2)) to[length] = static_cast<u8>(random_.below(3));
  return static_cast<u8>(length + 4);
}

bool SequenceGenerator::append() {
  const Row& row = rows_[random_.below(static_cast<u32>(rows_.size()))];
  u8* at = &c_->code[c_->code_bytes];
  encode(row, at);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, at, 15, &insn_, operands_.data()))) return false;
  for (unsigned i = 0; i < insn_.operand_count_visible; ++i) {
    const ZydisDecodedOperand& operand = operands_[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    // The stack stays where it is; segment registers are another family's.
    if (operand.reg.value == ZYDIS_REGISTER_ESP || operand.reg.value == ZYDIS_REGISTER_SP) return false;
    if (ZydisRegisterGetClass(operand.reg.value) == ZYDIS_REGCLASS_SEGMENT) return false;
  }
  // A bit offset in a register may reach anywhere in memory; so may what 16-bit SHLD and BSWAP leave.
  const bool bit_test = insn_.meta.category == ZYDIS_CATEGORY_BITBYTE;
  if (bit_test && row.memory && operands_[1].type == ZYDIS_OPERAND_TYPE_REGISTER) return false;
  if (insn_.operand_width == 16 && (row.mnemonic == ZYDIS_MNEMONIC_BSWAP || row.mnemonic == ZYDIS_MNEMONIC_SHLD ||
                                    row.mnemonic == ZYDIS_MNEMONIC_SHRD))
    return false;
  const ZydisAccessedFlags* flags = insn_.cpu_flags;
  if (flags && (flags->tested & tainted_)) return false;
  const u32 undefined = undefined_flags(row.mnemonic, operands_[0].size);
  if (flags && !is_shift(row.mnemonic)) tainted_ &= ~(flags->modified | flags->set_0 | flags->set_1);
  tainted_ |= undefined;
  c_->code_bytes = static_cast<u8>(c_->code_bytes + insn_.length);
  return true;
}

// A conditional jump over an INC.
bool SequenceGenerator::append_branch() {
  u8* at = &c_->code[c_->code_bytes];
  at[0] = static_cast<u8>(0x70 | random_.below(16));
  at[1] = 1;
  at[2] = static_cast<u8>(0x40 | random_.pick(std::array<u8, 7>{kEax, kEcx, kEdx, kEbx, kEbp, kEsi, kEdi}));
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, at, 15, &insn_, operands_.data()))) return false;
  if (insn_.cpu_flags->tested & tainted_) return false;
  c_->code_bytes = static_cast<u8>(c_->code_bytes + 3);
  return true;
}

}  // namespace penumbra::conformance
