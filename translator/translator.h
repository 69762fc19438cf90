// The translating engine: runs a processor by host code made of its guest's blocks, and by the interpreter where no
// code has been, or can be, made.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/cpu/cpu.h"
#include "core/cpu/decode.h"
#include "core/cpu/isa_table.h"
#include "mmu/window.h"
#include "translator/block.h"
#include "translator/code_buffer.h"
#include "translator/context.h"
#include "translator/counters.h"
#include "translator/fault_recovery.h"
#include "translator/lookup_table.h"
#include "translator/perf_map.h"
#include "translator/return_stack.h"
#include "translator/thunks.h"

namespace penumbra {

struct TranslatorOptions {
  u64 code_bytes = u64{64} << 20;
  // The most instructions of a block. 1 is a stress setting, and so is a small code cache.
  u32 block_instructions = 64;
  // Stress: everything cached is forgotten whenever emitted code comes back.
  bool forget_always = false;
  // Themes of instructions (isa_table.h) that are the interpreter's whatever their rows say, a bit each: a wrong
  // emission is found by bisecting.
  u32 interpreted_themes = 0;
  // Whether perf is told the names of blocks.
  bool perf_map = false;
  // Channel::translation shows the blocks that cover one of these linear addresses; all blocks if there are none.
  std::vector<u32> listed = {};
};

class Translator final : public TranslationListener {
 public:
  // Whether this host can run emitted code: x86-64 only. Says why not.
  static bool supported(std::string& why_not);

  // Both outlive the translator. Throws HostError.
  Translator(Cpu& cpu, GuestMemory& memory, const TranslatorOptions& options);
  ~Translator() override;

  // Executes about `budget` instructions, like Cpu::run: emitted code is counted by an estimate.
  RunEnd run(u64 budget);
  // The interpreter's exact count, and the estimate of what emitted code executed.
  u64 instructions() const { return cpu_.instructions() + estimate_; }
  const TranslatorCounters& counters() const { return counters_; }
  // How many instructions of each theme have been emitted, in the order of `themes`.
  std::span<const u64> emitted() const { return emitted_; }
  // Both of them.
  std::vector<EventCount> counts() const;
  // Compares what is cached with the truth; CHECKs.
  void audit() const;

 private:
  struct Key {
    u64 physical;
    u32 eip;
    u8 mode;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const {
      return (k.physical * 0x9E37'79B9'7F4A'7C15u) ^ (u64{k.eip} << 24) ^ k.mode;
    }
  };
  // A page that blocks were made of.
  struct CodePage {
    u64 lines = 0;  // which 64-byte lines hold code
    std::vector<TranslatedBlock*> blocks;
  };

  // TranslationListener
  void all_dropped() override;
  void local_dropped() override;
  void pages_dropped(u32 first_page, u32 count, bool code) override;
  bool code_written(PhysAddr address, u32 bytes) override;
  void page_watched(Ppn page) override;
  void code_forgotten() override;

  bool flat() const;
  u8 mode() const;
  Window& window() { return *windows_[cpu_.privilege() == Privilege::user]; }
  // Null where the page cannot be fetched or holds no plain memory: the interpreter goes on.
  TranslatedBlock* block_at(u32 eip);
  TranslatedBlock* translate(u32 eip, u64 physical, u8 block_mode);
  u64 code_address(const TranslatedBlock& block) const { return reinterpret_cast<u64>(buffer_.code(block.code)); }
  TranslatedBlock* block_of(u64 code_offset);
  // How the options have it taken.
  Emission emission_of(const Decoder::Decoded& decoded) const;
  void name_thunks();
  void show(const TranslatedBlock& block, std::span<const u8> guest) const;

  void enter(u64 code);
  void load_context();
  void save_context();
  RunEnd interpret(u64 count, u64& left);
  // The FPU's state goes into the Context, where emitted code has it loaded, and back. False: the guest may not use it.
  bool take_fpu_in();
  void give_fpu_back();
  void link(u32 site, u64 generation);
  // Answers a fault by mapping; false: it is the interpreter's.
  bool resolve(u32 linear, bool write);
  bool map_region(u32 linear, const Translation& t, bool write);
  bool plain(u64 physical) const;

  Cpu& cpu_;
  GuestMemory& memory_;
  const TranslatorOptions options_;
  Decoder decoder_;
  CodeBuffer buffer_;
  Thunks thunks_;
  Context context_;
  FaultRecovery recovery_;
  ReturnStack returns_;
  u64 used_ = 0;                        // of the buffer
  u64 generation_ = 0;                  // counts the times everything was forgotten
  std::deque<TranslatedBlock> blocks_;  // in the order of their code
  std::unordered_map<Key, TranslatedBlock*, KeyHash> by_key_;
  std::unordered_map<u32, CodePage> pages_;
  std::vector<LinkSite> sites_;
  std::array<std::unique_ptr<LookupTable>, block_mode::kModes> tables_;
  std::array<std::unique_ptr<Window>, 2> windows_;  // supervisor, user
  u64 gs_base_ = 0;
  u64 estimate_ = 0;
  TranslatorCounters counters_;
  std::array<u64, 32> emitted_{};
  std::optional<PerfMap> perf_map_;
};

}  // namespace penumbra
