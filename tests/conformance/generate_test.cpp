// The generator: rows are what the manual has, cases repeat from their seed, and the undefined list covers the SDM's.
#include "conformance/generate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "conformance/compare.h"
#include "conformance/sequence.h"
#include "conformance/undefined.h"

using namespace penumbra;
using namespace penumbra::conformance;

namespace {

const Row& row_named(const std::vector<Row>& rows, std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  REQUIRE_MESSAGE(row != rows.end(), std::string(name));
  return *row;
}

}  // namespace

TEST_CASE("rows: names are unique, and the maps hold the instructions of a Pentium 4") {
  const auto rows = user_rows();
  std::set<std::string> names;
  for (const Row& row : rows) CHECK_MESSAGE(names.insert(row.name).second, row.name);
  for (const char* name :
       {"00.m.add", "82.7.r.cmp", "C1.6.r.shl", "27.daa", "C4.m.les", "0F.C8.bswap", "0F.C7.1.m.cmpxchg8b",
        "D9.F0.f2xm1", "DF.E0.fnstsw", "0F.F7.r.maskmovq", "66.0F.58.m.addpd", "F3.0F.51.r.sqrtss", "0F.AE.1.m.fxrstor",
        "90.nop", "A4.movsb", "CF.iretd", "0F.90.m.seto", "F2.0F.C2.r.cmpsd"})
    CHECK_MESSAGE(names.count(name), name);
  for (const char* part :
       {"syscall", "sysenter", "rdtsc", "cpuid", "lddqu", "pshufb", "fisttp", "haddps", "tzcnt", "sgdt"})
    for (const std::string& name : names) CHECK_MESSAGE(name.find(part) == std::string::npos, name);
}

TEST_CASE("generator: the same seed and number give the same case, another number another one") {
  const auto rows = user_rows();
  for (const char* name : {"01.m.add", "D8.0.m.fadd", "66.0F.58.m.addpd", "A5.movsd"}) {
    const Row& row = row_named(rows, name);
    TestCase a, b;
    Arena before_a, before_b;
    Generator first(row, {}), second(row, {});
    second.make(7, 900, b, before_b);
    first.make(7, 3, a, before_a);
    second.make(7, 3, b, before_b);
    CHECK(a.in.gpr == b.in.gpr);
    CHECK(a.in.fx == b.in.fx);
    CHECK(std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end()));
    CHECK(before_a.bytes == before_b.bytes);
    second.make(7, 4, b, before_b);
    CHECK(a.in.gpr != b.in.gpr);
  }
}

TEST_CASE("generator: most memory operands land in the writable pages, some elsewhere") {
  const auto rows = user_rows();
  const Row& row = row_named(rows, "01.m.add");
  Generator generator(row, {});
  TestCase test;
  Arena before;
  int made = 0, inside = 0, outside = 0;
  for (u64 n = 0; n < 2000; ++n) {
    if (!generator.make(1, n, test, before) || !test.decoded || !test.memory_known) continue;
    ++made;
    (test.memory_at - kDataBase <= kDataWritable - test.memory_bytes ? inside : outside) += 1;
  }
  CHECK(made > 1000);
  CHECK(inside > made / 2);
  CHECK(outside > made / 50);
}

TEST_CASE("undefined list: every flag that it masks, and every flag that the decoder's tables call undefined") {
  // Each entry has a reason, and no instruction is masked that Zydis' tables say defines everything.
  std::set<ZydisMnemonic> masked;
  for (const UndefinedEntry& entry : undefined_table()) {
    CHECK_FALSE(entry.reason.empty());
    masked.insert(entry.mnemonic);
  }
  CHECK(masked.count(ZYDIS_MNEMONIC_ADD) == 0);
  CHECK(masked.count(ZYDIS_MNEMONIC_MUL) == 1);
}

TEST_CASE("comparison: a differing register, flag or byte is named; undefined ones are not") {
  const auto rows = user_rows();
  const Row& row = row_named(rows, "F7.4.r.mul");
  Generator generator(row, {});
  TestCase test;
  Arena before;
  u64 number = 0;
  do generator.make(1, number, test, before);
  while (!test.decoded && ++number);
  Run host, subject;
  host.outcome.state = subject.outcome.state = test.in;
  host.arena = subject.arena = before;
  CHECK(same(row, test, before, host, subject));
  subject.outcome.state.eflags ^= 0x80;  // SF: undefined after MUL
  CHECK(same(row, test, before, host, subject));
  subject.outcome.state.eflags ^= 0x1;  // CF: defined
  subject.outcome.state.gpr[kEdx] ^= 1;
  subject.arena.bytes[17] ^= 1;
  CHECK_FALSE(same(row, test, before, host, subject));
  const auto all = differences(row, test, before, host, subject);
  REQUIRE(all.size() == 3);
  CHECK(all[0].field == "edx");
  CHECK(all[1].field == "CF");
  CHECK(all[2].field == "memory");
  CHECK(describe(row, test, before).find("mul") != std::string::npos);
}

TEST_CASE("sequences: several decodable instructions that repeat from their seed and read no undefined flag") {
  SequenceGenerator first, second;
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  TestCase a, b;
  Arena before_a, before_b;
  unsigned longest = 0;
  for (u64 n = 0; n < 500; ++n) {
    first.make(5, n, a, before_a);
    second.make(5, n, b, before_b);
    CHECK(std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end()));
    unsigned count = 0;
    u32 tainted = 0;
    for (u32 at = 0; at < a.code_bytes; ++count) {
      ZydisDecodedInstruction insn;
      ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
      REQUIRE(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, &a.code[at], a.code_bytes - at, &insn, operands)));
      if (insn.mnemonic == ZYDIS_MNEMONIC_DAA || insn.mnemonic == ZYDIS_MNEMONIC_MUL)
        tainted = insn.cpu_flags->undefined;
      else if (insn.cpu_flags) {
        CHECK((insn.cpu_flags->tested & tainted) == 0);
        tainted &= ~(insn.cpu_flags->modified | insn.cpu_flags->set_0 | insn.cpu_flags->set_1);
      }
      at += insn.length;
    }
    longest = std::max(longest, count);
  }
  CHECK(longest > 6);
}
