// Lockstep: each block of emitted code is compared with what the interpreter makes of the same instructions.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/cpu/cpu.h"
#include "translator/block.h"

namespace penumbra {

// The engines disagree: a bug of ours, as text that says all that is known.
class EnginesDiffer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The interpreter goes first, by a rehearsal, which is then taken back; emitted code goes second, and its result
// stands. What the interpreter executes for the translator happens once and is not compared.
class Lockstep {
 public:
  explicit Lockstep(Cpu& cpu, GuestMemory& memory);

  struct Counters {
    u64 blocks = 0;        // compared
    u64 instructions = 0;  // in them
    u64 writes = 0;        // to memory, by these
    u64 shortened = 0;     // rehearsals repeated because emitted code left the block earlier
  };
  const Counters& counters() const { return counters_; }

  // Whether the block begins with a string instruction of so many iterations that it is the interpreter's, which does a
  // page's at a time: each time all that is left would be rehearsed anew.
  bool too_long(const TranslatedBlock& block) const;
  // The processor is about to execute the block's code. Throws EnginesDiffer if the block is not what stands at EIP.
  void rehearse(TranslatedBlock& block);
  // Emitted code has come back, and the processor's state is what it left. `left_before`: which of the block's
  // instructions it has not completed, where it left inside of the block. Throws EnginesDiffer; else returns how many
  // instructions were executed.
  u64 compare(const TranslatedBlock& block, std::optional<u32> left_before, std::span<const u8> host_code);

 private:
  // The bytes around a write, as the rehearsal left them.
  struct Expected {
    u8* at;
    u64 physical;
    u32 bytes;
    std::array<u8, 24> content;
  };

  void take_back();
  void want_state();
  void expect();
  void shorten(const TranslatedBlock& block, u32 count);
  u32 undefined_flags(const RehearsedBlock& rehearsed) const;
  std::string difference() const;
  [[noreturn]] void fail(const TranslatedBlock& block, std::string_view what, std::span<const u8> host_code) const;

  Cpu& cpu_;
  GuestMemory& memory_;
  CpuState before_, wanted_;
  RehearsalEnd end_;
  std::vector<Expected> expected_;
  std::vector<std::array<u8, 24>> found_;
  Counters counters_;
};

}  // namespace penumbra
