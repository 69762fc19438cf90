// Emits the host code of one guest block: natively where the host's meaning of an instruction is the guest's, by code
// of our own for the stack and control flow, and as an exit to the interpreter for everything else.
#pragma once

#include <Zydis/Zydis.h>

#include <span>
#include <utility>

#include "core/cpu/cpu_state.h"
#include "core/cpu/isa_table.h"
#include "translator/assembler.h"
#include "translator/block.h"
#include "translator/context.h"
#include "translator/look_up.h"
#include "translator/thunks.h"

namespace penumbra {

// One decoded guest instruction.
struct GuestInstruction {
  u32 eip;
  std::span<const u8> bytes;
  const ZydisDecodedInstruction& z;
  const ZydisDecodedOperand* operands;

  bool word() const { return z.operand_width == 16; }
  // EIP behind it. With 16-bit operands a branch's target is 16 bits wide, and so is IP in 16-bit code.
  u32 next() const { return eip + z.length; }
  u32 target(const ZydisDecodedOperand& relative) const {
    const u32 sum = next() + static_cast<u32>(relative.imm.value.s);
    return word() ? sum & 0xFFFF : sum;
  }
};

enum class ReadWrite : u8 { read, write };

class Emitter {
 public:
  // `at`: where in the code buffer the assembler's code begins. `code_end`: one past the last byte of CS.
  Emitter(Assembler& assembler, const Thunks& thunks, u64 at, TranslatedBlock& block, u64 code_end,
          std::vector<LinkSite>& sites, std::vector<HelperSite>& helpers, std::vector<TransitionSite>* transitions)
      : a_(assembler),
        thunks_(thunks),
        at_(at),
        block_(block),
        code_end_(code_end),
        sites_(sites),
        helpers_(helpers),
        transitions_(transitions) {}

  // Before everything else: live_state that the block is to have wherever it leads to.
  void ask_on_entry(u8 parts);
  // Before the instructions: compares the block's bytes with what it was made of.
  void check_code();
  // Before the first instruction: counts the block's entries.
  void count_entries();
  // True: emitted. False: nothing was emitted, the interpreter must take it.
  bool instruction(const GuestInstruction& g, Emission emission);
  // Whether an instruction's immediate may be read where it stands, and its emission with that one of
  // Context::immediates.
  static bool reads_immediate(const GuestInstruction& g);
  void with_immediate(const GuestInstruction& g, u32 number);
  // Leaves the block before the instruction at `eip`, for the interpreter. `fpu`: it may look at the FPU's state.
  void leave_to_interpreter(u32 eip, bool fpu);
  // Goes on at `eip` behind the instruction at `from`, and nothing follows: by a link.
  void go_to(u32 eip, u32 from);
  // The same through the lookup table.
  void go_by_look_up(u32 eip);
  u64 size() const { return a_.size(); }
  // Whether an instruction has been emitted after which nothing may follow.
  bool ended() const { return ended_; }
  // Whether the block's code is to be emitted once more behind what there is: a short loop. Asking resets it.
  bool again() { return std::exchange(again_, false); }
  void leave(ExitReason reason, u32 eip);
  // `resume`: a place in the block's code.
  void leave_and_resume(ExitReason reason, u32 eip, u64 resume);
  // Code that lies behind the block: links not made yet, what was refused.
  void finish();

 private:
  bool has(u32 mode) const { return block_.mode & mode; }
  bool flat(unsigned segment) const { return segment < FS && has(block_mode::kFlat << segment); }
  i64 thunk(u64 offset) const { return static_cast<i64>(offset) - static_cast<i64>(at_); }

