// Field by field comparison under the written list of undefined results.
#include "conformance/compare.h"

#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

constexpr std::array<const char*, 8> kGprNames{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
constexpr std::array<const char*, 6> kSegmentNames{"es", "cs", "ss", "ds", "fs", "gs"};
// CF PF AF ZF SF TF IF DF OF IOPL NT AC ID; RF is what exception delivery makes of it.
constexpr u32 kComparedFlags = 0x247FD5;
// The pushed error code's instruction-fetch bit depends on NX, which the guest may not have (SDM 3A 4.7).
constexpr u32 kFetchBit = 0x10;

struct FlagName {
  u32 bit;
  const char* name;
};
constexpr FlagName kFlagNames[] = {{0x1, "CF"},    {0x4, "PF"},     {0x10, "AF"},    {0x40, "ZF"},  {0x80, "SF"},
                                   {0x100, "TF"},  {0x200, "IF"},   {0x400, "DF"},   {0x800, "OF"}, {0x3000, "IOPL"},
                                   {0x4000, "NT"}, {0x40000, "AC"}, {0x200000, "ID"}};

// The single-precision results of RCP and RSQRT: both within 1.5 * 2^-12 of the truth.
bool close_singles(u32 a, u32 b) {
  if (a == b) return true;
  const float x = std::bit_cast<float>(a), y = std::bit_cast<float>(b);
  if (!std::isfinite(x) || !std::isfinite(y) || std::signbit(x) != std::signbit(y)) return false;
  return std::fabs(x - y) <= std::fabs(x) * 3.1f / 4096;
}

// Two 80-bit numbers a few units in the last place apart.
bool close_extended(const u8* a, const u8* b) {
  const u64 x = load<u64>(a), y = load<u64>(b);
  const int ex = load<u16>(a + 8), ey = load<u16>(b + 8);
  constexpr u64 kUlps = 4;
  if (ex == ey) return (x > y ? x - y : y - x) <= kUlps;
  if (ey == ex + 1) return ~x < kUlps && y - (u64{1} << 63) < kUlps;
  if (ex == ey + 1) return ~y < kUlps && x - (u64{1} << 63) < kUlps;
  return false;
}

class Comparison {
 public:
  Comparison(const Row& row, const TestCase& test, const Arena& before, const Run& host, const Run& subject)
      : test_(test), before_(before), host_(host), subject_(subject) {
    // An instruction that faults has done nothing, so nothing of it is undefined.
    const Outcome& out = host.outcome;
    // The row of a sequence is the one that faulted.
    const bool at_row = out.state.eip == test.in.eip || (!test.decoded && row.mnemonic != ZYDIS_MNEMONIC_INVALID);
    if (out.vector == Outcome::kFinished || !at_row)
      undefined_ = undefined_by(row, test, before, out);
    else
      freedom_ = freedom_of(row);
    // What a Pentium 4 refuses has been loaded.
    more_control_ = (freedom_of(row) & kMoreControl) && load<u32>(&out.state.fx[kFxMxcsr]) >> 16;
  }

  // Calls add(field, text) for each difference; text is a function, called only by who wants it.
  template <class Add>
  void each(Add add) const {
    const Outcome& h = host_.outcome;
    const Outcome& s = subject_.outcome;
    if (more_control_) return;
    if ((freedom_ & kMayFault) && h.vector != s.vector) return;
    if ((freedom_ & kWiderAccess) && h.vector != s.vector && of_operand(h.vector)) return;
    if ((freedom_ & kOperandFirst) && operand_faulted_first(h, s)) return;
    const bool either = (freedom_ & kEitherFault) && h.vector != Outcome::kFinished && s.vector != Outcome::kFinished;
    if (!either) exception(add, h, s);
    general(add);
    x87(add);
    sse(add);
    memory(add);
  }

 private:
  // A segment, page or alignment fault.
  static bool of_operand(unsigned vector) { return (vector >= 12 && vector <= 14) || vector == 17; }

  // An x87 store whose own exception is unmasked. What became of the rest of a sequence tells nothing of its status.
  bool operand_faulted_first(const Outcome& h, const Outcome& s) const {
    constexpr u16 kStopsStore = 0x19;  // IE, OE, UE
    if (!of_operand(h.vector) || (h.vector == s.vector && h.state.eip == s.state.eip)) return false;
    const u16 unmasked = static_cast<u16>(~load<u16>(&h.state.fx[kFxControl]) & kStopsStore);
    return unmasked & (test_.decoded ? load<u16>(&s.state.fx[kFxStatus]) : kStopsStore);
  }

  static std::string ending(const Outcome& o) {
    if (o.vector == Outcome::kFinished) return "finished";
    return fmt::format("exception {} (error code {:x}, cr2 {:08x})", o.vector, o.error_code, o.cr2);
  }

  u32 gpr_mask(unsigned i) const {
    // With a 16-bit stack segment IRETQ leaves garbage in the upper half of ESP.
    const bool small = !segment_big(test_.in.selector[kSs]) || !segment_big(host_.outcome.state.selector[kSs]);
    u32 mask = i == kEsp && small ? 0xFFFF : ~0u;
    if ((freedom_ & kPartialRegisters) && i != kEsp) return 0;
    if (undefined_.result == Result::undefined && test_.operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        (static_cast<unsigned>(ZydisRegisterGetId(test_.operands[0].reg.value)) & 7) == i)
      mask &= test_.operands[0].size == 16 ? 0xFFFF'0000 : 0;
    return mask;
  }

  template <class Add>
  void exception(Add& add, const Outcome& h, const Outcome& s) const {
    if (h.vector != s.vector) {
      add("exception", [&] { return fmt::format("{}, not {}", ending(s), ending(h)); });
    } else if ((h.error_code ^ s.error_code) & ~(h.vector == 14 ? kFetchBit : 0)) {
      add("error code", [&] { return fmt::format("{:x}, not {:x}", s.error_code, h.error_code); });
    }
    if (h.cr2 == s.cr2) return;
    const bool inside = s.cr2 - test_.memory_at < test_.memory_bytes && h.cr2 - test_.memory_at < test_.memory_bytes;
    if ((freedom_ & kFaultInOperand) && inside) return;
    add("cr2", [&] { return fmt::format("{:08x}, not {:08x}", s.cr2, h.cr2); });
  }

  template <class Add>
  void general(Add& add) const {
    const UserState& h = host_.outcome.state;
    const UserState& s = subject_.outcome.state;
    for (unsigned i = 0; i < 8; ++i) {
      if ((h.gpr[i] ^ s.gpr[i]) & gpr_mask(i))
        add(kGprNames[i],
            [&] { return fmt::format("{:08x}, not {:08x}; was {:08x}", s.gpr[i], h.gpr[i], test_.in.gpr[i]); });
    }
    if (h.eip != s.eip)
      add("eip", [&] { return fmt::format("{:08x}, not {:08x}; was {:08x}", s.eip, h.eip, test_.in.eip); });
    u32 ignored = undefined_.flags | test_.ignored_flags;
    // A trap or a fault inside of REP CMPS or SCAS: whether the flags are those of the last iteration is open.
    if (freedom_ & kRepeatedFlags) ignored |= 0x8D5;
    const u32 flags = (h.eflags ^ s.eflags) & kComparedFlags & ~ignored;
    for (const FlagName& flag : kFlagNames) {
      if (flags & flag.bit)
        add(flag.name, [&] {
          return fmt::format("{:x}, not {:x}; was {:x}", s.eflags & flag.bit, h.eflags & flag.bit,
                             test_.in.eflags & flag.bit);
        });
    }
    for (unsigned i = 0; i < 6; ++i) {
      // A fault takes the host through the kernel and back by IRETQ, which makes null selectors 1 to 3 zero.
      if (h.selector[i] == s.selector[i] || (h.selector[i] < 4 && s.selector[i] < 4)) continue;
      add(kSegmentNames[i], [&] {
        return fmt::format("{:04x}, not {:04x}; was {:04x}", s.selector[i], h.selector[i], test_.in.selector[i]);
      });
    }
  }

  template <class Add>
  void x87(Add& add) const {
    if (freedom_ & kEntersMmx) return;
    const auto& h = host_.outcome.state.fx;
    const auto& s = subject_.outcome.state.fx;
    const auto word = [&](const char* name, unsigned at, int ignored) {
      const u16 a = load<u16>(&h[at]), b = load<u16>(&s[at]);
      if ((a ^ b) & ~ignored)
        add(name, [&] { return fmt::format("{:04x}, not {:04x}; was {:04x}", b, a, load<u16>(&test_.in.fx[at])); });
    };
    word("fcw", kFxControl, 0);
    word("fsw", kFxStatus, undefined_.status | test_.ignored_status);
    if (h[kFxTags] != s[kFxTags])
      add("ftw",
          [&] { return fmt::format("{:02x}, not {:02x}; was {:02x}", s[kFxTags], h[kFxTags], test_.in.fx[kFxTags]); });
    for (unsigned i = 0; i < 8; ++i) {
      const u8* a = &h[kFxStack + 16 * i];
      const u8* b = &s[kFxStack + 16 * i];
      if (std::memcmp(a, b, 10) == 0) continue;
      if (undefined_.result == Result::last_places && close_extended(a, b)) continue;
      add("st", [&] {
        const u8* was = &test_.in.fx[kFxStack + 16 * i];
        return fmt::format("st{} {:04x}.{:016x}, not {:04x}.{:016x}; was {:04x}.{:016x}", i, load<u16>(b + 8),
                           load<u64>(b), load<u16>(a + 8), load<u64>(a), load<u16>(was + 8), load<u64>(was));
      });
    }
  }

  template <class Add>
  void sse(Add& add) const {
    const auto& h = host_.outcome.state.fx;
    const auto& s = subject_.outcome.state.fx;
    const u32 mxcsr = load<u32>(&h[kFxMxcsr]), other = load<u32>(&s[kFxMxcsr]);
    if (mxcsr != other)
      add("mxcsr",
          [&] { return fmt::format("{:x}, not {:x}; was {:x}", other, mxcsr, load<u32>(&test_.in.fx[kFxMxcsr])); });
    if (std::memcmp(&h[kFxXmm], &s[kFxXmm], 128) == 0) return;
    for (unsigned i = 0; i < 8; ++i) {
      const u8* a = &h[kFxXmm + 16 * i];
      const u8* b = &s[kFxXmm + 16 * i];
      if (std::memcmp(a, b, 16) == 0) continue;
      if (undefined_.result == Result::approximate) {
        bool close = true;
        for (unsigned lane = 0; lane < 4; ++lane)
          close &= close_singles(load<u32>(a + 4 * lane), load<u32>(b + 4 * lane));
        if (close) continue;
      }
      add("xmm", [&] {
        const u8* was = &test_.in.fx[kFxXmm + 16 * i];
        return fmt::format("xmm{} {:016x}{:016x}, not {:016x}{:016x}; was {:016x}{:016x}", i, load<u64>(b + 8),
                           load<u64>(b), load<u64>(a + 8), load<u64>(a), load<u64>(was + 8), load<u64>(was));
      });
    }
  }

  template <class Add>
  void memory(Add& add) const {
    if (freedom_ & kPartialMemory) return;
    const auto& h = host_.arena.bytes;
    const auto& s = subject_.arena.bytes;
    if (std::memcmp(h.data(), s.data(), kDataWritable) == 0) return;
    for (u32 i = 0; i < kDataWritable; ++i) {
      if (h[i] == s[i] || ignored(kDataBase + i)) continue;
      add("memory", [&] {
        std::string text = fmt::format("{:08x}:", kDataBase + i);
        const u32 end = std::min(i + 16, kDataWritable);
        for (u32 k = i; k < end; ++k) text += fmt::format(" {:02x}", s[k]);
        text += ", not";
        for (u32 k = i; k < end; ++k) text += fmt::format(" {:02x}", h[k]);
        text += "; was";
        for (u32 k = i; k < end; ++k) text += fmt::format(" {:02x}", before_.bytes[k]);
        return text;
      });
      return;
    }
  }

  bool ignored(u32 linear) const {
    for (const IgnoredBytes& range : undefined_.memory)
      if (linear - range.at < range.bytes) return true;
    return false;
  }

  const TestCase& test_;
  const Arena& before_;
  const Run& host_;
  const Run& subject_;
  Undefined undefined_;
  u16 freedom_ = 0;
  bool more_control_ = false;
};

std::string hex(std::span<const u8> bytes) {
  std::string text;
  for (const u8 byte : bytes) text += fmt::format("{}{:02x}", text.empty() ? "" : " ", byte);
  return text;
}

// All instructions of a case in a row.
std::string disassembly(const TestCase& test) {
  ZydisDecoder decoder;
  const bool small = !segment_big(test.in.selector[kCs]);
  ZydisDecoderInit(&decoder, small ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32,
                   small ? ZYDIS_STACK_WIDTH_16 : ZYDIS_STACK_WIDTH_32);
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  std::string text;
  for (u32 at = 0; at < test.code_bytes;) {
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    char line[128];
    text += at ? "; " : "  ";
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, &test.code[at], test.code_bytes - at, &insn, operands)))
      return text + "(undefined)";
    ZydisFormatterFormatInstruction(&formatter, &insn, operands, insn.operand_count_visible, line, sizeof line,
                                    test.in.eip + at, nullptr);
    text += line;
    at += insn.length;
  }
  return text;
}

}  // namespace

