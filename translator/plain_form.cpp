// Integer instructions with at most the prefixes GS, 66h, 67h and REX; no LOCK, no REP, no x87, no SSE.
#include "translator/plain_form.h"

#include <array>

#include "core/base/bits.h"
#include "translator/context.h"

namespace penumbra {

namespace {

// Of an opcode. 0: not known here.
enum : u16 {
  kKnown = 1,
  kModRm = 2,
  kByte = 4,        // operands of one byte
  kWritesRm = 8,    // the operand of the r/m field, or the register in the opcode's low bits
  kWritesReg = 16,  // the operand of the reg field
  kImm8 = 32,       // a byte behind
  kImm = 64,        // a word or dword behind, or a byte with kByte
  kGroup = 128,     // the reg field is part of the opcode
  kRegister = 256,  // memory operands are not known here
  kMoves = 512,     // MOV, MOVZX, LEA
  kLea = 1024,
  kNarrow = 2048,    // the r/m operand is a byte or a word
  kInOpcode = 4096,  // a register in the opcode's low bits
};

using OpcodeMap = std::array<u16, 256>;

constexpr OpcodeMap make_one_byte() {
  OpcodeMap map{};
  for (unsigned op = 0; op < 0x40; op += 8) {
    const u16 rm = op == 0x38 ? 0 : kWritesRm, reg = op == 0x38 ? 0 : kWritesReg;
    map[op] = kKnown | kModRm | kByte | rm;
    map[op + 1] = kKnown | kModRm | rm;
    map[op + 2] = kKnown | kModRm | kByte | reg;
    map[op + 3] = kKnown | kModRm | reg;
    map[op + 4] = kKnown | kByte | kImm;
    map[op + 5] = kKnown | kImm;
  }
  map[0x69] = kKnown | kModRm | kWritesReg | kImm;
  map[0x6B] = kKnown | kModRm | kWritesReg | kImm8;
  map[0x80] = kKnown | kModRm | kGroup | kByte | kWritesRm | kImm8;
  map[0x81] = kKnown | kModRm | kGroup | kWritesRm | kImm;
  map[0x83] = kKnown | kModRm | kGroup | kWritesRm | kImm8;
  map[0x84] = kKnown | kModRm | kByte;
  map[0x85] = kKnown | kModRm;
  map[0x86] = kKnown | kModRm | kByte | kWritesRm | kWritesReg;
  map[0x87] = kKnown | kModRm | kWritesRm | kWritesReg;
  map[0x88] = kKnown | kModRm | kByte | kWritesRm;
  map[0x89] = kKnown | kModRm | kWritesRm | kMoves;
  map[0x8A] = kKnown | kModRm | kByte | kWritesReg;
  map[0x8B] = kKnown | kModRm | kWritesReg | kMoves;
  map[0x8D] = kKnown | kModRm | kWritesReg | kMoves | kLea;
  for (unsigned op = 0x91; op <= 0x97; ++op) map[op] = kKnown | kInOpcode | kWritesRm;
  map[0x98] = map[0x99] = kKnown;
  map[0xA8] = kKnown | kByte | kImm;
  map[0xA9] = kKnown | kImm;
  for (unsigned op = 0xB0; op <= 0xB7; ++op) map[op] = kKnown | kInOpcode | kWritesRm | kByte | kImm;
  for (unsigned op = 0xB8; op <= 0xBF; ++op) map[op] = kKnown | kInOpcode | kWritesRm | kMoves | kImm;
  map[0xC0] = kKnown | kModRm | kGroup | kByte | kWritesRm | kImm8;
  map[0xC1] = kKnown | kModRm | kGroup | kWritesRm | kImm8;
  map[0xC6] = kKnown | kModRm | kGroup | kByte | kWritesRm | kImm8;
  map[0xC7] = kKnown | kModRm | kGroup | kWritesRm | kImm | kMoves;
  map[0xD0] = map[0xD2] = kKnown | kModRm | kGroup | kByte | kWritesRm;
  map[0xD1] = map[0xD3] = kKnown | kModRm | kGroup | kWritesRm;
  map[0xF5] = map[0xF8] = map[0xF9] = kKnown;
  map[0xF6] = kKnown | kModRm | kGroup | kByte | kWritesRm;
  map[0xF7] = kKnown | kModRm | kGroup | kWritesRm;
  map[0xFE] = kKnown | kModRm | kGroup | kByte | kWritesRm;
  map[0xFF] = kKnown | kModRm | kGroup | kWritesRm;
  return map;
}

constexpr OpcodeMap make_two_byte() {
  OpcodeMap map{};
  for (unsigned op = 0x40; op <= 0x4F; ++op) map[op] = kKnown | kModRm | kWritesReg;
  for (unsigned op = 0x90; op <= 0x9F; ++op) map[op] = kKnown | kModRm | kByte | kWritesRm;
  // A bit's number in a register reaches beyond the operand.
  map[0xA3] = kKnown | kModRm | kRegister;
  map[0xAB] = map[0xB3] = map[0xBB] = kKnown | kModRm | kRegister | kWritesRm;
  map[0xA4] = map[0xAC] = kKnown | kModRm | kWritesRm | kImm8;
  map[0xA5] = map[0xAD] = kKnown | kModRm | kWritesRm;
  map[0xAF] = kKnown | kModRm | kWritesReg;
  map[0xB6] = map[0xB7] = kKnown | kModRm | kWritesReg | kNarrow | kMoves;
  map[0xBE] = map[0xBF] = kKnown | kModRm | kWritesReg | kNarrow;
  map[0xBA] = kKnown | kModRm | kGroup | kWritesRm | kImm8;
  map[0xBC] = map[0xBD] = kKnown | kModRm | kWritesReg;
  for (unsigned op = 0xC8; op <= 0xCF; ++op) map[op] = kKnown | kInOpcode | kWritesRm;
  return map;
}

constexpr OpcodeMap kOneByte = make_one_byte(), kTwoByte = make_two_byte();

// Whether the group has this member here.
bool in_group(bool two_byte, u8 opcode, unsigned reg) {
  if (two_byte) return reg >= 4;  // BT and its kin
  switch (opcode) {
    case 0xC6:
    case 0xC7: return reg == 0;
    case 0xC0:
    case 0xC1:
    case 0xD0:
    case 0xD1:
    case 0xD2:
    case 0xD3: return reg != 6;
    case 0xF6:
    case 0xF7: return reg != 1;
    case 0xFE:
    case 0xFF: return reg < 2;
    default: return true;
  }
}

constexpr bool is_own(unsigned reg) { return reg == 4 || reg == 13 || reg == 14; }

}  // namespace

PlainForm plain_form(std::span<const u8> code) {
  PlainForm form;
  std::size_t at = 0;
  const auto next = [&]() -> unsigned { return at < code.size() ? code[at++] : 0x10000; };
  bool gs = false, small = false, address32 = false;
  unsigned op = next();
  for (;; op = next()) {
    bool& prefix = op == 0x65 ? gs : op == 0x66 ? small : address32;
    if ((op != 0x65 && op != 0x66 && op != 0x67) || prefix) break;
    prefix = true;
  }
  unsigned rex = 0;
  if ((op & ~0xFu) == 0x40) rex = op, op = next();
  const bool two_byte = op == 0x0F;
  if (two_byte) op = next();
  if (op > 0xFF) return {};

  // Branches.
  const bool near8 = !two_byte && (op == 0xEB || op == 0xE3 || (op & 0xF0) == 0x70);
  const bool near32 = two_byte ? (op & 0xF0) == 0x80 : op == 0xE8 || op == 0xE9;
  if (near8 || near32) {
    const std::size_t end = at + (near8 ? 1 : 4);
    if (gs || small || rex || (address32 && op != 0xE3) || end > code.size()) return {};
    form.length = static_cast<u32>(end);
    form.branch = true;
    form.call = !two_byte && op == 0xE8;
    form.target = static_cast<i64>(end) + (near8 ? static_cast<i8>(code[at]) : load<i32>(&code[at]));
    return form;
  }
  if (!two_byte && op == 0xC3) {
    if (gs || small || rex || address32) return {};
    form.length = static_cast<u32>(at);
    return form;
  }

  const u16 has = (two_byte ? kTwoByte : kOneByte)[op];
  if (!has) return {};
  const bool wide = rex & 8;
  unsigned destination = 16;
  u32 immediate = 0;
  if (has & kModRm) {
    const unsigned modrm = next();
    if (modrm > 0xFF) return {};
    const unsigned mod = modrm >> 6, reg = (modrm >> 3 & 7) | (rex & 4) << 1, rm = (modrm & 7) | (rex & 1) << 3;
    bool writes_rm = has & kWritesRm;
    if (has & kGroup) {
      if (!in_group(two_byte, static_cast<u8>(op), reg & 7)) return {};
      if (!two_byte && (op & 0xFC) == 0x80) writes_rm = (reg & 7) != 7;
      if (!two_byte && (op & 0xFE) == 0xF6) writes_rm = (reg & 7) == 2 || (reg & 7) == 3;
      if (two_byte) writes_rm = (reg & 7) != 4;
      if (!two_byte && (op & 0xFE) == 0xF6 && (reg & 7) == 0) immediate = op == 0xF6 ? 1 : 4;
    } else if (has & kWritesReg) {
      if (is_own(reg)) return {};
      destination = reg;
    }
    if (mod == 3) {
      if (has & kLea) return {};
      if (writes_rm) {
        if (is_own(rm)) return {};
        destination = rm;
      }
    } else {
      if (has & kRegister) return {};
      const bool sib = (rm & 7) == 4;
      unsigned base = rm;
      if (sib) {
        const unsigned byte = next();
        if (byte > 0xFF) return {};
        base = (byte & 7) | (rex & 1) << 3;
      }
      const bool no_base = mod == 0 && (base & 7) == 5;  // with no SIB, it is relative to RIP
      if (no_base && !sib) return {};
      const std::size_t displacement = mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
      if (at + displacement > code.size()) return {};
      if (has & kLea) {
        if (gs && !address32) return {};
      } else if (gs) {
        if (!address32) return {};
        form.memory = PlainForm::Memory::window;
      } else if (!address32 && !sib && rm == 13 && displacement) {
        const i64 offset = displacement == 1 ? static_cast<i8>(code[at]) : load<i32>(&code[at]);
        if (offset < 0 || offset + 8 > static_cast<i64>(sizeof(Context))) return {};
        form.memory = PlainForm::Memory::context;
      } else if (!address32 && !sib && rm == 14 && mod == 0 && !two_byte && op == 0x8B && !wide && !small) {
        form.memory = PlainForm::Memory::poll;
      } else if (!address32 && !sib && rm == 8 && mod == 0) {
        form.memory = PlainForm::Memory::soft;
        form.writes = writes_rm || (has & kWritesRm && has & kWritesReg);
        form.bytes = has & kByte ? 1 : has & kNarrow ? (op & 1 ? 2 : 1) : wide ? 8 : small ? 2 : 4;
      } else {
        return {};
      }
      at += displacement;
    }
  } else if (has & kInOpcode) {
    destination = (op & 7) | (rex & 1) << 3;
    if (is_own(destination)) return {};
  }
  if (has & kImm8) immediate = 1;
  if (has & kImm) immediate = has & kByte ? 1 : 4;
  if (immediate == 4 && !wide && small) immediate = 2;
  if (immediate == 4 && wide && !two_byte && (op & 0xF8) == 0xB8) immediate = 8;
  at += immediate;
  if (at > code.size()) return {};
  form.length = static_cast<u32>(at);
  if (has & kMoves) {
    form.makes_r8d = destination == 8 && !wide && !small;
    form.makes_r9 = has & kLea && destination == 9;
    form.makes_r11 = destination == 11;
  }
  return form;
}

}  // namespace penumbra
