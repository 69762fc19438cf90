// Single rows of a mixed sequence: which may stand where, where their operands lie, and what they leave undefined.
#include <algorithm>
#include <cstring>

#include "conformance/mixed_sequence.h"
#include "conformance/segments.h"
#include "conformance/undefined.h"

namespace penumbra::conformance {
namespace {

constexpr u32 kCarry = 1;

bool one_of(ZydisMnemonic mnemonic, std::initializer_list<ZydisMnemonic> list) {
  return std::find(list.begin(), list.end(), mnemonic) != list.end();
}

bool is_shift(ZydisMnemonic mnemonic) {
  return one_of(mnemonic,
                {ZYDIS_MNEMONIC_SHL, ZYDIS_MNEMONIC_SHR, ZYDIS_MNEMONIC_SAR, ZYDIS_MNEMONIC_ROL, ZYDIS_MNEMONIC_ROR,
                 ZYDIS_MNEMONIC_RCL, ZYDIS_MNEMONIC_RCR, ZYDIS_MNEMONIC_SHLD, ZYDIS_MNEMONIC_SHRD});
}

// What sequences have in groups of their own, or not at all: control transfers, changes of ESP and of segments, images
// of the x87 with its pointers, and results that are undefined as a whole.
bool grouped(const Row& row) {
  return one_of(row.mnemonic, {ZYDIS_MNEMONIC_ENTER, ZYDIS_MNEMONIC_LEAVE, ZYDIS_MNEMONIC_POPF, ZYDIS_MNEMONIC_POPFD,
                               ZYDIS_MNEMONIC_FNSTENV, ZYDIS_MNEMONIC_FNSAVE, ZYDIS_MNEMONIC_FXSAVE, ZYDIS_MNEMONIC_BSF,
                               ZYDIS_MNEMONIC_BSR, ZYDIS_MNEMONIC_LDS, ZYDIS_MNEMONIC_LES, ZYDIS_MNEMONIC_LFS,
                               ZYDIS_MNEMONIC_LGS, ZYDIS_MNEMONIC_LSS, ZYDIS_MNEMONIC_IRET, ZYDIS_MNEMONIC_IRETD});
}

bool is_control_transfer(ZydisInstructionCategory category) {
  return category == ZYDIS_CATEGORY_COND_BR || category == ZYDIS_CATEGORY_UNCOND_BR ||
         category == ZYDIS_CATEGORY_CALL || category == ZYDIS_CATEGORY_RET || category == ZYDIS_CATEGORY_SYSRET;
}

bool is_string(const ZydisDecodedInstruction& insn) {
  return insn.meta.category == ZYDIS_CATEGORY_STRINGOP || insn.meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

// Ends a sequence most of the time.
bool likely_faults(const ZydisDecodedInstruction& insn) {
  const ZydisInstructionCategory category = insn.meta.category;
  return (insn.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) || category == ZYDIS_CATEGORY_IO ||
         category == ZYDIS_CATEGORY_IOSTRINGOP || category == ZYDIS_CATEGORY_INTERRUPT ||
         category == ZYDIS_CATEGORY_SYSTEM ||
         one_of(insn.mnemonic, {ZYDIS_MNEMONIC_CLI, ZYDIS_MNEMONIC_STI, ZYDIS_MNEMONIC_BOUND, ZYDIS_MNEMONIC_UD1,
                                ZYDIS_MNEMONIC_UD2, ZYDIS_MNEMONIC_DIV, ZYDIS_MNEMONIC_IDIV, ZYDIS_MNEMONIC_AAM,
                                ZYDIS_MNEMONIC_FXRSTOR, ZYDIS_MNEMONIC_LDMXCSR});
}

// The number of a general register, whatever its width; 8 for another.
unsigned general(ZydisRegister reg) {
  const ZydisRegisterClass kind = ZydisRegisterGetClass(reg);
  if (kind == ZYDIS_REGCLASS_GPR8) return static_cast<unsigned>(ZydisRegisterGetId(reg)) & 3;
  if (kind != ZYDIS_REGCLASS_GPR32 && kind != ZYDIS_REGCLASS_GPR16) return 8;
  return static_cast<unsigned>(ZydisRegisterGetId(reg));
}

unsigned segment_number(ZydisRegister reg) {
  switch (reg) {
    case ZYDIS_REGISTER_ES: return kEs;
    case ZYDIS_REGISTER_CS: return kCs;
    case ZYDIS_REGISTER_SS: return kSs;
    case ZYDIS_REGISTER_FS: return kFs;
    case ZYDIS_REGISTER_GS: return kGs;
    default: return kDs;
  }
}

bool stack_category(const ZydisDecodedInstruction& insn) {
  return insn.meta.category == ZYDIS_CATEGORY_PUSH || insn.meta.category == ZYDIS_CATEGORY_POP;
}

bool is_stack_operand(const ZydisDecodedOperand& operand) {
  return operand.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && general(operand.mem.base) == kEsp;
}

bool is_bit_offset(const ZydisDecodedInstruction& insn, const ZydisDecodedOperand& operand) {
  return insn.meta.category == ZYDIS_CATEGORY_BITBYTE && operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
         one_of(insn.mnemonic, {ZYDIS_MNEMONIC_BT, ZYDIS_MNEMONIC_BTS, ZYDIS_MNEMONIC_BTR, ZYDIS_MNEMONIC_BTC});
}

}  // namespace

MixedSequenceGenerator::MixedSequenceGenerator(const MixedOptions& options) : options_(options) {
  ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  for (const Row& row : user_rows())
    if (!grouped(row)) rows_.push_back(row);
}

bool MixedSequenceGenerator::decode(const u8* at) {
  return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, at, 15, &insn_, operands_.data()));
}

