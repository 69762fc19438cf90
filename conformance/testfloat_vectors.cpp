// Parsing of TestFloat's text, and one sequence of instructions for each operation.
#include "conformance/testfloat_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "conformance/segments.h"
#include "core/base/error.h"

namespace penumbra::conformance {
namespace {

enum class Kind : u8 { ext, f32, f64, i32, i64, truth };

// How an operation is run: where operands are put, the code, and where the result is found.
struct Operation {
  std::string_view name;
  Kind operand;
  unsigned operands;
  Kind result;
  bool sse;
  std::array<u8, 12> code;
  u8 bytes;
};

constexpr u8 kUnordered = 4, kEqual = 2, kLess = 1;

// x87: a in ST(0), b in ST(1), or a at EBX for loads; results in ST(0), or stored at ECX. SSE: a in XMM0 or EAX, b in
// XMM1; results in XMM0 or EAX. Comparisons leave flags in AH or EFLAGS.
constexpr Operation kOperations[] = {
    {"extF80_add", Kind::ext, 2, Kind::ext, false, {0xD8, 0xC1}, 2},         // fadd st0, st1
    {"extF80_sub", Kind::ext, 2, Kind::ext, false, {0xD8, 0xE1}, 2},         // fsub st0, st1
    {"extF80_mul", Kind::ext, 2, Kind::ext, false, {0xD8, 0xC9}, 2},         // fmul st0, st1
    {"extF80_div", Kind::ext, 2, Kind::ext, false, {0xD8, 0xF1}, 2},         // fdiv st0, st1
    {"extF80_sqrt", Kind::ext, 1, Kind::ext, false, {0xD9, 0xFA}, 2},        // fsqrt
    {"extF80_roundToInt", Kind::ext, 1, Kind::ext, false, {0xD9, 0xFC}, 2},  // frndint
    // L: fprem1; fnstsw ax; test ah, 4; jnz L
    {"extF80_rem", Kind::ext, 2, Kind::ext, false, {0xD9, 0xF5, 0xDF, 0xE0, 0xF6, 0xC4, 0x04, 0x75, 0xF7}, 9},
    {"extF80_eq", Kind::ext, 2, Kind::truth, false, {0xDD, 0xE1, 0xDF, 0xE0}, 4},  // fucom st1; fnstsw ax
    {"extF80_le", Kind::ext, 2, Kind::truth, false, {0xD8, 0xD1, 0xDF, 0xE0}, 4},  // fcom st1; fnstsw ax
    {"extF80_lt", Kind::ext, 2, Kind::truth, false, {0xD8, 0xD1, 0xDF, 0xE0}, 4},
    {"extF80_to_f32", Kind::ext, 1, Kind::f32, false, {0xD9, 0x19}, 2},       // fstp dword [ecx]
    {"extF80_to_f64", Kind::ext, 1, Kind::f64, false, {0xDD, 0x19}, 2},       // fstp qword [ecx]
    {"extF80_to_i32", Kind::ext, 1, Kind::i32, false, {0xDB, 0x19}, 2},       // fistp dword [ecx]
    {"extF80_to_i64", Kind::ext, 1, Kind::i64, false, {0xDF, 0x39}, 2},       // fistp qword [ecx]
    {"f32_to_extF80", Kind::f32, 1, Kind::ext, false, {0xD9, 0x03}, 2},       // fld dword [ebx]
    {"f64_to_extF80", Kind::f64, 1, Kind::ext, false, {0xDD, 0x03}, 2},       // fld qword [ebx]
    {"i32_to_extF80", Kind::i32, 1, Kind::ext, false, {0xDB, 0x03}, 2},       // fild dword [ebx]
    {"i64_to_extF80", Kind::i64, 1, Kind::ext, false, {0xDF, 0x2B}, 2},       // fild qword [ebx]
    {"f32_add", Kind::f32, 2, Kind::f32, true, {0xF3, 0x0F, 0x58, 0xC1}, 4},  // addss xmm0, xmm1
    {"f32_sub", Kind::f32, 2, Kind::f32, true, {0xF3, 0x0F, 0x5C, 0xC1}, 4},
    {"f32_mul", Kind::f32, 2, Kind::f32, true, {0xF3, 0x0F, 0x59, 0xC1}, 4},
    {"f32_div", Kind::f32, 2, Kind::f32, true, {0xF3, 0x0F, 0x5E, 0xC1}, 4},
    {"f32_sqrt", Kind::f32, 1, Kind::f32, true, {0xF3, 0x0F, 0x51, 0xC0}, 4},
    {"f32_eq", Kind::f32, 2, Kind::truth, true, {0x0F, 0x2E, 0xC1}, 3},  // ucomiss xmm0, xmm1
    {"f32_le", Kind::f32, 2, Kind::truth, true, {0x0F, 0x2F, 0xC1}, 3},  // comiss xmm0, xmm1
    {"f32_lt", Kind::f32, 2, Kind::truth, true, {0x0F, 0x2F, 0xC1}, 3},
    {"f32_to_i32", Kind::f32, 1, Kind::i32, true, {0xF3, 0x0F, 0x2D, 0xC0}, 4},  // cvtss2si eax, xmm0
    {"f32_to_f64", Kind::f32, 1, Kind::f64, true, {0xF3, 0x0F, 0x5A, 0xC0}, 4},  // cvtss2sd xmm0, xmm0
    {"f64_add", Kind::f64, 2, Kind::f64, true, {0xF2, 0x0F, 0x58, 0xC1}, 4},     // addsd xmm0, xmm1
    {"f64_sub", Kind::f64, 2, Kind::f64, true, {0xF2, 0x0F, 0x5C, 0xC1}, 4},
    {"f64_mul", Kind::f64, 2, Kind::f64, true, {0xF2, 0x0F, 0x59, 0xC1}, 4},
    {"f64_div", Kind::f64, 2, Kind::f64, true, {0xF2, 0x0F, 0x5E, 0xC1}, 4},
    {"f64_sqrt", Kind::f64, 1, Kind::f64, true, {0xF2, 0x0F, 0x51, 0xC0}, 4},
    {"f64_eq", Kind::f64, 2, Kind::truth, true, {0x66, 0x0F, 0x2E, 0xC1}, 4},  // ucomisd xmm0, xmm1
    {"f64_le", Kind::f64, 2, Kind::truth, true, {0x66, 0x0F, 0x2F, 0xC1}, 4},  // comisd xmm0, xmm1
    {"f64_lt", Kind::f64, 2, Kind::truth, true, {0x66, 0x0F, 0x2F, 0xC1}, 4},
    {"f64_to_i32", Kind::f64, 1, Kind::i32, true, {0xF2, 0x0F, 0x2D, 0xC0}, 4},  // cvtsd2si eax, xmm0
    {"f64_to_f32", Kind::f64, 1, Kind::f32, true, {0xF2, 0x0F, 0x5A, 0xC0}, 4},  // cvtsd2ss xmm0, xmm0
    {"i32_to_f32", Kind::i32, 1, Kind::f32, true, {0xF3, 0x0F, 0x2A, 0xC0}, 4},  // cvtsi2ss xmm0, eax
    {"i32_to_f64", Kind::i32, 1, Kind::f64, true, {0xF2, 0x0F, 0x2A, 0xC0}, 4},  // cvtsi2sd xmm0, eax
};

const Operation* operation_named(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kOperations), std::end(kOperations), [&](const auto& o) { return o.name == name; });
  return found == std::end(kOperations) ? nullptr : found;
}

