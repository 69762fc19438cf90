// Random runs of any user-mode instructions, integer, x87, MMX and SSE, with branches, loops, calls and returns between
// them. Every memory operand is aimed, by the values that registers are known to have there.
#pragma once

#include <optional>

#include "conformance/generate.h"

namespace penumbra::conformance {

// Bits that the manuals leave undefined at one place.
struct Taint {
  u32 flags = 0;
  u16 status = 0;  // of the x87's status word
};

// The x87's condition codes, in its status word.
inline constexpr u16 kConditionCodes = 0x4700;

struct MixedOptions {
  // A host's CPU takes part: nothing whose result is the host's own, or open between processors.
  bool host = false;
  bool fs = true;  // FS may be loaded
};

class MixedSequenceGenerator {
 public:
  static constexpr unsigned kMostInstructions = 20;

  explicit MixedSequenceGenerator(const MixedOptions& options);

  // Makes sequence `number`; `arena` gets the memory before the run. No instruction reads what is undefined.
  void make(u64 seed, u64 number, TestCase& out, Arena& arena);
  // Of the sequence made last: what is undefined where it ended, and the row of the instruction there; a row without
  // a mnemonic beyond its end.
  Taint taint_at(u32 eip) const;
  Row row_at(u32 eip) const;

 private:
  struct Placed {
    u8 offset;
    ZydisMnemonic mnemonic;
    Taint before;
  };
  using Known = std::array<std::optional<u32>, 8>;
  // An operand of the instruction at hand.
  struct Place {
    u32 linear;
    bool exact;  // else within a few hundred bytes: by ESP
  };

  // mixed_sequence.cpp: what a sequence is made of
  void start_state();
  bool step(unsigned depth);
  void steps(unsigned count, unsigned depth);
  bool skip(unsigned depth);
  bool loop();
  bool call(unsigned depth);
  bool string_run();
  bool load_flags();
  bool load_segment();
  bool frame();
  bool save_fpu();
  bool scan_bits();
  bool one_more_by_stack();
  void point(unsigned reg, u32 value);
  unsigned free_register();
  // Appends these bytes, one instruction; false if there is no room.
  bool fixed(std::initializer_list<u32> bytes);
  bool fixed_dword(std::initializer_list<u32> bytes, u32 dword);
  bool room(unsigned bytes) const { return c_->code_bytes + bytes <= kRoom; }

  // mixed_operands.cpp: single rows
  bool append_row();
  u8 encode(const Row& row, u8* to);
  bool allowed(const Row& row);
  bool place_operand(const Row& row, u8* at);
  std::optional<Place> place_of(const ZydisDecodedOperand& operand) const;
  bool safe(const Row& row) const;
  u32 target(u32 bytes, bool safe);
  bool forbidden(u32 linear, u32 bytes) const;
  bool decode(const u8* at);
  u8 written_registers() const;
  // Takes the decoded instruction, which stands at the end of the code, into the sequence.
  void commit();

  // The code's room, and what of it is for more than what ends a loop or a call.
  static constexpr unsigned kMostBytes = 216, kRoom = 190;

  const MixedOptions options_;
  std::vector<Row> rows_;
  ZydisDecoder decoder_;
  Random random_{0};
  TestCase* c_ = nullptr;
  Arena* arena_ = nullptr;
  unsigned count_ = 0;
  std::vector<Placed> placed_;
  Taint taint_;
  Known known_;
  std::array<u16, 6> selector_{};
  u32 stack_ = 0;             // ESP at the start
  bool traps_ = false;        // TF is or may be set
  u8 protected_ = 0;          // registers that may not be written here
  bool in_loop_ = false;      // what follows comes before, too
  bool lost_stack_ = false;   // it may be anywhere
  bool keeps_stack_ = false;  // a return address is on top of it
  ZydisDecodedInstruction insn_;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands_;
};

}  // namespace penumbra::conformance