u8 MixedSequenceGenerator::encode(const Row& row, u8* to) {
  u8 length = 0;
  const auto put = [&](u32 byte) { to[length++] = static_cast<u8>(byte); };
  if (random_.one_in(8)) put(random_.pick(std::array<u8, 7>{0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x65}));
  const bool narrow = random_.one_in(24);
  if (narrow) put(0x67);
  if (!row.two_byte && random_.one_in(row.unit == Unit::x87 ? 24 : 5)) put(0x66);
  if (random_.one_in(row.memory ? 16 : 96)) put(0xF0);
  if (row.prefix) put(row.prefix);
  if (row.two_byte) put(0x0F);
  put(row.opcode);
  if (row.modrm) {
    const unsigned reg = row.reg >= 0 ? static_cast<unsigned>(row.reg) : random_.below(8);
    if (row.memory) {
      put(random_.below(3) << 6 | reg << 3 | (random_.one_in(4) ? 4 : random_.below(8)));
      put(random_.u32_value());
    } else {
      put(0xC0 | reg << 3 | (row.rm >= 0 ? static_cast<unsigned>(row.rm) : random_.below(8)));
    }
  }
  for (unsigned n = 0; n < 2; ++n, length = static_cast<u8>(length + 4))
    store<u32>(to + length, random_.one_in(2) ? random_.below(0x40) : edge_u32(random_));
  return length;
}

bool MixedSequenceGenerator::forbidden(u32 linear, u32 bytes) const {
  if (linear + bytes < linear) return true;
  const auto near = [&](u32 from, u32 size) { return linear + bytes + 0x1000 - from < size + bytes + 0x2000; };
  return near(kCodeBase, kCodeBytes) || near(kHarnessBase - kHarnessKeepAway, 2 * kHarnessKeepAway);
}

// Where an operand of so many bytes is to be. `safe`: where it cannot fault.
u32 MixedSequenceGenerator::target(u32 bytes, bool safe) {
  const u32 room = kDataWritable - std::min(kDataWritable, bytes);
  const u32 inside = kDataBase + random_.below(room + 1);
  switch (safe ? 99 : random_.below(48)) {
    case 0: return kDataBase + kDataWritable - random_.below(bytes + 1);       // into the read-only page
    case 1: return kDataBase + kDataBytes - random_.below(bytes + 1);          // out of it
    case 2: return kDataBase - random_.below(bytes + 1);                       // into the first page from below
    case 3: return kDataBase + kDataWritable + random_.below(kPageSize - 64);  // read-only
    case 4: return random_.u32_value();
    case 5:
    case 6:
    case 7: return kDataBase + kPageSize - random_.below(bytes + 1);  // across the middle
    default: return random_.one_in(3) ? inside : inside & ~15u;
  }
}

