// A guest block and the host code made of it.
#pragma once

#include <memory>
#include <vector>

#include "core/base/types.h"
#include "core/cpu/insn.h"
#include "core/cpu/rehearsal.h"
#include "translator/context.h"

namespace penumbra {

// What emitted code assumes of the processor besides its EIP and its bytes.
namespace block_mode {
inline constexpr u32 kUser = 1 << 0;     // CPL 3
inline constexpr u32 kDown = 1 << 1;     // EFLAGS.DF: string instructions go down
inline constexpr u32 kCode32 = 1 << 2;   // CS.D
inline constexpr u32 kStack32 = 1 << 3;  // SS.B
inline constexpr u32 kReal = 1 << 4;     // real or virtual-8086 mode: a segment's base is its selector times 16
inline constexpr u32 kVirtual = 1 << 5;  // virtual-8086 mode
// Shifted by the segment's name: base 0, limit 4 GiB, readable, and writable but for CS.
inline constexpr u32 kFlat = 1 << 6;
inline constexpr u32 kFsOpen = 1 << 12;  // FS: any base, limit 4 GiB, readable and writable
inline constexpr u32 kGsOpen = 1 << 13;
inline constexpr u32 kWide64K = 1 << 14;     // ES, SS and DS may be read and written up to FFFFh at least
inline constexpr u32 kBasedCode = 1 << 15;   // CS has a base
inline constexpr u32 kPrivileged = 1 << 17;  // CPL 0, real mode included
inline constexpr u32 kByRegister = 1 << 16;  // window code finds the window in the Context, not in GS
inline constexpr u32 kCodeEndShift = 20;     // the number of CS' end (Translator::code_ends_)
}  // namespace block_mode

// Where the code of one guest instruction begins, from the block's start.
struct InstructionStart {
  u32 host;
  u16 guest;
};

// How a block reaches memory.
enum class Reach : u8 {
  soft,    // by the software TLB
  window,  // by GS and the window's mappings
};

// Parts of the guest's FPU state that are the host's while emitted code runs (Context::fpu_live, sse_live).
namespace live_state {
inline constexpr u8 kFpu = 1, kSse = 2;
}

struct TranslatedBlock {
  static constexpr u64 kOnePage = ~u64{0};
  static constexpr u32 kNoCheck = ~u32{0};

  u64 physical = 0;  // of the first byte
  // Where one instruction reaches into a second page, the block is that instruction, and this the page's address.
  u64 second_page = kOnePage;
  u32 eip = 0;
  u32 linear = 0;
  u32 bytes = 0;  // of guest code
  u32 mode = 0;
  Reach reach = Reach::soft;
  bool valid = true;
  bool interpreted = false;  // its first instruction is one for the interpreter; its code only says so
  u64 faults_since = 0;      // Translator::instructions
  u8 window_faults = 0;  // since then, of this block's code, but for those that were the first of their page; saturates
  u8 demotions = 0;      // times that the window had to be given up
  u32 heat = 0;          // its place in Context::heat
  u64 code = 0;          // offsets in the code buffer
  u64 code_bytes = 0;
  u64 body_bytes = 0;  // of them, those of instructions; exits follow
  u64 dead_entry = 0;  // where the entries jump once the block is invalid
  u64 entry = 0;
  u64 live_entry = 0;  // for whom knows that what the block `asks` for is there
  u8 asks = 0;         // live_state: on entry
  u8 needs = 0;        // live_state: wherever it leads to
  std::vector<InstructionStart> starts;
  std::vector<u32> linked_from;  // LinkSites whose `to` it is
  u32 check = kNoCheck;  // its place in Context::checks, if it compares its bytes itself; nobody watches them then
  std::vector<CheckedChunk> chunks;

  bool checks_itself() const { return check != kNoCheck; }
  bool straddles() const { return second_page != kOnePage; }
  // Whether one of so many bytes from a physical address on is the block's.
  bool holds(u64 address, u64 count) const {
    const u64 in_first = straddles() ? kPageSize - (physical & kPageMask) : bytes;
    const auto meets = [&](u64 first, u64 length) { return address < first + length && first < address + count; };
    return meets(physical, in_first) || (straddles() && meets(second_page, bytes - in_first));
  }
  std::unique_ptr<RehearsedBlock> rehearsed;  // in lockstep: the interpreter's view of it, once it has run
};

// Where emitted code leaves for the interpreter behind a block's end.
struct HelperSite {
  Block* decoded = nullptr;  // what the interpreter made of the instruction, once it has met it
  bool fpu = false;          // it may look at the FPU's state
};

// A direct branch that may be linked to its target. Offsets are from the block's start.
struct LinkSite {
  TranslatedBlock* from;
  u64 place;      // of its displacement
  u32 target;     // EIP
  u32 exit;       // where it goes while it is not linked
  u32 exit_jump;  // the displacement of that exit's last jump
  u8 live;        // live_state: what is so there in any case
  bool linked = false;
  TranslatedBlock* to = nullptr;  // that it is, or was last, linked to
  u8 cuts = 0;                    // times that the target's page was no longer what it was; saturates
};

}  // namespace penumbra
