// Condensing Zydis' result into an Insn.
#include "core/cpu/decode.h"

#include <algorithm>

#include "core/cpu/exec/handlers.h"
#include "core/cpu/isa_table.h"

namespace penumbra {

namespace {

constexpr std::size_t kLongest = 15;

bool in_range(ZydisRegister r, ZydisRegister first, ZydisRegister last) { return r >= first && r <= last; }

// Byte offset into CpuState::gpr of a general register of any width; 32, the zero register, for none.
u8 file_offset(ZydisRegister r) {
  if (in_range(r, ZYDIS_REGISTER_EAX, ZYDIS_REGISTER_EDI)) return static_cast<u8>(4 * (r - ZYDIS_REGISTER_EAX));
  if (in_range(r, ZYDIS_REGISTER_AX, ZYDIS_REGISTER_DI)) return static_cast<u8>(4 * (r - ZYDIS_REGISTER_AX));
  if (in_range(r, ZYDIS_REGISTER_AL, ZYDIS_REGISTER_BL)) return static_cast<u8>(4 * (r - ZYDIS_REGISTER_AL));
  if (in_range(r, ZYDIS_REGISTER_AH, ZYDIS_REGISTER_BH)) return static_cast<u8>(4 * (r - ZYDIS_REGISTER_AH) + 1);
  return 32;
}

struct RegisterOperand {
  Operand kind;
  u8 number;
};

RegisterOperand classify(ZydisRegister r) {
  if (const u8 offset = file_offset(r); offset != 32) return {Operand::reg, offset};
  if (in_range(r, ZYDIS_REGISTER_ES, ZYDIS_REGISTER_GS))
    return {Operand::segment, static_cast<u8>(r - ZYDIS_REGISTER_ES)};
  if (in_range(r, ZYDIS_REGISTER_CR0, ZYDIS_REGISTER_CR8))
    return {Operand::control, static_cast<u8>(r - ZYDIS_REGISTER_CR0)};
  if (in_range(r, ZYDIS_REGISTER_DR0, ZYDIS_REGISTER_DR7))
    return {Operand::debug, static_cast<u8>(r - ZYDIS_REGISTER_DR0)};
  if (in_range(r, ZYDIS_REGISTER_ST0, ZYDIS_REGISTER_ST7))
    return {Operand::x87, static_cast<u8>(r - ZYDIS_REGISTER_ST0)};
  if (in_range(r, ZYDIS_REGISTER_MM0, ZYDIS_REGISTER_MM7))
    return {Operand::mmx, static_cast<u8>(r - ZYDIS_REGISTER_MM0)};
  if (in_range(r, ZYDIS_REGISTER_XMM0, ZYDIS_REGISTER_XMM7))
    return {Operand::xmm, static_cast<u8>(r - ZYDIS_REGISTER_XMM0)};
  return {Operand::none, 0};
}

Operand take_operand(const ZydisDecodedOperand& op, Insn& insn, unsigned position) {
  switch (op.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER: {
      const RegisterOperand r = classify(op.reg.value);
      if (position == 0) insn.dst = r.number;
      if (position == 1) insn.src = r.number;
      return r.kind;
    }
    case ZYDIS_OPERAND_TYPE_MEMORY: {
      insn.memory = 1;
      insn.base = file_offset(op.mem.base);
      insn.index = file_offset(op.mem.index);
      insn.scale = static_cast<u8>(op.mem.scale > 1 ? std::countr_zero(static_cast<unsigned>(op.mem.scale)) : 0);
      insn.displacement = static_cast<u32>(op.mem.disp.value);
      insn.segment = static_cast<u8>(op.mem.segment - ZYDIS_REGISTER_ES);
      return Operand::mem;
    }
    case ZYDIS_OPERAND_TYPE_POINTER:
      insn.immediate = op.ptr.offset;
      insn.immediate2 = op.ptr.segment;
      return Operand::far;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: return Operand::imm;
    default: return Operand::none;
  }
}

u8 default_segment(const ZydisDecodedInstruction& z) {
  switch (z.attributes & ZYDIS_ATTRIB_HAS_SEGMENT) {
    case ZYDIS_ATTRIB_HAS_SEGMENT_CS: return CS;
    case ZYDIS_ATTRIB_HAS_SEGMENT_SS: return SS;
    case ZYDIS_ATTRIB_HAS_SEGMENT_ES: return ES;
    case ZYDIS_ATTRIB_HAS_SEGMENT_FS: return FS;
    case ZYDIS_ATTRIB_HAS_SEGMENT_GS: return GS;
    default: return DS;
  }
}

}  // namespace

Decoder::Decoder(bool code32, const CpuModel& model) : model_(model) {
  ZydisDecoderInit(&decoder_, code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                   code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
  // Encodings that mean something else, or nothing, on these models.
  for (const ZydisDecoderMode mode :
       {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_LZCNT, ZYDIS_DECODER_MODE_TZCNT,
        ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_KNC})
    ZydisDecoderEnableMode(&decoder_, mode, ZYAN_FALSE);
}

DecodeResult Decoder::decode(std::span<const u8> bytes, Insn& insn) const {
  Decoded decoded;
  return decode(bytes, insn, decoded);
}

DecodeResult Decoder::decode(std::span<const u8> bytes, Insn& insn, Decoded& decoded) const {
  insn = Insn{};
  auto& [z, operands, row] = decoded;
  row = nullptr;
  const std::size_t available = std::min(bytes.size(), kLongest);
  const ZyanStatus status = ZydisDecoderDecodeFull(&decoder_, bytes.data(), available, &z, operands);
  if (status == ZYDIS_STATUS_NO_MORE_DATA && available < kLongest) return DecodeResult::more_bytes;
  if (ZYAN_FAILED(status)) {
    const bool too_long = status == ZYDIS_STATUS_NO_MORE_DATA || status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG;
    insn.length = 1;
    insn.handler = too_long ? helper<too_long_instruction, After::leave> : helper<undefined_instruction, After::leave>;
    return DecodeResult::ends_block;
  }
  insn.length = z.length;
  insn.operand_bits = z.operand_width;
  insn.address16 = z.address_width == 16;
  insn.address_mask = insn.address16 ? 0xFFFF : 0xFFFF'FFFF;
  insn.lock = (z.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
  if (z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) insn.repeat = static_cast<u8>(Repeat::rep);
  if (z.attributes & ZYDIS_ATTRIB_HAS_REPNE) insn.repeat = static_cast<u8>(Repeat::repne);
  insn.segment = default_segment(z);
  if (z.raw.modrm.offset) insn.opcode = static_cast<u16>((z.opcode & 7) << 8 | bytes[z.raw.modrm.offset]);

  Shape shape;
  shape.insn = &insn;
  shape.opcode = z.opcode;
  shape.bits = z.operand_width;
  Operand* kinds[] = {&shape.a, &shape.b, &shape.c};
  const unsigned count = std::min<unsigned>(z.operand_count_visible, 3);
  for (unsigned n = 0; n < count; ++n) *kinds[n] = take_operand(operands[n], insn, n);
  if (count > 0) shape.a_bits = static_cast<u8>(std::min<unsigned>(operands[0].size, 255));
  if (count > 1) shape.b_bits = static_cast<u8>(std::min<unsigned>(operands[1].size, 255));
  if (count > 0 && (shape.a == Operand::reg || shape.a == Operand::mem) && operands[0].size <= 32)
    shape.bits = static_cast<u8>(operands[0].size);
  if (z.raw.imm[0].size) {
    const bool is_signed = z.raw.imm[0].is_signed;
    insn.immediate = is_signed ? static_cast<u32>(z.raw.imm[0].value.s) : static_cast<u32>(z.raw.imm[0].value.u);
  } else if (shape.b == Operand::imm || shape.c == Operand::imm) {
    insn.immediate = 1;  // the shifts by an implied 1
  }
  if (z.raw.imm[1].size && shape.a != Operand::far) insn.immediate2 = static_cast<u16>(z.raw.imm[1].value.u);
  if (shape.a == Operand::far) {
    insn.immediate = operands[0].ptr.offset;
    insn.immediate2 = operands[0].ptr.segment;
  }

  row = model_.has(feature_of(z, operands)) ? row_for(z.mnemonic) : nullptr;
  insn.handler = row ? row->select(shape) : nullptr;
  if (!insn.handler) {
    row = nullptr;
    insn.handler = helper<undefined_instruction, After::leave>;
    return DecodeResult::ends_block;
  }
  return row->ends_block || insn.ends ? DecodeResult::ends_block : DecodeResult::done;
}

}  // namespace penumbra
