// Which model has which MMX, SSE and SSE2 encoding: the whole two-byte map against lists made from the SDM's tables of
// instructions by the extension that brought them (SDM 1 5.4 to 5.6).
#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "core/cpu/decode.h"
#include "core/cpu/exec/handlers.h"

namespace penumbra {
namespace {

enum class Since : u8 { never, mmx, sse, sse2 };

struct Range {
  u8 first, last;
};

// Opcode bytes after 0F, by the prefix that selects the instruction. Forms with a ModRM extension or with memory or
// registers only are looked at apart.
constexpr Range kMmx[] = {{0x60, 0x6B}, {0x6E, 0x6F}, {0x74, 0x76}, {0x7E, 0x7F}, {0xD1, 0xD3}, {0xD5, 0xD5},
                          {0xD8, 0xD9}, {0xDB, 0xDD}, {0xDF, 0xDF}, {0xE1, 0xE2}, {0xE5, 0xE5}, {0xE8, 0xE9},
                          {0xEB, 0xED}, {0xEF, 0xEF}, {0xF1, 0xF3}, {0xF5, 0xF5}, {0xF8, 0xFA}, {0xFC, 0xFE}};
constexpr Range kSseOnMmx[] = {{0x70, 0x70}, {0xC4, 0xC4}, {0xDA, 0xDA}, {0xDE, 0xDE}, {0xE0, 0xE0},
                               {0xE3, 0xE4}, {0xEA, 0xEA}, {0xEE, 0xEE}, {0xF6, 0xF6}};
constexpr Range kSse2OnMmx[] = {{0xD4, 0xD4}, {0xF4, 0xF4}, {0xFB, 0xFB}};
constexpr Range kSse[] = {{0x10, 0x11}, {0x14, 0x15}, {0x28, 0x2A}, {0x2C, 0x2F},
                          {0x51, 0x59}, {0x5C, 0x5F}, {0xC2, 0xC2}, {0xC6, 0xC6}};
constexpr Range kSse2Unprefixed[] = {{0x5A, 0x5B}};
constexpr Range kSse2With66[] = {{0x10, 0x11}, {0x14, 0x15}, {0x28, 0x2A}, {0x2C, 0x2F}, {0x51, 0x51}, {0x54, 0x6F},
                                 {0x70, 0x70}, {0x74, 0x76}, {0x7E, 0x7F}, {0xC2, 0xC2}, {0xC4, 0xC4}, {0xC6, 0xC6},
                                 {0xD1, 0xD6}, {0xD8, 0xE6}, {0xE8, 0xEF}, {0xF1, 0xF6}, {0xF8, 0xFE}};
constexpr Range kSse2WithF2[] = {{0x10, 0x11}, {0x2A, 0x2A}, {0x2C, 0x2D}, {0x51, 0x51}, {0x58, 0x5A},
                                 {0x5C, 0x5F}, {0x70, 0x70}, {0xC2, 0xC2}, {0xE6, 0xE6}};
constexpr Range kSseWithF3[] = {{0x10, 0x11}, {0x2A, 0x2A}, {0x2C, 0x2D}, {0x51, 0x53},
                                {0x58, 0x59}, {0x5C, 0x5F}, {0xC2, 0xC2}};
constexpr Range kSse2WithF3[] = {{0x5A, 0x5B}, {0x6F, 0x70}, {0x7E, 0x7F}, {0xE6, 0xE6}};
// Everything that these extensions put into the map, one way or another.
constexpr Range kTouched[] = {{0x10, 0x17}, {0x28, 0x2F}, {0x50, 0x7F}, {0xC2, 0xC6}, {0xD0, 0xFE}};

template <std::size_t N>
bool in(const Range (&ranges)[N], u8 opcode) {
  return std::any_of(ranges, ranges + N, [&](Range r) { return opcode >= r.first && opcode <= r.last; });
}

// For ModRM bytes that name memory or registers and have reg = 0 to 7.
Since expected(u8 prefix, u8 opcode, bool memory, unsigned reg) {
  if (opcode >= 0x71 && opcode <= 0x73) {
    const bool qword = opcode == 0x73;
    const bool shift = reg == 2 || reg == 6 || (reg == 4 && !qword);
    if (memory || (prefix != 0 && prefix != 0x66)) return Since::never;
    if (prefix == 0x66) return shift || (qword && (reg == 3 || reg == 7)) ? Since::sse2 : Since::never;
    return shift ? Since::mmx : Since::never;
  }
  // Memory only, registers only.
  switch (opcode) {
    case 0x12:
    case 0x16:
      if (prefix == 0) return Since::sse;
      return prefix == 0x66 && memory ? Since::sse2 : Since::never;
    case 0x13:
    case 0x17:
    case 0x2B:
      if (!memory) return Since::never;
      return prefix == 0 ? Since::sse : prefix == 0x66 ? Since::sse2 : Since::never;
    case 0x50:
      if (memory) return Since::never;
      return prefix == 0 ? Since::sse : prefix == 0x66 ? Since::sse2 : Since::never;
    case 0x77: return prefix == 0 ? Since::mmx : Since::never;
    case 0xC3: return prefix == 0 && memory ? Since::sse2 : Since::never;
    case 0xC5:
    case 0xD7:
    case 0xF7:
      if (memory) return Since::never;
      return prefix == 0 ? Since::sse : prefix == 0x66 ? Since::sse2 : Since::never;
    case 0xD6:
      if (prefix == 0x66) return Since::sse2;
      return prefix != 0 && !memory ? Since::sse2 : Since::never;
    case 0xE7:
      if (!memory) return Since::never;
      return prefix == 0 ? Since::sse : prefix == 0x66 ? Since::sse2 : Since::never;
    default: break;
  }
  switch (prefix) {
    case 0x66: return in(kSse2With66, opcode) ? Since::sse2 : Since::never;
    case 0xF2: return in(kSse2WithF2, opcode) ? Since::sse2 : Since::never;
    case 0xF3:
      if (in(kSseWithF3, opcode)) return Since::sse;
      return in(kSse2WithF3, opcode) ? Since::sse2 : Since::never;
    default: break;
  }
  if (in(kMmx, opcode)) return Since::mmx;
  if (in(kSseOnMmx, opcode) || in(kSse, opcode)) return Since::sse;
  return in(kSse2OnMmx, opcode) || in(kSse2Unprefixed, opcode) ? Since::sse2 : Since::never;
}

bool defined(std::string_view model, u8 prefix, u8 opcode, u8 modrm) {
  const Decoder decoder(true, *cpu_model_named(model));
  std::vector<u8> bytes;
  if (prefix) bytes.push_back(prefix);
  for (const u8 byte : {u8{0x0F}, opcode, modrm, u8{0}, u8{0}, u8{0}, u8{0}}) bytes.push_back(byte);
  Insn insn;
  REQUIRE(decoder.decode(bytes, insn) != DecodeResult::more_bytes);
  return insn.handler != Handler{helper<undefined_instruction, After::leave>};
}

TEST_CASE("each SIMD encoding is there since its extension, and what has none is undefined") {
  struct Model {
    std::string_view name;
    Since has;
  };
  constexpr Model kModels[] = {
      {"486", Since::never}, {"pentium", Since::mmx}, {"p2", Since::mmx}, {"p3", Since::sse}, {"p4", Since::sse2}};
  for (const u8 prefix : {u8{0}, u8{0x66}, u8{0xF2}, u8{0xF3}}) {
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
      if (!in(kTouched, static_cast<u8>(opcode))) continue;
      for (unsigned form = 0; form < 16; ++form) {
        const bool memory = form < 8;
        const u8 modrm = static_cast<u8>((memory ? 0x03 : 0xC1) | (form & 7) << 3);
        const Since since = expected(prefix, static_cast<u8>(opcode), memory, form & 7);
        for (const Model& model : kModels) {
          CAPTURE(model.name);
          CAPTURE(prefix);
          CAPTURE(opcode);
          CAPTURE(modrm);
          CHECK(defined(model.name, prefix, static_cast<u8>(opcode), modrm) ==
                (since != Since::never && since <= model.has));
        }
      }
    }
  }
}

}  // namespace
}  // namespace penumbra
