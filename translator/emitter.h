// Emits the host code of one guest block: natively where the host's meaning of an instruction is the guest's, by code
// of our own for the stack and control flow, and as an exit to the interpreter for everything else.
#pragma once

#include <Zydis/Zydis.h>

#include <span>
#include <utility>

#include "core/cpu/isa_table.h"
#include "translator/assembler.h"
#include "translator/block.h"
#include "translator/context.h"
#include "translator/look_up.h"

namespace penumbra {

// One decoded guest instruction.
struct GuestInstruction {
  u32 eip;
  std::span<const u8> bytes;
  const ZydisDecodedInstruction& z;
  const ZydisDecodedOperand* operands;

  u32 next() const { return eip + z.length; }
  bool word() const { return z.operand_width == 16; }
};

class Emitter {
 public:
  // `leave_thunk`: where the thunk stands that saves the guest's registers and returns to C++, from the code's start.
  Emitter(Assembler& assembler, i64 leave_thunk, TranslatedBlock& block, std::vector<LinkSite>& sites)
      : a_(assembler), leave_thunk_(leave_thunk), block_(block), sites_(sites) {}

  // True: emitted. False: nothing was emitted, the interpreter must take it.
  bool instruction(const GuestInstruction& g, Emission emission);
  // Leaves the block before the instruction at `eip`, for the interpreter.
  void leave_to_interpreter(u32 eip) { leave(ExitReason::interpret, eip); }
  // Goes on at `eip`, and nothing follows: by a link, or through the lookup table where it lies in another page.
  void go_to(u32 eip, u32 from);
  // Whether an instruction has been emitted after which nothing may follow.
  bool ended() const { return ended_; }
  // Whether the block's code is to be emitted once more behind what there is: a short loop. Asking resets it.
  bool again() { return std::exchange(again_, false); }
  void leave(ExitReason reason, u32 eip);
  // Code that lies behind the block: polls that failed, links not made yet.
  void finish();

 private:
  // emit_native.cpp
  bool native(const GuestInstruction& g);
  bool move_offset(const GuestInstruction& g);
  bool step_register(const GuestInstruction& g, unsigned extension);
  // emit_fpu.cpp
  void need_fpu(const GuestInstruction& g);
  // emit_string.cpp
  bool string(const GuestInstruction& g);
  // emit_memory.cpp
  bool guest_address(const GuestInstruction& g, const ZydisDecodedOperand& operand, HostAddress& address,
                     u32 stack_moved = 0);
  static HostAddress stack_slot(i32 offset) {
    return {.base = kGuestEsp, .displacement = static_cast<u32>(offset), .window = true};
  }
  void move_stack(i32 by) { a_.address(kGuestEsp, stack_slot(by)); }
  // emit_stack.cpp
  bool push(const GuestInstruction& g);
  bool pop(const GuestInstruction& g);
  bool leave_frame(const GuestInstruction& g);
  // emit_control.cpp
  bool jump(const GuestInstruction& g);
  bool call(const GuestInstruction& g);
  bool ret(const GuestInstruction& g);
  bool conditional(const GuestInstruction& g, unsigned condition);
  bool count_jump(const GuestInstruction& g);
  bool branch_target(const GuestInstruction& g, const ZydisDecodedOperand& operand);
  void jump_to(u32 eip, u32 from);
  void returned(u32 eip);
  u64 begin_poll();
  void end_poll(u64 used_up, u32 eip);
  void look_up(Flow flow);

  struct Later {
    enum class Kind : u8 { poll, link, miss, stray, fpu } kind;
    u64 place;  // of the displacement that leads here
    u32 eip;
    u64 resume = 0;
  };

  Assembler& a_;
  i64 leave_thunk_;
  TranslatedBlock& block_;
  std::vector<LinkSite>& sites_;
  std::vector<Later> later_;
  bool ended_ = false;
  bool again_ = false;
  unsigned copies_ = 0;      // of the block's code so far, without the first
  bool fpu_needed_ = false;  // and made sure of, for the rest of the block
  bool sse_needed_ = false;
};

}  // namespace penumbra
