// What emitted code and C++ share, addressed through R13 while emitted code runs.
#pragma once

#include "core/base/types.h"
#include "translator/transition.h"

namespace penumbra {

// Where an indirect branch looks for its target first. A tag that its own slot could not have is empty.
struct LookupEntry {
  u32 negated_linear = 0;
  u32 negated_eip = 0;  // looked at only where CS has a base
  u64 code = 0;         // host address
};

inline constexpr u32 kLookupEntries = 1u << 16;
// Direct-mapped. Functions stand at multiples of 16, so that the low bits alone would use few of the slots.
constexpr u32 lookup_slot(u32 linear) { return (linear + __builtin_bswap32(linear)) & (kLookupEntries - 1); }

// Blocks count how often they are entered, each in a place of its own until there are more blocks than places.
inline constexpr u32 kHeatPlaces = 1u << 16;

// In Context::instruction: the number of a HelperSite, not of an instruction in the block.
inline constexpr u32 kBehindBlock = 1u << 31;

enum class ExitReason : u32 {
  link,       // a direct branch whose target is not linked yet; `site` names it
  lookup,     // an indirect branch to `eip` that the lookup table does not know
  poll,       // time is up, or the block must not go on; `eip` is the next instruction
  interpret,  // the instruction at `eip` is one for the interpreter
  fpu,        // the FPU's state is not in the host's yet; `resume` is where to go on once it is
  fault,      // the host refused an access or raised an exception; `fault_*` say where
  soft_miss,  // the software TLB does not know `fault_address`; `fault_code` is behind the call that asked
  heat,       // the block at `eip` has been entered as often as it was to be counted
  time,       // RDTSC at `eip`; `resume` is behind it
  stale,      // the bytes of a block are not what it was made of; `fault_code` is behind its check
};
inline constexpr unsigned kExitReasons = 10;

// As Context::segment_end has the end of a segment.
constexpr i64 segment_end(u64 end) { return -1 - static_cast<i64>(end); }

// A block of a page that is written to often: it compares its bytes with what it was made of whenever it is entered.
struct CheckedChunk {
  u64 expected;
  u64 mask;  // of the bytes that the block rests on
};
struct CodeCheck {
  const u8* guest = nullptr;  // a multiple of 8
  const CheckedChunk* chunks = nullptr;
  u64 count = 0;
  u64 unused = 0;
};
inline constexpr u32 kChecks = 1u << 12;
// Immediates of the guest's code that emitted code reads where they stand.
inline constexpr u32 kImmediates = 1u << 12;

// An address that no process can read. No access of a guest's has it: these lie in windows of 4 GiB.
inline constexpr u64 kStop = 16;

struct Context {
  u32 gpr[8] = {};
  u32 eip = 0;
  u64 flags = 0;  // EFLAGS as PUSHF has it on the host; only the six arithmetic flags are the guest's
  // What polls read: the word behind, or kStop once emitted code is to come back.
  u64 poll = 0;
  u32 poll_word = 0;
  ExitReason reason{};
  u32 site = 0;
  u32 instruction = 0;  // of ExitReason::interpret: the block's instruction that was not begun, or kBehindBlock + n
  // Of EFLAGS: IF (0 or 200h), and everything else that emitted code does not keep in the host's flags.
  u32 interrupt_flag = 0;
  u32 other_flags = 0;
  // The last STI: IF before it, and EIP behind it. Where emitted code is left there, the STI still holds interrupts up.
  u32 flag_before_sti = 0;
  u32 after_sti = 0;
  // Whether an interrupt would be taken as soon as IF is set.
  u32 interrupt_waiting = 0;
  u32 segment_base[6] = {};
  u32 segment_selector[6] = {};
  // Whether emitted code has loaded it: 1 in real or virtual-8086 mode, the transition's number in protected mode.
  u32 segment_loaded[6] = {};
  u32 segment_outer[6] = {};  // whether a return to CPL 3 leaves the segment as it is
  // For reading and for writing: -1 - the segment's end (one past its last byte), or -1 where nothing may be accessed
  // without a closer look.
  i64 segment_end[2][6] = {};
  void* soft_tlb = nullptr;  // SoftTlb::Entry[SoftTlb::kEntries]
  LookupEntry* lookup = nullptr;
  u64 window = 0;  // the window's base; its low 32 bits are 0
  // Of supervisor and user, for changes of privilege.
  void* soft_tlbs[2] = {};
  u64 windows[2] = {};
  // Whether the guest's x87 and MMX state, and its SSE state, are the host's own while emitted code runs, and in `fx`
  // otherwise. Not while the guest's control registers forbid their use.
  u32 fpu_live = 0;
  u32 sse_live = 0;
  u32 host_mxcsr = 0x1F80;
  alignas(16) u8 fx[512] = {};
  u64 resume = 0;  // host address to enter at
  u64 host_stack = 0;
  // Where RSP stands while emitted code runs and no guest call is open: at the address of the thunk for returns that no
  // call of emitted code belongs to.
  u64 return_stack = 0;
  u64 entry_stack = 0;  // RSP to enter with
  u64 left_stack = 0;   // RSP when emitted code was left
  // Of ExitReason::fault.
  u64 fault_code = 0;     // host address of the instruction
  u64 fault_address = 0;  // of the access, for a page fault; kStop for a poll
  u64 fault_target = 0;   // R8
  u32 fault_signal = 0;
  u32 fault_write = 0;
  u32 fault_bytes = 0;         // of a soft access
  u32 heat[kHeatPlaces] = {};  // entries left until ExitReason::heat
  // What transitions depend on: GDTR (base, limit << 32), and the MSRs of SYSENTER.
  u64 gdt = 0;
  u32 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  u32 control[4] = {};    // CR0, none, CR2 and CR3
  u64 string_source = 0;  // host address, in a string thunk
  u32 return_barred = 0;  // IRET has an effect on NMIs now
  u64 frame = 0;          // host address of the stack that IRET takes
  u32 mode = 0;           // of the blocks now running
  u32 transited = 0;      // segments, the mode or the privilege were changed by emitted code: C++ does not know yet
  u32 missed = 0;         // the number of a transition that did not hold, and the selector that it met
  u32 missed_selector = 0;
  Transition transitions[kTransitions] = {};
  CodeCheck checks[kChecks] = {};
  const u8* immediates[kImmediates] = {};
};

}  // namespace penumbra