// Whether the manuals leave too much open when this row's operand faults.
bool MixedSequenceGenerator::safe(const Row& row) const { return freedom_of(row) & (kFaultInOperand | kMayFault); }

std::optional<MixedSequenceGenerator::Place> MixedSequenceGenerator::place_of(
    const ZydisDecodedOperand& operand) const {
  const auto& mem = operand.mem;
  u32 offset = mem.disp.has_displacement ? static_cast<u32>(mem.disp.value) : 0;
  bool exact = true;
  for (const auto& [reg, scale] : {std::pair{mem.base, u32{1}}, std::pair{mem.index, u32{mem.scale}}}) {
    const unsigned number = general(reg);
    if (number == 8) continue;
    if (number == kEsp) {
      offset += stack_;
      exact = false;
      continue;
    }
    if (!known_[number]) return std::nullopt;
    const ZydisRegisterClass kind = ZydisRegisterGetClass(reg);
    const u32 mask = kind == ZYDIS_REGCLASS_GPR32 ? ~0u : kind == ZYDIS_REGCLASS_GPR16 ? 0xFFFF : 0xFF;
    offset += (*known_[number] & mask) * scale;
  }
  if (insn_.address_width == 16) offset &= 0xFFFF;
  return Place{segment_base(selector_[segment_number(mem.segment)]).value_or(0) + offset, exact};
}

// Aims the explicit memory operand; false if one of its operands would lie where it may not.
bool MixedSequenceGenerator::place_operand(const Row& row, u8* at) {
  for (unsigned i = 0; i < insn_.operand_count; ++i) {
    const ZydisDecodedOperand& operand = operands_[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || is_stack_operand(operand)) continue;
    if (operand.mem.type == ZYDIS_MEMOP_TYPE_AGEN) continue;
    auto place = place_of(operand);
    if (!place) return false;
    u32 bytes = std::max<u32>(1, operand.size / 8);
    // A bit offset in a register moves the operand.
    u32 moved = 0;
    if (is_bit_offset(insn_, operands_[1])) {
      const unsigned reg = general(operands_[1].reg.value);
      if (!known_[reg]) return false;
      moved = operand.size == 16 ? static_cast<u32>(static_cast<i16>(*known_[reg]) >> 4) * 2
                                 : static_cast<u32>(static_cast<i32>(*known_[reg]) >> 5) * 4;
    }
    const bool locked = (insn_.attributes & ZYDIS_ATTRIB_HAS_LOCK) || row.mnemonic == ZYDIS_MNEMONIC_XCHG;
    const auto& disp = insn_.raw.disp;
    if (disp.size == 32 && insn_.address_width == 32) {
      u32 linear = target(bytes, safe(row) || !place->exact || is_string(insn_));
      if (locked) linear &= ~15u;
      const u32 value = static_cast<u32>(operand.mem.disp.value) + (linear - place->linear - moved);
      std::memcpy(at + disp.offset, &value, 4);
      place->linear = linear;
    } else {
      place->linear += moved;
      const bool inside = place->linear - kDataBase < kDataWritable - bytes;
      if (!inside && (safe(row) || is_string(insn_) || !random_.one_in(insn_.address_width == 16 ? 8 : 16)))
        return false;
    }
    const u32 offset = place->linear - segment_base(selector_[segment_number(operand.mem.segment)]).value_or(0);
    if (offset + bytes < offset || (insn_.address_width == 16 && offset + bytes > 0x10000)) return false;
    if (!place->exact) bytes += 0x400;
    if (forbidden(place->linear - (place->exact ? 0 : 0x400), bytes)) return false;
    const bool writes = operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    const u32 below_stack = 0x400;
    if (keeps_stack_ && writes && place->linear - (stack_ - below_stack - bytes) < 2 * below_stack + bytes)
      return false;
    if (locked && (!place->exact || (place->linear & 63) + bytes > 64)) return false;
  }
  return decode(at);
}

