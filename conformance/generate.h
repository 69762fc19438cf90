// Random cases of one instruction row: bytes, state and memory, weighted to the edges and aimed so that most succeed.
#pragma once

#include <Zydis/Zydis.h>

#include <optional>
#include <span>

#include "conformance/random.h"
#include "conformance/rows.h"
#include "conformance/subject.h"
#include "conformance/values.h"

namespace penumbra::conformance {

struct TestCase {
  UserState in;
  std::array<u8, 240> code{};
  u8 code_bytes = 0;  // the instruction, and for x87 rows often an FWAIT after it; or a whole sequence
  u8 insn_bytes = 0;  // the instruction alone
  u32 code_at = 0;    // linear
  Ending ending = Ending::straight;
  u32 ignored_flags = 0;   // of a sequence: undefined where it ended
  u16 ignored_status = 0;  // the same of the x87's status word
  bool decoded = false;    // what follows is valid; if not, Zydis takes the bytes for undefined
  ZydisDecodedInstruction insn;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
  bool memory_known = false;  // the explicit memory operand's place
  u32 memory_at = 0;          // linear
  u32 memory_offset = 0;      // in its segment
  u32 memory_bytes = 0;

  std::span<const u8> bytes() const { return {code.data(), code_bytes}; }
};

struct GeneratorOptions {
  bool segments = false;    // segments other than flat ones
  bool fs = true;           // FS may hold them too
  u32 mxcsr_mask = 0xFFFF;  // writable bits that every subject has
};

class Generator {
 public:
  // Both must outlive the generator.
  Generator(const Row& row, const GeneratorOptions& options);

  // Makes case `number`. False: nothing sensible came out, try the next number. `arena` gets the memory before the run.
  bool make(u64 seed, u64 number, TestCase& out, Arena& arena);

 private:
  // generate.cpp
  void encode();
  void put(u8 byte) { c_->code[c_->code_bytes++] = byte; }
  void put_modrm();
  void put_immediates(unsigned bytes);
  bool decode();
  void place_code();
  void choose_ending();
  bool acceptable() const;

  // generate_state.cpp
  void registers();
  void segments();
  void x87_state();
  void sse_state();
  void settle_status();
  void keep_stack_pointer_whole();

  // generate_operands.cpp
  void aim_operands();
  void locate_operand();
  bool aim(const ZydisDecodedOperand& operand);
  u32 target(u32 bytes);
  u32 offset_in(unsigned segment, u32 linear) const;
  std::optional<u32> linear_of(const ZydisDecodedOperand& operand) const;
  void fill_memory(u32 linear, u32 bytes, Format format);
  Format format_of(const ZydisDecodedOperand& operand) const;
  bool forbidden(u32 linear) const;
  u32 code_target(bool wild);

  // generate_special.cpp: what single instructions need
  void special_before();  // registers, before operands are aimed
  void special_after();   // memory and immediates, after
  void string_registers();
  void branch_target();
  void far_pointer(u32 linear, bool wide);
  u16 some_selector();
  void shift_count();
  void divide_operands();

  // Memory of the case at a linear address, or null outside of the writable arena.
  u8* memory(u32 linear, u32 bytes);

  const Row& row_;
  const GeneratorOptions options_;
  ZydisDecoder decoder32_, decoder16_;
  Random random_{0};
  Arena base_;
  u64 base_epoch_ = ~u64{0};
  TestCase* c_ = nullptr;
  Arena* arena_ = nullptr;
};

}  // namespace penumbra::conformance