bool same(const Row& row, const TestCase& test, const Arena& before, const Run& host, const Run& subject) {
  bool equal = true;
  Comparison(row, test, before, host, subject).each([&](const char*, const auto&) { equal = false; });
  return equal;
}

std::vector<Difference> differences(const Row& row, const TestCase& test, const Arena& before, const Run& host,
                                    const Run& subject) {
  std::vector<Difference> all;
  Comparison(row, test, before, host, subject).each([&](const char* field, const auto& text) {
    all.push_back({field, text()});
  });
  return all;
}

std::string describe(const Row& row, const TestCase& test, const Arena& before) {
  const UserState& in = test.in;
  std::string text = fmt::format("bytes {}", hex(test.bytes())) + disassembly(test);
  text += fmt::format("\n  eip {:08x} (linear {:08x}) eflags {:08x}\n ", in.eip, test.code_at, in.eflags);
  for (unsigned i = 0; i < 8; ++i) text += fmt::format(" {} {:08x}", kGprNames[i], in.gpr[i]);
  text += "\n ";
  for (unsigned i = 0; i < 6; ++i) text += fmt::format(" {} {:04x}", kSegmentNames[i], in.selector[i]);
  if (test.decoded && test.memory_known) {
    text += fmt::format("\n  operand at {:08x}, {} bytes", test.memory_at, test.memory_bytes);
    const u32 offset = test.memory_at - kDataBase;
    const u32 bytes = std::min(test.memory_bytes, 32u);
    if (offset < kDataBytes && bytes <= kDataBytes - offset)
      text += fmt::format(": {}", hex({&before.bytes[offset], bytes}));
  }
  if (row.unit == Unit::x87 || row.unit == Unit::mmx)
    text += fmt::format("\n  fcw {:04x} fsw {:04x} ftw {:02x}", load<u16>(&in.fx[kFxControl]),
                        load<u16>(&in.fx[kFxStatus]), in.fx[kFxTags]);
  if (row.unit == Unit::x87) {
    for (unsigned i = 0; i < 8; ++i)
      text += fmt::format("{}st{} {:04x}.{:016x}", i % 4 ? "  " : "\n  ", i, load<u16>(&in.fx[kFxStack + 16 * i + 8]),
                          load<u64>(&in.fx[kFxStack + 16 * i]));
  }
  if (row.unit == Unit::sse) {
    text += fmt::format("\n  mxcsr {:04x}", load<u32>(&in.fx[kFxMxcsr]));
    for (unsigned i = 0; i < 8; ++i)
      text += fmt::format("{}xmm{} {:016x}{:016x}", i % 2 ? "  " : "\n  ", i, load<u64>(&in.fx[kFxXmm + 16 * i + 8]),
                          load<u64>(&in.fx[kFxXmm + 16 * i]));
  }
  return text + "\n";
}

}  // namespace penumbra::conformance
