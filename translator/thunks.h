// Code that all blocks share, emitted at the start of the code buffer: the ways between C++ and emitted code, and what
// blocks call.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "translator/assembler.h"
#include "translator/code_buffer.h"
#include "translator/context.h"

namespace penumbra {

// The sizes of a soft access, in bytes.
inline constexpr std::array<u8, 6> kSoftSizes = {1, 2, 4, 8, 10, 16};

struct Thunks {
  using Enter = void (*)(Context*);
  Enter enter = nullptr;  // loads the guest's registers and flags, and goes to Context::resume
  // Offsets in the buffer.
  u64 polling = 0;                            // in `enter`: the poll register is loaded
  u64 leave = 0;                              // saves them and returns from `enter`
  u64 abandon = 0;                            // returns from `enter` without saving: a signal handler has done it
  u64 stray_return = 0;                       // where a RET comes to that no call of emitted code belongs to
  std::array<u64, kExitReasons> leave_for{};  // `leave` with that ExitReason
  // What emit_look_up emits, by Lookup, for code too cold to have it inline. Jumped to for a guest's jump and called
  // for its call: it jumps on itself.
  std::array<u64, 2> look_up{};
  // The same for the guest address in Context::eip: for who is linked to a block that is no more, and what becomes of
  // the exit of a link that is not to be.
  std::array<u64, 2> look_up_exit{};
  // Called with a linear address in R8; R8 is then the host address of so many bytes, for the one instruction behind
  // the call. Where the TLB does not know them, emitted code is left with ExitReason::soft_miss. Changes R8, R10, R11,
  // R15. By write, and by the place in kSoftSizes.
  std::array<std::array<u64, kSoftSizes.size()>, 2> soft{};
  // R8 becomes EFLAGS as PUSHFD of a supervisor stores it. Changes R8 to R11, R15.
  u64 push_flags = 0;
  // Loads EFLAGS from R8 for a supervisor. R9 is 0 if that is done; else nothing has changed, and the interpreter must
  // do it. `pop_word_flags` takes 16 bits. Change R8 to R11, R15.
  u64 pop_flags = 0;
  u64 pop_word_flags = 0;
  // The unit of a bit string: R8 is its address and R9 a bit's number, signed; then R8 is the address of the word or
  // dword that has it, and R9 its number there. Change R10, R15.
  u64 word_of_bit = 0;
  u64 dword_of_bit = 0;
  // With the address of a Transition in R9: what the interpreter did last time, where that holds still. R9 is 0 if it
  // is done; else nothing has changed. Change R8 to R11, R15.
  u64 load_segment = 0;    // the selector in R8; R10 is not 0 if the block mode is another one now
  u64 verify_segment = 0;  // VERR and VERW of the selector in R8
  u64 sysenter = 0;        // R8 becomes EIP
  u64 sysexit = 0;
  u64 iret = 0;  // IRETD from a flat stack; R8 becomes EIP
  // REP STOS and REP MOVS, upwards, of bytes, words and dwords, where they stay in one page each that the software TLB
  // knows. R9 is 0 if it is done; else nothing has changed. For flat segments. Change R8 to R11, R15.
  std::array<u64, 3> repeat_store{};
  std::array<u64, 3> repeat_move{};
  // With the number of a CodeCheck in R8: leaves with ExitReason::stale where the block's bytes have changed. Changes
  // R8 to R11, R15.
  u64 check_code = 0;
  // R8, the number of one of Context::immediates, becomes the dword there. Changes R11.
  u64 code_immediate = 0;
  u64 bytes = 0;            // that the thunks take
  bool changes_gs = false;  // where they change the privilege, GS goes to its window

  struct Named {
    u64 offset;
    std::string name;
  };
  // In the order of their code.
  std::vector<Named> names() const;
  // The access that a call to this offset makes possible; 0 if it is none of `soft`.
  struct SoftAccess {
    u32 bytes = 0;
    bool write = false;
  };
  SoftAccess soft_access(u64 offset) const;
  // Whether the poll register is what polls read, at this offset.
  bool is_polling(u64 offset) const { return offset >= leave_for[0] || (offset >= polling && offset < leave); }
  // Whether a block may jump to this offset.
  bool is_exit(u64 offset) const {
    const auto among = [&](std::span<const u64> places) { return std::ranges::find(places, offset) != places.end(); };
    return among(leave_for) || among(look_up) || among(look_up_exit);
  }
  // Whether a block may call this offset for anything else, and whether it must have a Transition in R9 then.
  bool is_service(u64 offset) const {
    for (unsigned n = 0; n < 3; ++n)
      if (offset == repeat_store[n] || offset == repeat_move[n]) return true;
    if (std::ranges::find(look_up, offset) != look_up.end()) return true;
    return offset == push_flags || offset == pop_flags || offset == pop_word_flags || offset == word_of_bit ||
           offset == dword_of_bit || offset == check_code || offset == code_immediate || takes_record(offset);
  }
  bool takes_record(u64 offset) const {
    return offset == load_segment || offset == verify_segment || offset == sysenter || offset == sysexit ||
           offset == iret;
  }
};

// `changes_gs`: the host has FSGSBASE.
Thunks emit_thunks(CodeBuffer& buffer, bool changes_gs);
// Its parts in transition_thunks.cpp and string_thunks.cpp.
void emit_transition_thunks(Assembler& a, Thunks& thunks);
void emit_string_thunks(Assembler& a, Thunks& thunks);

}  // namespace penumbra
