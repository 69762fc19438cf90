// The verifier's short way against Zydis: whatever it knows is what it says.
#include "translator/plain_form.h"

#include <Zydis/Zydis.h>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <random>
#include <string>

#include "translator/context.h"

namespace penumbra {
namespace {

using Memory = PlainForm::Memory;

Memory memory_of(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& op) {
  const auto& m = op.mem;
  const bool bare = m.index == ZYDIS_REGISTER_NONE && z.address_width == 64;
  if (m.segment == ZYDIS_REGISTER_GS) return z.address_width == 32 ? Memory::window : Memory::none;
  if (bare && m.base == ZYDIS_REGISTER_R13 && m.disp.value >= 0 &&
      static_cast<u64>(m.disp.value) + op.size / 8 <= sizeof(Context))
    return Memory::context;
  if (bare && m.base == ZYDIS_REGISTER_R14 && m.disp.value == 0 && m.segment == ZYDIS_REGISTER_DS)
    return z.mnemonic == ZYDIS_MNEMONIC_MOV && op.size == 32 && !(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
               ? Memory::poll
               : Memory::none;
  if (bare && m.base == ZYDIS_REGISTER_R8 && m.disp.value == 0 && m.segment == ZYDIS_REGISTER_DS) return Memory::soft;
  return Memory::none;
}

bool dangerous(const ZydisDecodedInstruction& z) {
  switch (z.meta.category) {
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_STRINGOP:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_RDWRFSGS: return true;
    default: return z.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED;
  }
}

// What is wrong with the form, if anything.
std::string wrong(std::span<const u8> code, const PlainForm& form) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisDecodedInstruction z;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &z, operands))) return "no instruction";
  if (z.length != form.length) return fmt::format("length {}", z.length);
  if (dangerous(z)) return "sensitive";
  const ZydisMnemonic m = z.mnemonic;
  const bool returns = m == ZYDIS_MNEMONIC_RET, calls = m == ZYDIS_MNEMONIC_CALL;
  Memory memory = Memory::none;
  for (const ZydisDecodedOperand& op : std::span(operands, z.operand_count)) {
    const bool writes = op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER && writes) {
      const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op.reg.value);
      if (whole == ZYDIS_REGISTER_R13 || whole == ZYDIS_REGISTER_R14 ||
          (whole == ZYDIS_REGISTER_RSP && !returns && !calls))
        return "own register";
      if (ZydisRegisterGetClass(op.reg.value) == ZYDIS_REGCLASS_SEGMENT) return "segment register";
    }
    if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || op.mem.type == ZYDIS_MEMOP_TYPE_AGEN) continue;
    if ((returns || calls) && op.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) continue;
    memory = memory_of(z, op);
    if (memory == Memory::none) return "reaches outside";
    if (memory == Memory::soft && (form.bytes != op.size / 8 || form.writes != writes)) return "soft access";
  }
  if (memory != form.memory) return "memory";
  const bool moves = m == ZYDIS_MNEMONIC_MOV || m == ZYDIS_MNEMONIC_MOVZX || m == ZYDIS_MNEMONIC_LEA;
  const auto makes = [&](ZydisRegister r) {
    return moves && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].reg.value == r;
  };
  if (form.makes_r8d != makes(ZYDIS_REGISTER_R8D)) return "R8D";
  if (makes(ZYDIS_REGISTER_R9) && m == ZYDIS_MNEMONIC_LEA && !form.makes_r9) return "R9";
  if (makes(ZYDIS_REGISTER_R11) && !form.makes_r11) return "R11";
  const bool branch = operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operands[0].imm.is_relative;
  if (branch != form.branch) return "branch";
  if (branch && form.target != static_cast<i64>(z.length) + operands[0].imm.value.s) return "target";
  if (branch && form.call != calls) return "call";
  return {};
}

TEST_CASE("a plain form is what Zydis says") {
  std::mt19937_64 random(1);
  constexpr std::array<u8, 8> kDisplacements = {0, 8, 0x7F, 0x80, 0xFF, 0x20, 0x40, 0xFE};
  u64 known = 0, memory[5] = {};
  for (unsigned prefixes = 0; prefixes < 8; ++prefixes)
    for (unsigned rex = 0; rex <= 16; ++rex)
      for (unsigned opcode = 0; opcode < 512; ++opcode)
        for (unsigned round = 0; round < 64; ++round) {
          std::array<u8, 15> code;
          std::size_t at = 0;
          const bool swapped = random() & 1;
          if (prefixes & 1 && !swapped) code[at++] = 0x65;
          if (prefixes & 2) code[at++] = 0x66;
          if (prefixes & 4) code[at++] = 0x67;
          if (prefixes & 1 && swapped) code[at++] = 0x65;
          if (rex) code[at++] = static_cast<u8>(0x40 + rex - 1);
          if (opcode > 255) code[at++] = 0x0F;
          code[at++] = static_cast<u8>(opcode);
          // Half of the ModRM bytes name the registers that matter.
          const u8 modrm = static_cast<u8>(random());
          code[at++] = random() & 1 ? modrm : static_cast<u8>((modrm & 0xF8) | (random() & 1 ? 5 : 0));
          for (; at < code.size(); ++at)
            code[at] = random() & 1 ? static_cast<u8>(random()) : kDisplacements[random() % kDisplacements.size()];
          if (random() & 1) code[8] = code[9] = code[7] = 0;
          const PlainForm form = plain_form(code);
          if (!form.length) continue;
          ++known;
          ++memory[static_cast<unsigned>(form.memory)];
          if (const std::string what = wrong(code, form); !what.empty())
            FAIL_CHECK(what << ": " << fmt::format("{:02x}", fmt::join(code, " ")) << ", length " << form.length);
        }
  CHECK(known > 500'000);
  for (const Memory kind : {Memory::none, Memory::window, Memory::context, Memory::soft})
    CHECK(memory[static_cast<unsigned>(kind)] > 5'000);
  CHECK(memory[static_cast<unsigned>(Memory::poll)] > 0);
}

TEST_CASE("code that ends inside of an instruction has no plain form") {
  constexpr std::array<u8, 8> kAdd = {0x65, 0x67, 0x81, 0x44, 0x58, 0x04, 1, 2};
  for (std::size_t length = 0; length <= kAdd.size(); ++length)
    CHECK(plain_form(std::span(kAdd).first(length)).length == 0);
}

}  // namespace
}  // namespace penumbra
