// MOVS, STOS, LODS, SCAS and CMPS: natively, with and without REP, where the window and flat segments allow; one
// element at a time, as loads and stores, everywhere else.
#include "translator/emitter.h"
#include "translator/string_setup.h"

namespace penumbra {

namespace {

enum class Kind : u8 { movs, cmps, stos, lods, scas };

// By opcode: A4/A5 MOVS, A6/A7 CMPS, AA/AB STOS, AC/AD LODS, AE/AF SCAS.
Kind kind_of(u8 opcode) {
  switch (opcode & 0xFE) {
    case 0xA4: return Kind::movs;
    case 0xA6: return Kind::cmps;
    case 0xAA: return Kind::stos;
    case 0xAC: return Kind::lods;
    default: return Kind::scas;
  }
}

// The segment that ESI's operand is in.
unsigned source_segment(const GuestInstruction& g) {
  for (unsigned n = 0; n < g.z.operand_count; ++n) {
    const ZydisDecodedOperand& op = g.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && ZydisRegisterGetId(op.mem.base) == ESI)
      return static_cast<unsigned>(ZydisRegisterGetId(op.mem.segment));
  }
  return DS;
}

constexpr u64 kRepeats = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;

}  // namespace

bool Emitter::string(const GuestInstruction& g) {
  if (native_string(g)) return true;
  return g.z.attributes & kRepeats ? repeated_string(g) : single_string(g);
}

bool Emitter::native_string(const GuestInstruction& g) {
  const bool repeats = g.z.attributes & kRepeats;
  if (block_.reach != Reach::window || has(block_mode::kDown) || g.z.address_width != 32) return false;
  if (!flat(ES) || !flat(source_segment(g))) return false;
  if (repeats) {
    // A long run would be deaf to interrupts: from 64 Ki elements on it is the interpreter's, piece by piece.
    a_.move(R15, RCX);
    a_.swap_bytes(RCX);
    a_.zero_extend_word(RCX, RCX);
    refuse_unless_zero(g);
  }
  emit_string_setup(a_);
  if (g.z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) a_.byte(0xF3);
  if (g.z.attributes & ZYDIS_ATTRIB_HAS_REPNE) a_.byte(0xF2);
  if (g.z.opcode & 1 && g.word()) a_.byte(0x66);
  a_.byte(g.z.opcode);
  emit_string_end(a_);
  return true;
}

// REP STOS and MOVS where a block has no window: with flat segments.
bool Emitter::repeated_string(const GuestInstruction& g) {
  const Kind kind = kind_of(g.z.opcode);
  const bool move = kind == Kind::movs;
  if ((!move && kind != Kind::stos) || has(block_mode::kDown) || g.z.address_width != 32) return false;
  if (block_.reach != Reach::soft || !flat(ES) || (move && !flat(source_segment(g)))) return false;
  const unsigned size = !(g.z.opcode & 1) ? 0 : g.word() ? 1 : 2;
  a_.call_to(thunk(move ? thunks_.repeat_move[size] : thunks_.repeat_store[size]));
  a_.move(R15, RCX);
  a_.move(RCX, R9);
  refuse_unless_zero(g);
  return true;
}

// ESI and EDI, or SI and DI, on to the next element.
void Emitter::move_index(const GuestInstruction& g, Host index, i32 by) {
  const HostAddress moved{.base = index, .displacement = static_cast<u32>(has(block_mode::kDown) ? -by : by)};
  if (g.z.address_width == 32) return a_.address(index, moved);
  a_.address(R10, moved);
  move_sized(index, R10, 2);
}

bool Emitter::single_string(const GuestInstruction& g) {
  constexpr u8 kLoadByte[] = {0x8A}, kStoreByte[] = {0x88}, kLoad[] = {0x8B}, kStore[] = {0x89},
               kCompareByte[] = {0x3A}, kCompare[] = {0x3B};
  const bool bytes = !(g.z.opcode & 1);
  const u32 size = bytes ? 1 : g.word() ? 2 : 4;
  const auto form = [&](std::span<const u8> byte_opcode, std::span<const u8> opcode) {
    return Assembler::Form{.prefixes = {static_cast<u8>(size == 2 ? 0x66 : 0)}, .opcode = bytes ? byte_opcode : opcode};
  };
  const Assembler::Form load = form(kLoadByte, kLoad), store = form(kStoreByte, kStore),
                        compare = form(kCompareByte, kCompare);
  const auto source = [&] {
    return reach(g, source_segment(g), {.base = RSI}, g.z.address_width, size, ReadWrite::read);
  };
  const auto destination = [&](ReadWrite how) { return reach(g, ES, {.base = RDI}, g.z.address_width, size, how); };
  const i32 step = static_cast<i32>(size);
  switch (kind_of(g.z.opcode)) {
    case Kind::movs:
      a_.with_memory(load, R9, source());
      a_.with_memory(store, R9, destination(ReadWrite::write));
      move_index(g, RSI, step);
      move_index(g, RDI, step);
      return true;
    case Kind::cmps:
      a_.with_memory(load, R9, source());
      a_.with_memory(compare, R9, destination(ReadWrite::read));
      move_index(g, RSI, step);
      move_index(g, RDI, step);
      return true;
    case Kind::stos:
      a_.with_memory(store, RAX, destination(ReadWrite::write));
      move_index(g, RDI, step);
      return true;
    case Kind::lods:
      a_.with_memory(load, RAX, source());
      move_index(g, RSI, step);
      return true;
    case Kind::scas:
      a_.with_memory(compare, RAX, destination(ReadWrite::read));
      move_index(g, RDI, step);
      return true;
  }
  return false;
}

}  // namespace penumbra
