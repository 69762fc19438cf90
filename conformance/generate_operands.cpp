// Aiming: registers and displacements are chosen so that a memory operand lands where it should.
#include <algorithm>
#include <cstring>
#include <optional>

#include "conformance/generate.h"
#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

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

// The general register's number, whatever its width; 8 for none.
unsigned register_number(ZydisRegister reg) {
  if (reg == ZYDIS_REGISTER_AL) return kEax;
  const ZydisRegisterClass kind = ZydisRegisterGetClass(reg);
  if (kind != ZYDIS_REGCLASS_GPR32 && kind != ZYDIS_REGCLASS_GPR16) return 8;
  return static_cast<unsigned>(ZydisRegisterGetId(reg));
}

u32 register_value(const UserState& state, ZydisRegister reg) {
  const unsigned number = register_number(reg);
  if (number == 8) return 0;
  const u32 value = state.gpr[number];
  if (reg == ZYDIS_REGISTER_AL) return value & 0xFF;
  return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_GPR16 ? value & 0xFFFF : value;
}

bool is_stack_operand(const ZydisDecodedOperand& operand) {
  return operand.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && register_number(operand.mem.base) == kEsp;
}

}  // namespace

u8* Generator::memory(u32 linear, u32 bytes) {
  const u32 offset = linear - kDataBase;
  return offset < kDataBytes && bytes <= kDataBytes - offset ? &arena_->bytes[offset] : nullptr;
}

bool Generator::forbidden(u32 linear) const {
  return linear - (kHarnessBase - kHarnessKeepAway) < 2 * kHarnessKeepAway;
}

u32 Generator::offset_in(unsigned segment, u32 linear) const {
  return linear - segment_base(c_->in.selector[segment]).value_or(0);
}

// A linear address for an operand of so many bytes: inside of the writable pages, aligned or not, across their middle,
// across an end, in the read-only page, or anywhere.
u32 Generator::target(u32 bytes) {
  const u32 room = kDataWritable - std::min(kDataWritable, bytes);
  switch (random_.below(32)) {
    case 0: return kDataBase + kDataWritable - random_.below(bytes + 1);       // into the read-only page
    case 1: return kDataBase + kDataBytes - random_.below(bytes + 1);          // out of it
    case 2: return kDataBase - random_.below(bytes + 1);                       // into the first page from below
    case 3: return kDataBase + kDataWritable + random_.below(kPageSize - 64);  // read-only
    case 4: return kDataBase + kPageSize - random_.below(bytes + 1);           // across the middle
    case 5: return random_.one_in(2) ? random_.u32_value() : kDataBase + random_.below(room + 1);
    case 6:
    case 7:
    case 8:
    case 9: return kDataBase + random_.below(room + 1);
    default: return kDataBase + (random_.below(room + 1) & ~15u);
  }
}

std::optional<u32> Generator::linear_of(const ZydisDecodedOperand& operand) const {
  const auto& mem = operand.mem;
  u32 offset = register_value(c_->in, mem.base) + register_value(c_->in, mem.index) * mem.scale;
  if (mem.disp.has_displacement) offset += static_cast<u32>(mem.disp.value);
  if (c_->insn.address_width == 16) offset &= 0xFFFF;
  const auto base = segment_base(c_->in.selector[segment_number(mem.segment)]);
  if (!base) return std::nullopt;
  return *base + offset;
}

