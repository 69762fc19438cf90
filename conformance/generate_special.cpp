// What single instructions need to get past their first check: counts, selectors, branch targets, state images.
#include <algorithm>
#include <cstring>

#include "conformance/generate.h"
#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

constexpr std::array<u8, 20> kCounts{0, 1, 1, 2, 3, 7, 8, 9, 15, 16, 17, 18, 24, 30, 31, 32, 33, 63, 64, 255};

bool repeated(const ZydisDecodedInstruction& insn) {
  return insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
}

// Selectors whose meaning differs between Linux' GDT and a subject's: 64-bit code, and the per-processor segment.
bool host_specific(u16 selector) { return (selector & ~7) == 0x30 || (selector & ~7) == 0x78; }

u32 low_half(u32 into, u32 value) { return (into & 0xFFFF'0000) | (value & 0xFFFF); }

}  // namespace

u16 Generator::some_selector() {
  u16 selector = static_cast<u16>(random_.below(kLdtCount + 1) << 3 | 7);
  if (random_.one_in(6)) selector = random_.pick(std::array<u16, 4>{kFlatCode, kFlatData, kFlatData, 0});
  if (random_.one_in(12)) selector = static_cast<u16>(random_.next());
  if (random_.one_in(12)) selector = static_cast<u16>((selector & ~3) | random_.below(4));
  return host_specific(selector) ? kFlatData : selector;
}

// An EIP for an indirect branch: mostly inside of the code pages, but not inside of the case's own bytes.
u32 Generator::code_target(bool wild) {
  const u32 base = segment_base(c_->in.selector[kCs]).value_or(0);
  u32 linear = kCodeBase + random_.below(kCodeBytes);
  if (linear - c_->code_at < c_->code_bytes + 7u) linear = kCodeBase + (c_->code_at - kCodeBase + 64) % kCodeBytes;
  if (wild && random_.one_in(12)) linear = random_.u32_value();
  if (forbidden(linear)) linear = kDataBase - 0x1000;
  return linear - base;
}

void Generator::shift_count() {
  const u8 count = random_.one_in(4) ? static_cast<u8>(random_.next()) : random_.pick(kCounts);
  c_->in.gpr[kEcx] = (c_->in.gpr[kEcx] & ~0xFFu) | count;
  const auto& raw = c_->insn.raw.imm[0];
  if (raw.size == 8) c_->code[raw.offset] = count;
}

// Dividends that mostly give a quotient that fits.
void Generator::divide_operands() {
  if (random_.one_in(3)) return;
  auto& gpr = c_->in.gpr;
  const bool is_signed = row_.mnemonic == ZYDIS_MNEMONIC_IDIV;
  const u32 small = random_.one_in(2) ? 0 : random_.below(3);
  if (c_->operands[0].size == 8) {
    gpr[kEax] = (gpr[kEax] & ~0xFF00u) | (is_signed && (gpr[kEax] & 0x80) ? 0xFF - small : small) << 8;
  } else if (c_->operands[0].size == 16) {
    gpr[kEdx] = low_half(gpr[kEdx], is_signed && (gpr[kEax] & 0x8000) ? ~small : small);
  } else {
    gpr[kEdx] = is_signed && (gpr[kEax] >> 31) ? ~small : small;
  }
}

void Generator::string_registers() {
  const bool narrow = c_->insn.address_width == 16;
  if (repeated(c_->insn)) {
    u32 count = random_.below(20);
    if (random_.one_in(4)) count = random_.below(3000);
    if (random_.one_in(64)) count = random_.u32_value();
    u32& ecx = c_->in.gpr[kEcx];
    ecx = narrow ? low_half(ecx, count) : count;
  }
  // Long runs of equal bytes, so that REPE and REPNE go on for a while.
  const u8 o = row_.opcode;
  if ((o == 0xA6 || o == 0xA7 || o == 0xAE || o == 0xAF) && random_.one_in(2)) {
    const u8 value = static_cast<u8>(random_.below(2));
    std::memset(arena_->bytes.data(), value, kDataBytes);
    for (u32 i = 0; i < 12; ++i) arena_->bytes[random_.below(kDataBytes)] ^= 1;
    c_->in.gpr[kEax] = 0x01010101u * value;
  }
}

void Generator::special_before() {
  auto& gpr = c_->in.gpr;
  switch (c_->insn.meta.category) {
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE: shift_count(); break;
    case ZYDIS_CATEGORY_STRINGOP:
    case ZYDIS_CATEGORY_IOSTRINGOP: string_registers(); break;
    default: break;
  }
  switch (row_.mnemonic) {
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV: divide_operands(); break;
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD: shift_count(); break;
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
      if (row_.memory && c_->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER && !random_.one_in(8)) {
        u32& bit = gpr[static_cast<unsigned>(ZydisRegisterGetId(c_->operands[1].reg.value))];
        bit = static_cast<u32>(static_cast<i32>(random_.below(0x8000)) - 0x4000);
      }
      break;
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ:
      if (random_.one_in(2)) gpr[kEcx] = random_.pick(std::array<u32, 5>{0, 1, 2, 0x10000, 0x10001});
      break;
    case ZYDIS_MNEMONIC_ENTER: {
      const u32 frame = random_.one_in(4) ? random_.below(0x2000) : random_.below(64);
      store<u16>(&c_->code[c_->insn.raw.imm[0].offset], static_cast<u16>(frame));
      c_->code[c_->insn.raw.imm[1].offset] = static_cast<u8>(random_.one_in(4) ? random_.next() : random_.below(4));
      gpr[kEbp] = offset_in(kSs, target(4));
      if (forbidden(gpr[kEbp])) gpr[kEbp] = 0;
      break;
    }
    case ZYDIS_MNEMONIC_LEAVE:
      gpr[kEbp] = offset_in(kSs, target(4));
      if (forbidden(gpr[kEbp])) gpr[kEbp] = 0;
      break;
    case ZYDIS_MNEMONIC_INT: {
      u8& vector = c_->code[c_->insn.raw.imm[0].offset];
      if (vector == 0x80) vector = 0x81;  // Linux' own system call
      break;
    }
    case ZYDIS_MNEMONIC_AAM:
      if (random_.one_in(8)) c_->code[c_->insn.raw.imm[0].offset] = 0;
      break;
    default: break;
  }
}

// A far pointer in memory: an offset of one operand size, then a selector.
void Generator::far_pointer(u32 linear, bool wide) {
  const u32 offset = code_target(true);
  if (wide) {
    if (u8* at = memory(linear, 4)) store<u32>(at, offset);
  } else {
    if (u8* at = memory(linear, 2)) store<u16>(at, static_cast<u16>(offset));
  }
  if (u8* at = memory(linear + (wide ? 4 : 2), 2)) store<u16>(at, some_selector());
}

void Generator::special_after() {
  auto& gpr = c_->in.gpr;
  const u32 at = c_->memory_at;
  const bool known = c_->memory_known;
  const bool wide = c_->insn.operand_width == 32;
  const bool small_stack = !segment_big(c_->in.selector[kSs]);
  const u32 stack = segment_base(c_->in.selector[kSs]).value_or(0) + (small_stack ? gpr[kEsp] & 0xFFFF : gpr[kEsp]);
  const auto poke = [&](u32 linear, u32 value, u32 bytes) {
    if (u8* to = memory(linear, bytes)) std::memcpy(to, &value, bytes);
  };
  const auto selector_operand = [&](unsigned index) {
    const ZydisDecodedOperand& operand = c_->operands[index];
    const u16 selector = some_selector();
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) poke(at, selector, 2);
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      u32& reg = gpr[static_cast<unsigned>(ZydisRegisterGetId(operand.reg.value)) & 7];
      reg = low_half(reg, selector);
    }
  };
  switch (row_.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
      if (!row_.two_byte && row_.opcode == 0x8E) selector_operand(1);
      break;
    case ZYDIS_MNEMONIC_LAR:
    case ZYDIS_MNEMONIC_LSL: selector_operand(1); break;
    case ZYDIS_MNEMONIC_VERR:
    case ZYDIS_MNEMONIC_VERW: selector_operand(0); break;
    case ZYDIS_MNEMONIC_POP:
      if (c_->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
          ZydisRegisterGetClass(c_->operands[0].reg.value) == ZYDIS_REGCLASS_SEGMENT)
        poke(stack, some_selector(), 2);
      break;
    case ZYDIS_MNEMONIC_LES:
    case ZYDIS_MNEMONIC_LDS:
    case ZYDIS_MNEMONIC_LSS:
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS: poke(at + (wide ? 4 : 2), some_selector(), 2); break;
    case ZYDIS_MNEMONIC_POPFD: poke(stack, random_.u32_value() & 0x3F'7FFF, 4); break;
    case ZYDIS_MNEMONIC_CMPXCHG:
      if (random_.one_in(2)) {
        if (const u8* to = known ? memory(at, 4) : nullptr) gpr[kEax] = load<u32>(to);
      }
      break;
    case ZYDIS_MNEMONIC_CMPXCHG8B:
      if (const u8* to = random_.one_in(2) && known ? memory(at, 8) : nullptr) {
        gpr[kEax] = load<u32>(to);
        gpr[kEdx] = load<u32>(to + 4);
      }
      break;
    case ZYDIS_MNEMONIC_BOUND: {
      if (random_.one_in(4)) break;
      const u32 half = wide ? 4 : 2;
      const u32 index = gpr[static_cast<unsigned>(ZydisRegisterGetId(c_->operands[0].reg.value)) & 7];
      poke(at, index - random_.below(3), half);
      poke(at + half, index + random_.below(3), half);
      break;
    }
    case ZYDIS_MNEMONIC_LDMXCSR:
      if (!random_.one_in(4)) poke(at, random_.u32_value() & options_.mxcsr_mask, 4);
      break;
    case ZYDIS_MNEMONIC_FXRSTOR:
      poke(at + kFxMxcsr, random_.u32_value() & (random_.one_in(8) ? ~0u : options_.mxcsr_mask), 4);
      poke(at + kFxControl, random_.u32_value(), 2);
      for (u32 i = 0; i < 8; ++i) {
        if (u8* to = memory(at + kFxStack + 16 * i, 10)) edge_extended(random_, to);
      }
      break;
    case ZYDIS_MNEMONIC_FLDCW:
      if (!random_.one_in(4)) poke(at, 0x7F | random_.below(16) << 8, 2);
      break;
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FRSTOR:
      if (!random_.one_in(4)) {
        poke(at, 0x7F | random_.below(16) << 8, 2);
        poke(at + (wide ? 4 : 2), random_.u32_value() & 0x7F40, 2);
      }
      break;
    default: break;
  }
}

