// Mixed sequences: they repeat from their seed, decode, cover the rows they are for, and find a wrong result.
#include "conformance/mixed_sequence.h"

#include <doctest/doctest.h>

#include <memory>
#include <set>

#include "conformance/compare.h"
#include "conformance/processor_subject.h"

using namespace penumbra;
using namespace penumbra::conformance;

namespace {

struct Made {
  MixedSequenceGenerator generator{{}};
  std::unique_ptr<TestCase> test = std::make_unique<TestCase>();
  std::unique_ptr<Run> run = std::make_unique<Run>();
  std::unique_ptr<Arena> before = std::make_unique<Arena>();

  void make(u64 number) { generator.make(3, number, *test, *before); }
  void run_on(Subject& subject) {
    run->arena = *before;
    run->outcome = subject.run(test->in, test->bytes(), test->code_at, test->ending, run->arena);
  }
};

}  // namespace

TEST_CASE("mixed sequences: the same number gives the same case, and every byte of it belongs to an instruction") {
  Made a, b;
  std::set<ZydisMnemonic> mnemonics;
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  b.make(5000);
  for (u64 number = 0; number < 4000; ++number) {
    a.make(number);
    if (number % 64 == 0) {
      b.make(number);
      CHECK(a.test->code == b.test->code);
      CHECK(a.test->in.gpr == b.test->in.gpr);
      CHECK(a.before->bytes == b.before->bytes);
    }
    for (u32 at = 0; at < a.test->code_bytes;) {
      ZydisDecodedInstruction insn;
      REQUIRE(ZYAN_SUCCESS(
          ZydisDecoderDecodeInstruction(&decoder, nullptr, &a.test->code[at], a.test->code_bytes - at, &insn)));
      CHECK(a.generator.row_at(a.test->in.eip + at).mnemonic == insn.mnemonic);
      mnemonics.insert(insn.mnemonic);
      at += insn.length;
    }
  }
  for (const ZydisMnemonic one :
       {ZYDIS_MNEMONIC_ADD, ZYDIS_MNEMONIC_LOOP, ZYDIS_MNEMONIC_CALL, ZYDIS_MNEMONIC_RET, ZYDIS_MNEMONIC_ENTER,
        ZYDIS_MNEMONIC_MOVSB, ZYDIS_MNEMONIC_FLD, ZYDIS_MNEMONIC_FNSAVE, ZYDIS_MNEMONIC_PADDB, ZYDIS_MNEMONIC_ADDPD,
        ZYDIS_MNEMONIC_CMPXCHG, ZYDIS_MNEMONIC_BSR, ZYDIS_MNEMONIC_INT, ZYDIS_MNEMONIC_POPFD, ZYDIS_MNEMONIC_XLAT})
    CHECK_MESSAGE(mnemonics.count(one), ZydisMnemonicGetString(one));
  CHECK(mnemonics.size() > 400);
}

TEST_CASE("mixed sequences: most run to their end, and a changed result is a difference") {
  Made made;
  const auto interpreter = interpreting_subject("p4");
  unsigned finished = 0;
  for (u64 number = 0; number < 400; ++number) {
    made.make(number);
    made.run_on(*interpreter);
    const Run first = *made.run;
    made.run_on(*interpreter);
    const Taint taint = made.generator.taint_at(first.outcome.state.eip);
    made.test->ignored_flags = taint.flags;
    const Row row = made.generator.row_at(first.outcome.state.eip);
    CHECK(same(row, *made.test, *made.before, first, *made.run));
    finished += first.outcome.vector == Outcome::kFinished;
    made.run->outcome.state.gpr[kEsp] ^= 0x100;
    CHECK(!same(row, *made.test, *made.before, first, *made.run));
  }
  CHECK(finished > 200);
}