// Changes the operand's base register, or else its displacement, so that it points to a chosen place. False if it has
// neither, or the place can't be reached with 16 bits; it then points anywhere.
bool Generator::aim(const ZydisDecodedOperand& operand) {
  const auto& mem = operand.mem;
  const unsigned segment = segment_number(mem.segment);
  const u32 bytes = std::max<u32>(1, operand.size / 8);
  u32 linear = target(bytes);
  // A locked access across a cache line is slow beyond measure on some hosts, and stopped by others.
  const bool locked = (c_->insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) || row_.mnemonic == ZYDIS_MNEMONIC_XCHG;
  if (locked) linear &= ~15u;
  if (forbidden(linear)) linear = kDataBase + 0x100;
  const u32 wanted = offset_in(segment, linear);
  const bool narrow = c_->insn.address_width == 16;
  if (narrow && wanted > 0xFFFF) return false;
  const u32 disp = mem.disp.has_displacement ? static_cast<u32>(mem.disp.value) : 0;
  const unsigned base = register_number(mem.base);
  if (base < 8 && base != register_number(mem.index)) {
    const u32 value = wanted - disp - register_value(c_->in, mem.index) * mem.scale;
    u32& reg = c_->in.gpr[base];
    reg = narrow ? (reg & 0xFFFF'0000) | (value & 0xFFFF) : value;
    return true;
  }
  if (base < 8) {
    c_->in.gpr[base] = (wanted - disp) / (mem.scale + 1u);
    return true;
  }
  const auto& raw = c_->insn.raw.disp;
  if (!raw.size) return false;
  const u32 value = wanted - register_value(c_->in, mem.index) * mem.scale;
  std::memcpy(&c_->code[raw.offset], &value, raw.size / 8u);
  return true;
}

Format Generator::format_of(const ZydisDecodedOperand& operand) const {
  switch (operand.element_type) {
    case ZYDIS_ELEMENT_TYPE_FLOAT32: return Format::single;
    case ZYDIS_ELEMENT_TYPE_FLOAT64: return Format::real;
    case ZYDIS_ELEMENT_TYPE_FLOAT80: return Format::extended;
    case ZYDIS_ELEMENT_TYPE_LONGBCD: return Format::decimal;
    default: return Format::integers;
  }
}

void Generator::fill_memory(u32 linear, u32 bytes, Format format) {
  if (u8* at = memory(linear, bytes)) fill(random_, format, {at, bytes});
}

void Generator::aim_operands() {
  bool changed_code = false;
  for (const bool hidden : {true, false}) {
    for (unsigned i = 0; i < c_->insn.operand_count; ++i) {
      const ZydisDecodedOperand operand = c_->operands[i];
      if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && !hidden) {
        // Registers hold the row's own number format most of the time.
        const ZydisRegisterClass kind = ZydisRegisterGetClass(operand.reg.value);
        const auto number = static_cast<unsigned>(ZydisRegisterGetId(operand.reg.value));
        if (kind == ZYDIS_REGCLASS_XMM && !random_.one_in(4))
          fill(random_, format_of(operand), {&c_->in.fx[kFxXmm + 16 * number], 16});
        continue;
      }
      if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || is_stack_operand(operand)) continue;
      if ((operand.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) != hidden) continue;
      changed_code |= aim(operand);
    }
  }
  if (changed_code) {
    ZydisDecoder& decoder = segment_big(c_->in.selector[kCs]) ? decoder32_ : decoder16_;
    ZydisDecoderDecodeFull(&decoder, c_->code.data(), 15, &c_->insn, c_->operands.data());
  }
  for (unsigned i = 0; i < c_->insn.operand_count; ++i) {
    const ZydisDecodedOperand& operand = c_->operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || is_stack_operand(operand)) continue;
    const u32 bytes = std::max<u32>(1, operand.size / 8);
    if (const auto linear = linear_of(operand); linear && bytes <= 64) fill_memory(*linear, bytes, format_of(operand));
  }
  locate_operand();
}

// Notes where the explicit memory operand is, with the registers as they are now.
void Generator::locate_operand() {
  c_->memory_known = false;
  if (!c_->decoded) return;
  for (unsigned i = 0; i < c_->insn.operand_count; ++i) {
    const ZydisDecodedOperand& operand = c_->operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    const bool masked = row_.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ || row_.mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU;
    if (operand.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && !masked) continue;
    const auto linear = linear_of(operand);
    if (!linear) continue;
    c_->memory_known = true;
    c_->memory_at = *linear;
    c_->memory_offset = offset_in(segment_number(operand.mem.segment), *linear);
    c_->memory_bytes = std::max<u32>(1, operand.size / 8);
  }
}

}  // namespace penumbra::conformance