u8 MixedSequenceGenerator::written_registers() const {
  if (one_of(insn_.mnemonic, {ZYDIS_MNEMONIC_POPA, ZYDIS_MNEMONIC_POPAD})) return 0xFF;
  u8 mask = 0;
  for (unsigned i = 0; i < insn_.operand_count; ++i) {
    const ZydisDecodedOperand& operand = operands_[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || !(operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) continue;
    if (const unsigned reg = general(operand.reg.value); reg < 8) mask |= static_cast<u8>(1 << reg);
  }
  return mask;
}

// Whether the decoded instruction may stand here.
bool MixedSequenceGenerator::allowed(const Row& row) {
  if (is_control_transfer(insn_.meta.category)) return false;
  if (likely_faults(insn_) && !random_.one_in(12)) return false;
  const u8 written = written_registers();
  if (written & protected_) return false;
  if ((written >> kEsp & 1) && (keeps_stack_ || !stack_category(insn_))) return false;
  for (unsigned i = 0; i < insn_.operand_count; ++i) {
    const ZydisDecodedOperand& operand = operands_[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const bool writes = operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    const bool hidden = operand.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
    if (writes && !hidden && general(operand.reg.value) == kEsp &&
        ZydisRegisterGetClass(operand.reg.value) != ZYDIS_REGCLASS_GPR8)
      return false;
    if (ZydisRegisterGetClass(operand.reg.value) != ZYDIS_REGCLASS_SEGMENT || hidden) continue;
    if (writes) return false;
    // How many bytes it writes is open (SDM 2 PUSH).
    if (options_.host && insn_.meta.category == ZYDIS_CATEGORY_PUSH) return false;
  }
  if (insn_.operand_width == 16 &&
      one_of(row.mnemonic, {ZYDIS_MNEMONIC_SHLD, ZYDIS_MNEMONIC_SHRD, ZYDIS_MNEMONIC_BSWAP}))
    return false;
  // Repeated strings have a group of their own; and a host's kernel answers INT 80h.
  if (is_string(insn_) && (insn_.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)))
    return false;
  if (row.mnemonic == ZYDIS_MNEMONIC_INT && (insn_.raw.imm[0].value.u & 0xFF) == 0x80) return false;
  // What they tell is about the system's own descriptors.
  if (options_.host &&
      one_of(row.mnemonic, {ZYDIS_MNEMONIC_LAR, ZYDIS_MNEMONIC_LSL, ZYDIS_MNEMONIC_VERR, ZYDIS_MNEMONIC_VERW}))
    return false;
  const bool reads_status = one_of(row.mnemonic, {ZYDIS_MNEMONIC_FNSTSW});
  if (reads_status && (taint_.status || in_loop_)) return false;
  if (one_of(row.mnemonic, {ZYDIS_MNEMONIC_PUSHF, ZYDIS_MNEMONIC_PUSHFD}) && taint_.flags) return false;
  return !insn_.cpu_flags || !(insn_.cpu_flags->tested & taint_.flags);
}

bool MixedSequenceGenerator::append_row() {
  if (!room(24)) return false;
  const Row& row = rows_[random_.below(static_cast<u32>(rows_.size()))];
  u8* at = &c_->code[c_->code_bytes];
  encode(row, at);
  if (!decode(at) || !allowed(row) || !place_operand(row, at)) return false;
  commit();
  return true;
}

void MixedSequenceGenerator::commit() {
  const ZydisMnemonic mnemonic = insn_.mnemonic;
  placed_.push_back({c_->code_bytes, mnemonic, taint_});
  const u8 written = written_registers();
  for (unsigned reg = 0; reg < 8; ++reg)
    if (written >> reg & 1) known_[reg] = std::nullopt;
  const bool may_keep = is_shift(mnemonic) || is_string(insn_);
  if (const ZydisAccessedFlags* flags = insn_.cpu_flags; flags && !may_keep)
    taint_.flags &= ~(flags->modified | flags->set_0 | flags->set_1);
  u32 undefined = 0;
  u16 status = 0;
  for (const UndefinedEntry& entry : undefined_table()) {
    if (entry.mnemonic != mnemonic) continue;
    if (entry.result == Result::exact) undefined |= entry.flags;
    status |= entry.status;
  }
  // Masked counts never reach 32.
  if (is_shift(mnemonic) && operands_[0].size == 32) undefined &= ~kCarry;
  taint_.flags |= undefined;
  taint_.status |= status & kConditionCodes;
  if (mnemonic == ZYDIS_MNEMONIC_FNINIT) taint_.status = 0;
  c_->code_bytes = static_cast<u8>(c_->code_bytes + insn_.length);
  ++count_;
}

}  // namespace penumbra::conformance