// Called when the case's place is known.
void Generator::branch_target() {
  const auto category = c_->insn.meta.category;
  const bool wide = c_->insn.operand_width == 32;
  if (row_.mnemonic == ZYDIS_MNEMONIC_IRETD || category == ZYDIS_CATEGORY_RET) {
    const bool small_stack = !segment_big(c_->in.selector[kSs]);
    const u32 esp = c_->in.gpr[kEsp];
    const u32 stack = segment_base(c_->in.selector[kSs]).value_or(0) + (small_stack ? esp & 0xFFFF : esp);
    if (!wide) {
      if (u8* at = memory(stack, 2)) store<u16>(at, static_cast<u16>(code_target(true)));
    } else if (u8* at = memory(stack, 4)) {
      store<u32>(at, code_target(true));
    }
    if (row_.opcode == 0xC2 || row_.opcode == 0xC3) return;
    if (u8* at = memory(stack + (wide ? 4 : 2), 2)) store<u16>(at, random_.one_in(2) ? kFlatCode : some_selector());
    if (row_.mnemonic == ZYDIS_MNEMONIC_IRETD) {
      if (u8* at = memory(stack + (wide ? 8 : 4), wide ? 4 : 2)) {
        const u32 flags = random_.u32_value() & 0x3F'7FFF;
        std::memcpy(at, &flags, wide ? 4 : 2);
      }
    }
    return;
  }
  if (category != ZYDIS_CATEGORY_COND_BR && category != ZYDIS_CATEGORY_UNCOND_BR && category != ZYDIS_CATEGORY_CALL)
    return;
  const auto& imm = c_->insn.raw.imm[0];
  const bool indirect = !row_.two_byte && row_.opcode == 0xFF;
  if (indirect) {
    const bool far_form = row_.reg == 3 || row_.reg == 5;
    if (far_form) return far_pointer(c_->memory_at, wide);
    const u32 target = code_target(true);
    if (row_.memory) {
      if (u8* at = memory(c_->memory_at, wide ? 4 : 2)) std::memcpy(at, &target, wide ? 4 : 2);
    } else {
      c_->in.gpr[static_cast<unsigned>(ZydisRegisterGetId(c_->operands[0].reg.value)) & 7] = target;
    }
    return;
  }
  if (!row_.two_byte && (row_.opcode == 0x9A || row_.opcode == 0xEA)) {
    const u32 target = code_target(true);
    std::memcpy(&c_->code[imm.offset], &target, wide ? 4 : 2);
    store<u16>(&c_->code[imm.offset + (wide ? 4u : 2u)], random_.one_in(2) ? kFlatCode : some_selector());
    return;
  }
  // Relative: not into the case's own bytes, which might run for ever.
  const u32 next = c_->in.eip + c_->insn_bytes;
  u32 relative = imm.size == 8 ? static_cast<u32>(static_cast<i8>(c_->code[imm.offset])) : code_target(true) - next;
  const u32 mask = wide ? ~0u : 0xFFFF;
  if (((next + relative - c_->in.eip) & mask) < c_->insn_bytes || forbidden(next + relative)) relative = 0x20;
  std::memcpy(&c_->code[imm.offset], &relative, imm.size / 8u);
}

}  // namespace penumbra::conformance
