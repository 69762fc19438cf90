// Random runs of integer instructions: what one leaves behind, above all its flags, is what the next one works on.
#pragma once

#include "conformance/generate.h"

namespace penumbra::conformance {

class SequenceGenerator {
 public:
  SequenceGenerator();

  // Makes sequence `number`; `arena` gets the memory before the run. Flags that are undefined at its end are in
  // `out.ignored_flags`; no instruction of it reads an undefined flag.
  void make(u64 seed, u64 number, TestCase& out, Arena& arena);

 private:
  void start_state();
  // Appends one random instruction. False if this one would not do.
  bool append();
  bool append_branch();
  u8 encode(const Row& row, u8* to);
  bool fits(const Row& row) const;

  std::vector<Row> rows_;
  ZydisDecoder decoder_;
  Random random_{0};
  TestCase* c_ = nullptr;
  u32 tainted_ = 0;  // flags that are undefined here
  ZydisDecodedInstruction insn_;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands_;
};

}  // namespace penumbra::conformance
