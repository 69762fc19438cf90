// Blocks of pages that are written to often.
#include "translator/emitter.h"

namespace penumbra {

namespace {

enum class ImmediateForm : u8 { none, arithmetic, test, move };

ImmediateForm form_of(const GuestInstruction& g) {
  if (g.z.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT) return ImmediateForm::none;
  const unsigned opcode = g.z.opcode;
  if (opcode < 0x40 && (opcode & 7) >= 4 && (opcode & 7) <= 5) return ImmediateForm::arithmetic;
  if (opcode == 0x80 || opcode == 0x81 || opcode == 0x83) return ImmediateForm::arithmetic;
  if (opcode == 0xA8 || opcode == 0xA9) return ImmediateForm::test;
  if ((opcode == 0xF6 || opcode == 0xF7) && g.z.raw.modrm.reg < 2) return ImmediateForm::test;
  if ((opcode >= 0xB0 && opcode <= 0xBF) || opcode == 0xC6 || opcode == 0xC7) return ImmediateForm::move;
  return ImmediateForm::none;
}

}  // namespace

void Emitter::check_code() {
  a_.move(R8, block_.check);
  a_.call_to(thunk(thunks_.check_code));
}

bool Emitter::reads_immediate(const GuestInstruction& g) {
  if (form_of(g) == ImmediateForm::none || g.z.operand_count_visible != 2) return false;
  const ZydisDecodedOperand &to = g.operands[0], &from = g.operands[1];
  if (to.type != ZYDIS_OPERAND_TYPE_REGISTER || from.type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return false;
  const auto number = static_cast<unsigned>(ZydisRegisterGetId(to.reg.value));
  return to.size == 8 ? number < 4 : number != ESP;
}

void Emitter::with_immediate(const GuestInstruction& g, u32 number) {
  constexpr u8 kExtendByte[] = {0x0F, 0xBE};
  const unsigned bits = g.operands[0].size;
  const auto reg = static_cast<unsigned>(ZydisRegisterGetId(g.operands[0].reg.value));
  const bool extended = g.z.opcode == 0x83;
  a_.move(R8, number);
  a_.call_to(thunk(thunks_.code_immediate));
  if (extended) a_.with_register({.opcode = kExtendByte}, R8, R8);
  unsigned opcode = 0;  // of the form with a register, for a byte
  switch (form_of(g)) {
    case ImmediateForm::arithmetic:
      opcode = g.z.opcode < 0x40 ? g.z.opcode & 0x38 : unsigned{g.z.raw.modrm.reg} << 3;
      break;
    case ImmediateForm::test: opcode = 0x84; break;
    default: opcode = 0x88;
  }
  const u8 bytes[] = {static_cast<u8>(opcode + (bits != 8))};
  Assembler::Form form{.opcode = bytes};
  if (bits == 16) form.prefixes[0] = 0x66;
  a_.with_register(form, R8, host_register(reg));
}

}  // namespace penumbra
