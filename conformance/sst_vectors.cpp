// Unpacking of the recorded tests, and what a 386 does otherwise than the 286 they were recorded on.
#include "conformance/sst_vectors.h"

#include <algorithm>

#include "core/base/bits.h"
#include "core/base/error.h"

namespace penumbra::conformance {
namespace {

constexpr std::array<const char*, kRealRegisters> kNames{"ax", "bx", "cx", "dx", "cs", "ss", "ds",
                                                         "es", "sp", "bp", "si", "di", "ip", "flags"};

class Reader {
 public:
  Reader(const std::vector<u8>& content, const std::string& name) : content_(content), name_(name) {}

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::span<const u8> bytes(size_t count) {
    if (count > content_.size() - at_) throw ConfigError(fmt::format("{}: ends in the middle of a test", name_));
    at_ += count;
    return {content_.data() + at_ - count, count};
  }
  size_t at() const { return at_; }

 private:
  const std::vector<u8>& content_;
  const std::string& name_;
  size_t at_ = 0;
};

std::array<std::optional<u16>, kRealRegisters> take_registers(Reader& in) {
  std::array<std::optional<u16>, kRealRegisters> registers{};
  const u32 mask = in.take<u32>();
  for (unsigned i = 0; i < kRealRegisters; ++i)
    if (mask >> i & 1) registers[i] = in.take<u16>();
  return registers;
}

std::vector<SstBytes> take_ram(Reader& in) {
  std::vector<SstBytes> runs(in.take<u16>());
  for (SstBytes& run : runs) {
    run.at = in.take<u32>();
    const auto bytes = in.bytes(in.take<u8>());
    run.bytes.assign(bytes.begin(), bytes.end());
  }
  return runs;
}

// The opcode after prefixes, and whether LOCK is among them.
struct Opcode {
  u8 byte = 0;
  bool lock = false;
};
Opcode opcode_of(const SstTest& test) {
  Opcode result;
  for (const u8 byte : test.code) {
    const bool prefix =
        byte == 0x26 || byte == 0x2E || byte == 0x36 || byte == 0x3E || byte == 0xF0 || byte == 0xF2 || byte == 0xF3;
    result.byte = byte;
    if (!prefix) break;
    result.lock |= byte == 0xF0;
  }
  return result;
}

// Where a 286 has exception 13 for every operand that wraps, a 386 has 12 for those in the stack segment: the same
// handler for both.
void share_vector_13(RealModeSubject& subject) {
  std::array<u8, 4> vector;
  subject.read(13 * 4, vector);
  subject.write(12 * 4, vector);
}

}  // namespace

SstFile parse_sst(const std::vector<u8>& content, const std::string& name) {
  Reader in(content, name);
  SstFile file;
  const auto magic = in.bytes(4);
  const u8 version = in.take<u8>(), width = in.take<u8>();
  if (!std::equal(magic.begin(), magic.end(), "SSTC") || version != 1 || width != 2)
    throw ConfigError(fmt::format("{}: not a 16-bit SSTC file of version 1", name));
  const u16 count = in.take<u16>();
  in.take<u32>();  // the file's default flags mask; each test has its own
  const auto form = in.bytes(16);
  file.form.assign(form.begin(), std::find(form.begin(), form.end(), 0));
  for (unsigned n = 0; n < count; ++n) {
    SstTest& test = file.tests.emplace_back();
    const u32 length = in.take<u32>();
    const size_t end = in.at() + length;
    test.index = in.take<u32>();
    test.flags_mask = static_cast<u16>(in.take<u32>());
    test.exception = in.take<u8>();
    test.pushed_flags_at = in.take<u32>();
    const auto code = in.bytes(in.take<u8>());
    test.code.assign(code.begin(), code.end());
    const auto initial = take_registers(in);
    for (unsigned i = 0; i < kRealRegisters; ++i) test.initial[i] = initial[i].value_or(0);
    test.final = take_registers(in);
    test.initial_ram = take_ram(in);
    test.final_ram = take_ram(in);
    if (in.at() != end) throw ConfigError(fmt::format("{}: test {} has the wrong length", name, n));
  }
  return file;
}

std::string_view sst_not_applicable(const SstFile& file, const SstTest& test) {
  if (file.form == "F6.7" && test.index == 1085) return "this 286 misses the overflow of -29600 / -10";
  const Opcode opcode = opcode_of(test);
  if (opcode.lock) return "LOCK: a 286 allows it with any instruction";
  if (test.code.size() - 1 > 10) return "a 286 refuses instructions over 10 bytes";
  const size_t at = static_cast<size_t>(std::find(test.code.begin(), test.code.end(), opcode.byte) - test.code.begin());
  if ((opcode.byte == 0x8C || opcode.byte == 0x8E) && at + 1 < test.code.size() && (test.code[at + 1] >> 3 & 7) >= 4)
    return "a 386 has FS and GS";
  const bool string = (opcode.byte >= 0x6C && opcode.byte <= 0x6F) || (opcode.byte >= 0xA4 && opcode.byte <= 0xAF);
  if (test.exception == 13 && (string || opcode.byte == 0x8F)) return "a 286 has moved its pointers when it faults";
  if (opcode.byte == 0x0F || (opcode.byte >= 0x63 && opcode.byte <= 0x67))
    return "undefined on a 286, defined on a 386";
  return {};
}

u16 sst_flags_mask(const SstFile& file, const SstTest& test) {
  u16 mask = test.flags_mask & 0x0FFF;
  // The flags of a division that fails are undefined, where they are pushed too.
  if (test.exception == 0) mask &= static_cast<u16>(~0x08D5);
  // OF after shifts and rotates by more than one bit.
  const Opcode opcode = opcode_of(test);
  const bool multiple = opcode.byte == 0xC0 || opcode.byte == 0xC1 || opcode.byte == 0xD2 || opcode.byte == 0xD3;
  if (multiple && !file.form.ends_with(".0") && !file.form.ends_with(".1")) mask &= static_cast<u16>(~0x0800);
  return mask;
}

std::string run_sst(const SstFile& file, const SstTest& test, RealModeSubject& subject) {
  for (const SstBytes& run : test.initial_ram) subject.write(run.at, run.bytes);
  RealRegisters registers = test.initial;
  // A 286 keeps FLAGS bits 12 to 15 clear in real mode.
  registers[kFlags] &= 0x0FFF;
  if (test.exception == 13) share_vector_13(subject);
  if (!subject.run(registers)) return "no HLT was reached\n";
  std::string text;
  const u16 mask = sst_flags_mask(file, test);
  for (unsigned i = 0; i < kRealRegisters; ++i) {
    const u16 expected = test.final[i].value_or(test.initial[i]);
    const u16 compared = i == kFlags ? mask : 0xFFFF;
    if ((registers[i] ^ expected) & compared)
      text += fmt::format("  {}: {:04x}, not {:04x}; was {:04x}\n", kNames[i], registers[i], expected, test.initial[i]);
  }
  // The recorded address of pushed flags is even even where the stack is odd: the final stack pointer tells.
  const u32 final_ss = test.final[kRealSs].value_or(test.initial[kRealSs]);
  const u32 final_sp = test.final[kSp].value_or(test.initial[kSp]);
  const u32 pushed_flags = final_ss * 16 + ((final_sp + 4) & 0xFFFF);
  for (const SstBytes& run : test.final_ram) {
    std::vector<u8> found(run.bytes.size());
    subject.read(run.at, found);
    for (size_t i = 0; i < found.size(); ++i) {
      const u32 at = run.at + static_cast<u32>(i);
      u8 compared = 0xFF;
      const u32 in_flags = at - pushed_flags;
      if (test.exception != 0xFF && test.pushed_flags_at && in_flags < 2)
        compared = static_cast<u8>(mask >> 8 * in_flags);
      if ((found[i] ^ run.bytes[i]) & compared)
        text += fmt::format("  memory {:06x}: {:02x}, not {:02x}\n", at, found[i], run.bytes[i]);
    }
  }
  return text;
}

}  // namespace penumbra::conformance