  // emit_native.cpp
  bool emit(const GuestInstruction& g);
  bool native(const GuestInstruction& g);
  bool bit_string(const GuestInstruction& g, const Assembler::Form& form, const ZydisDecodedOperand& memory);
  bool move_offset(const GuestInstruction& g);
  bool move_from_control(const GuestInstruction& g);
  bool read_time(const GuestInstruction& g);
  bool step_register(const GuestInstruction& g, unsigned extension);
  // emit_fpu.cpp
  void need_fpu(const GuestInstruction& g);
  u64 ask_for_state(u8 part);
  void leave_for_state(u32 eip, u64 resume);
  // emit_string.cpp
  bool string(const GuestInstruction& g);
  bool native_string(const GuestInstruction& g);
  bool repeated_string(const GuestInstruction& g);
  bool single_string(const GuestInstruction& g);
  void move_index(const GuestInstruction& g, Host index, i32 by);
  // emit_memory.cpp
  // The host address of `bytes` at segment:offset, for the one instruction that is emitted next. May change R8, R10,
  // R11 and R15; `offset` may use R8.
  HostAddress reach(const GuestInstruction& g, unsigned segment, HostAddress offset, unsigned address_width,
                    unsigned bytes, ReadWrite how);
  // The same for an explicit operand; false where the interpreter must take it. `stack_moved` is what ESP will have
  // been moved by when the address is computed (POP to memory).
  bool guest_address(const GuestInstruction& g, const ZydisDecodedOperand& operand, HostAddress& address,
                     u32 stack_moved = 0);
  static HostAddress offset_of(const ZydisDecodedOperand& operand);
  void refuse_unless_zero(const GuestInstruction& g);
  void refuse_unless_negative(const GuestInstruction& g);
  void check_end(const GuestInstruction& g, unsigned segment, unsigned bytes, ReadWrite how, bool word_offset);
  // emit_stack.cpp
  HostAddress stack(const GuestInstruction& g, i32 offset, unsigned bytes, ReadWrite how);
  void move_stack(i32 by);
  bool push(const GuestInstruction& g);
  bool pop(const GuestInstruction& g);
  bool leave_frame(const GuestInstruction& g);
  bool push_flags(const GuestInstruction& g);
  bool pop_flags(const GuestInstruction& g);
  void store_sized(const HostAddress& to, Host from, unsigned bytes);
  void load_sized(Host to, const HostAddress& from, unsigned bytes);
  void store_immediate(const HostAddress& to, u32 value, unsigned bytes);
  void move_sized(Host to, Host from, unsigned bytes);
  // emit_segment.cpp
  bool load_segment(const GuestInstruction& g, unsigned segment, Host selector);
  bool move_segment(const GuestInstruction& g);
  bool load_far_pointer(const GuestInstruction& g, unsigned segment);
  bool interrupt_flag(const GuestInstruction& g);
  // emit_transition.cpp
  bool transition(const GuestInstruction& g, TransitionSite::Kind kind, unsigned segment, u64 thunk_offset);
  bool load_protected_segment(const GuestInstruction& g, unsigned segment, i32 stack_moves);
  bool verify_segment(const GuestInstruction& g);
  bool change_privilege(const GuestInstruction& g);
  bool return_from_interrupt(const GuestInstruction& g);
  // emit_control.cpp
  bool jump(const GuestInstruction& g);
  bool call(const GuestInstruction& g);
  bool ret(const GuestInstruction& g);
  bool conditional(const GuestInstruction& g, unsigned condition);
  bool count_jump(const GuestInstruction& g);
  bool branch_target(const GuestInstruction& g, const ZydisDecodedOperand& operand);
  // The jump or call whose displacement is at `place` leads to the guest's code at `eip`.
  void link(u64 place, u32 eip);
  void jump_to(u32 eip, u32 from);
  void check_target(const GuestInstruction& g, Host target);
  void returned(u32 eip);
  void poll(const GuestInstruction& g, u32 target);
  Lookup lookup_kind() const;
  // To the guest address in R8: by code of the block's own where it may be hot, and by a thunk.
  void look_up(Flow flow);
  void look_up_apart(Flow flow);
  bool same_page(u32 eip) const;
  bool inside(u32 eip) const { return eip < code_end_; }

  struct Later {
    enum class Kind : u8 { link, miss, stray, fpu, refused, outside, heat, other_mode, time } kind;
    u64 place;  // of the displacement that leads here
    u32 eip;
    u64 resume = 0;
    u32 instruction = 0;
    u8 live = 0;  // of a link
  };
  // The interpreter must take the instruction being emitted.
  Later refusal(Later::Kind kind, u64 place, u32 eip) const {
    return {kind, place, eip, 0, static_cast<u32>(block_.starts.size() - 1), 0};
  }

  Assembler& a_;
  const Thunks& thunks_;
  u64 at_;
  TranslatedBlock& block_;
  u64 code_end_;
  std::vector<LinkSite>& sites_;
  std::vector<HelperSite>& helpers_;
  std::vector<TransitionSite>* transitions_;  // null: the interpreter takes what needs one
  std::vector<Later> later_;
  bool ended_ = false;
  bool again_ = false;
  unsigned copies_ = 0;    // of the block's code so far, without the first
  u8 live_ = 0;            // live_state: made sure of, for the rest of the block
  bool branched_ = false;  // whether what is emitted next may be left out
};

}  // namespace penumbra