u32 rounding_number(std::string_view rounding) {
  if (rounding == "rd") return 1;
  if (rounding == "ru") return 2;
  return rounding == "rz" ? 3 : 0;
}

constexpr u32 kInput = 0x40, kOutput = 0x80;  // offsets in the arena

UserState prepare(const FloatSection& section, const Operation& op, const FloatVector& vector, Arena& arena) {
  UserState in;
  in.selector = {kFlatData, kFlatCode, kFlatData, kFlatData, kFlatData, kFlatData};
  in.eip = kCodeBase + 0x100;
  in.gpr[kEsp] = kDataBase + 0x1000;
  in.gpr[kEbx] = kDataBase + kInput;
  in.gpr[kEcx] = kDataBase + kOutput;
  const u32 rounding = rounding_number(section.rounding);
  const u32 precision = section.precision == 32 ? 0 : section.precision == 64 ? 2 : 3;
  store<u16>(&in.fx[kFxControl], static_cast<u16>(0x7F | precision << 8 | rounding << 10));
  store<u32>(&in.fx[kFxMxcsr], 0x1F80 | rounding << 13);
  store<u64>(&arena.bytes[kInput], vector.a.low);
  if (op.operand == Kind::ext) {
    // TOP is 6: ST(0) is R6 and ST(1) is R7.
    store<u16>(&in.fx[kFxStatus], 6 << 11);
    in.fx[kFxTags] = 0xC0;
    store<u64>(&in.fx[kFxStack], vector.a.low);
    store<u16>(&in.fx[kFxStack + 8], vector.a.high);
    store<u64>(&in.fx[kFxStack + 16], vector.b.low);
    store<u16>(&in.fx[kFxStack + 24], vector.b.high);
  } else if (op.sse) {
    store<u64>(&in.fx[kFxXmm], vector.a.low);
    store<u64>(&in.fx[kFxXmm + 16], vector.b.low);
    in.gpr[kEax] = static_cast<u32>(vector.a.low);
  }
  return in;
}

FloatValue truth_of(const Operation& op, const UserState& state) {
  // C3 C2 C0 stand where ZF PF CF do.
  const u32 bits = op.sse ? state.eflags : state.gpr[kEax] >> 8;
  const u32 relation = (bits & 0x04 ? kUnordered : 0) | (bits & 0x40 ? kEqual : 0) | (bits & 0x01 ? kLess : 0);
  if (relation & kUnordered) return {};
  if (op.name.ends_with("eq")) return {relation == kEqual};
  return {op.name.ends_with("le") ? relation != 0 : relation == kLess};
}

