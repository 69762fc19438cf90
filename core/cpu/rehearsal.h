// Executions that are taken back: the interpreter says what a block of code would do, for lockstep to compare with.
#pragma once

#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "core/cpu/insn.h"
#include "mmu/guest_walk.h"
#include "mmu/tlb.h"

namespace penumbra {

class Decoder;

// The interpreter's own decoding of code that somebody else cut into blocks. It stands in no cache: whoever keeps it
// compares `bytes` with memory.
struct RehearsedBlock {
  // `offsets`: where the instructions begin, in the order of execution as long as no branch leads elsewhere. `guest`
  // begins at the first. An instruction that reaches beyond `guest` ends the list.
  RehearsedBlock(const Decoder& decoder, std::span<const u8> guest, std::span<const u32> offsets);

  u32 count() const { return static_cast<u32>(run_end.size()); }

  std::vector<u8> bytes;
  std::vector<Insn> insns;  // one more than there are instructions: where a run that no branch ends leaves the block
  std::vector<u8> run_end;  // for each instruction: the next one, or itself, that ends a run of handlers
  Block block;
};

struct RehearsalEnd {
  u32 completed = 0;  // instructions
  // Executed in all, as Cpu::instructions counts: a long REP counts once for each of its pieces.
  u64 executed = 0;
};

// One write to memory of a rehearsal, and what stood there before.
struct RehearsedWrite {
  u64 physical;
  u8* host;
  u64 before;
  u32 bytes;
  // A or D, set by the walk for an access: emitted code has its own views of memory, and may have set it before or may
  // have to set it yet.
  bool mark = false;
  u32 linear = 0;  // of that access
};

// What a processor keeps for rehearsals.
struct Rehearsal {
  // By privilege. Knows no writable page, so that every store takes the slow path, where it is noted.
  std::array<Tlb, 2> tlbs;
  std::vector<RehearsedWrite> writes;  // in their order, since somebody cleared it
  std::vector<MarkedEntry> marked;     // by the walk that is under way
  bool walking = false;
  bool on = false;

  void note(PhysAddr address, u8* host, u32 bytes) {
    RehearsedWrite& write = writes.emplace_back(RehearsedWrite{address.value, host, 0, bytes});
    std::memcpy(&write.before, host, bytes);
  }
  void flush() {
    for (Tlb& tlb : tlbs) tlb.flush();
  }
  void flush_page(u32 linear, bool large) {
    for (Tlb& tlb : tlbs) large ? tlb.flush_region(linear) : tlb.flush_page(linear);
  }
};

}  // namespace penumbra