FloatValue result_of(const Operation& op, const UserState& state, const Arena& arena) {
  const bool narrow = op.result == Kind::f32 || op.result == Kind::i32;
  u64 low = 0;
  if (op.result == Kind::truth) return truth_of(op, state);
  if (op.result == Kind::ext) return {load<u64>(&state.fx[kFxStack]), load<u16>(&state.fx[kFxStack + 8])};
  if (!op.sse) {
    low = load<u64>(&arena.bytes[kOutput]);
  } else if (op.result == Kind::i32) {
    low = state.gpr[kEax];
  } else {
    low = load<u64>(&state.fx[kFxXmm]);
  }
  return {narrow ? low & 0xFFFF'FFFF : low};
}

u8 flags_of(const Operation& op, const UserState& state) {
  // IE DE ZE OE UE PE in both registers; the denormal flag is x86's own.
  const u32 bits = op.sse ? load<u32>(&state.fx[kFxMxcsr]) : load<u16>(&state.fx[kFxStatus]);
  return static_cast<u8>((bits & 1) << 4 | (bits & 4) << 1 | (bits & 8) >> 1 | (bits & 16) >> 3 | (bits & 32) >> 5);
}

FloatValue parse_value(std::string_view text) {
  FloatValue value;
  if (text.size() == 20) {
    std::from_chars(text.data(), text.data() + 4, value.high, 16);
    text.remove_prefix(4);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value.low, 16);
  if (error != std::errc{} || end != text.data() + text.size())
    throw ConfigError(fmt::format("not a number: {}", text));
  return value;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t space = std::min(line.find(' '), line.size());
    if (space) words.push_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

void parse_line(std::string_view line, std::vector<FloatSection>& sections) {
  const auto words = words_of(line);
  if (words.empty()) return;
  if (words[0] == "@") {
    if (words.size() != 4) throw ConfigError("a section is: @ operation precision rounding");
    sections.push_back(
        {std::string(words[1]), static_cast<unsigned>(std::stoul(std::string(words[2]))), std::string(words[3]), {}});
    return;
  }
  if (sections.empty()) throw ConfigError("a vector before the first section");
  if (words.size() != 3 && words.size() != 4) throw ConfigError("a vector has one or two operands, a result and flags");
  FloatVector vector;
  size_t at = 0;
  vector.a = parse_value(words[at++]);
  if (words.size() == 4) vector.b = parse_value(words[at++]);
  vector.result = parse_value(words[at++]);
  vector.flags = static_cast<u8>(parse_value(words[at]).low);
  sections.back().vectors.push_back(vector);
}

}  // namespace

std::string FloatSection::name() const { return fmt::format("{}.{}.{}", operation, precision, rounding); }

std::vector<FloatSection> parse_testfloat(std::string_view text) {
  std::vector<FloatSection> sections;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    ++number;
    try {
      parse_line(text.substr(0, end), sections);
    } catch (const std::exception& error) {
      throw ConfigError(fmt::format("line {}: {}", number, error.what()));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return sections;
}

std::string run_testfloat(const FloatSection& section, Subject& subject) {
  const Operation* op = operation_named(section.operation);
  if (!op) return fmt::format("unknown operation {}\n", section.operation);
  constexpr size_t kExamples = 5;
  size_t different = 0;
  std::string text;
  const auto arena = std::make_unique<Arena>();
  for (const FloatVector& vector : section.vectors) {
    const UserState in = prepare(section, *op, vector, *arena);
    const Ending ending = op->name == "extF80_rem" ? Ending::anywhere : Ending::straight;
    const Outcome out = subject.run(in, {op->code.data(), op->bytes}, in.eip, ending, *arena);
    const FloatValue result = result_of(*op, out.state, *arena);
    u8 flags = flags_of(*op, out.state);
    u8 expected = vector.flags;
    if (op->name == "extF80_rem") flags &= 0x1E, expected &= 0x1E;  // partial remainders are exact, TestFloat's is not
    if (out.vector == Outcome::kFinished && result == vector.result && flags == expected) continue;
    if (++different > kExamples) continue;
    text += fmt::format(
        "  {} a {:04X}.{:016X} b {:04X}.{:016X}: {:04X}.{:016X} flags {:02X}, not {:04X}.{:016X} flags {:02X}{}\n",
        section.name(), vector.a.high, vector.a.low, vector.b.high, vector.b.low, result.high, result.low, flags,
        vector.result.high, vector.result.low, expected,
        out.vector == Outcome::kFinished ? "" : fmt::format(", exception {}", out.vector));
  }
  return different ? fmt::format("{} of {} vectors differ\n{}", different, section.vectors.size(), text) : "";
}

}  // namespace penumbra::conformance
