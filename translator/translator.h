// The translating engine: runs a processor by host code made of its guest's blocks, and by the interpreter where no
// code has been, or can be, made.
#pragma once

#include <bitset>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/cpu/cpu.h"
#include "core/cpu/decode.h"
#include "core/cpu/isa_table.h"
#include "translator/alarm.h"
#include "translator/block.h"
#include "translator/code_buffer.h"
#include "translator/context.h"
#include "translator/counters.h"
#include "translator/fault_recovery.h"
#include "translator/lockstep.h"
#include "translator/lookup_table.h"
#include "translator/memory_view.h"
#include "translator/options.h"
#include "translator/perf_map.h"
#include "translator/return_stack.h"
#include "translator/thunks.h"
#include "translator/written_pages.h"

namespace penumbra {

class Emitter;
struct GuestInstruction;

class Translator final : public TranslationListener {
 public:
  // Whether this host can run emitted code: x86-64 only. Says why not.
  static bool supported(std::string& why_not);
  // What this host lacks that windows would be faster with; empty if nothing.
  static std::string missing();
  // Somebody else has loaded this thread's segment registers.
  static void host_segments_changed();

  // Both outlive the translator. Throws HostError.
  Translator(Cpu& cpu, GuestMemory& memory, const TranslatorOptions& options);
  ~Translator() override;

  // Like Cpu::run, until `nanoseconds` of host time have passed; `budget` bounds what the interpreter executes, since
  // emitted code does not count. In lockstep executes exactly `budget` instructions, but for REP, whatever time that
  // takes, and throws EnginesDiffer.
  RunEnd run(u64 budget, i64 nanoseconds);
  // In lockstep those executed; else the interpreter's, and one for each nanosecond in `run`: a measure of time.
  u64 instructions() const { return cpu_.instructions() + estimate_; }
  const TranslatorCounters& counters() const { return counters_; }
  const Lockstep* lockstep() const { return lockstep_.get(); }  // null without it
  // How many instructions of each theme have been emitted, in the order of `themes`.
  std::span<const u64> emitted() const { return emitted_; }
  // Both of them.
  std::vector<EventCount> counts() const;
  // Compares what is cached with the truth; CHECKs.
  void audit() const;

 private:
  struct Key {
    u64 physical;
    u32 linear;
    u32 eip;
    u32 mode;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const {
      return (k.physical * 0x9E37'79B9'7F4A'7C15u) ^ (u64{k.linear} << 24) ^ (k.mode * 0x85EB'CA6Bu) ^ k.eip;
    }
  };
  static Key key_of(const TranslatedBlock& b) { return {b.physical, b.linear, b.eip, b.mode}; }
  // A page that blocks were made of.
  struct CodePage {
    u64 lines = 0;                  // which 64-byte lines hold code
    std::bitset<kPageSize> starts;  // where blocks have begun, gone ones too
    std::vector<TranslatedBlock*> blocks;
  };

  // The buffer's parts: hot code lies together, so that the host's caches of instructions and of their translations
  // have less to hold.
  struct Region {
    static constexpr unsigned kChunkShift = 8;
    u64 begin, end;
    u64 used;                            // up to there
    std::deque<TranslatedBlock> blocks;  // in the order of their code
    std::vector<u32> last_before;  // for each chunk of code up to `used`: the last block that begins before its end
    void note_last();
  };

  // TranslationListener
  void all_dropped() override;
  void local_dropped() override;
  void pages_dropped(u32 first_page, u32 count, bool code) override;
  bool code_written(PhysAddr address, u32 bytes) override;
  void page_watched(Ppn page) override;
  void code_forgotten() override;

  // mode.cpp: what the processor's state is to emitted code.
  bool translatable() const;
  u32 mode();
  u32 code_end_number();
  void forget_modes();

  // transitions.cpp: what emitted code does to segments and the privilege (transition.h).
  void take_transitions();
  void expect_transition();
  bool learn_descriptor(u16 selector, u32& linear, u64& descriptor);
  void learn_transition();
  void forget_transitions();

  // translate.cpp
  // Null where the page cannot be fetched or holds no plain memory: the interpreter goes on.
  TranslatedBlock* block_at(u32 eip);
  void settle_table();
  // `asks`: live_state that the block asks for on entry.
  TranslatedBlock* translate(const Key& key, Reach reach, u8 demotions, u8 asks);
  void translate_straddling(TranslatedBlock& block, Emitter& emitter, u64 code_end);
  void enter_in_page(Ppn frame, TranslatedBlock& block, u64 lines);
  void take_from_pages(TranslatedBlock& block);
  void drop_block(TranslatedBlock& block);

  // checked_blocks.cpp: blocks of pages that are written to often.
  bool checks_itself(u64 physical);
  void check_from_now_on(u32 frame);
  void all_checks_free();
  void take_check(TranslatedBlock& block);
  void give_check_back(TranslatedBlock& block);
  // `read`: which of its bytes emitted code reads where they stand.
  void note_bytes(TranslatedBlock& block, const std::bitset<kPageSize>& read);
  bool stale(const TranslatedBlock& block) const;
  // The guest has changed the block's bytes: it is made anew when it is asked for.
  void replace_stale(TranslatedBlock& block);
  // With an immediate read where it stands; false where that is not so.
  bool emit_with_immediate(const GuestInstruction& g, u64 physical, Emitter& emitter, std::bitset<kPageSize>& read);

  // `made` takes its place; null if nothing does.
  void retire(TranslatedBlock& block, TranslatedBlock* made);
  // Makes a block anew that reaches memory the other way; null where all blocks were forgotten for it.
  TranslatedBlock* remake(TranslatedBlock& block, Reach reach, u8 demotions);
  u64 code_address(const TranslatedBlock& block) const {
    return reinterpret_cast<u64>(buffer_.code(block.code + block.entry));
  }
  TranslatedBlock* block_of(u64 code_offset);
  Region& region_for(Reach reach) { return regions_[reach == Reach::window && regions_[1].begin < regions_[1].end]; }
  LookupTable& table(u32 block_mode);
  // How the options have it taken.
  Emission emission_of(const Decoder::Decoded& decoded) const;
  void name_thunks();
  void show(const TranslatedBlock& block, std::span<const u8> guest) const;

  // emitted_run.cpp
  void enter(u64 code, u64 stack);
  u32 instruction_at(TranslatedBlock*& block, u64 place);
  // Runs emitted code from the block's start until it leaves for something that is not answered here. Which instruction
  // of `block`, the one left, was not completed, if it was left inside.
  std::optional<u32> run_emitted(TranslatedBlock*& block);
  bool resolve_fault(TranslatedBlock& block);
  void note_window_fault(TranslatedBlock& block);
  bool may_be_misaligned(const TranslatedBlock& block, u32 eip) const;
  // Null where there is no block to go on with at the link's target.
  TranslatedBlock* link(u32 site);
  void make_link(u32 site, TranslatedBlock& target);
  void cut_link(LinkSite& site);
  void cut_links(LookupTable& table);

  void settle_windows();
  bool too_many_faults(const TranslatedBlock& block) const;
  void give_up_window(TranslatedBlock& block);
  void load_context();
  void load_segments();
  void load_segment(unsigned name);
  void choose_table();
  void save_context();
  RunEnd dispatch(u64 left);
  RunEnd interpret(u64 count, u64& left);
  // The instruction at EIP, before which emitted code was left.
  RunEnd interpret_behind_block(u32 site, u64& left);
  // The FPU's state goes into the Context, where emitted code has it loaded, and back. False: the guest may not use it.
  bool take_fpu_in();
  void give_fpu_back();

  Cpu& cpu_;
  GuestMemory& memory_;
  const TranslatorOptions options_;
  TranslatorCounters counters_;
  Decoder decoder32_, decoder16_;
  CodeBuffer buffer_;
  Thunks thunks_;
  std::unique_ptr<Context> context_owner_;
  Context& context_;
  FaultRecovery recovery_;
  Alarm alarm_;
  ReturnStack returns_;
  MemoryView view_;
  u64 generation_ = 0;             // counts the times everything was forgotten
  std::array<Region, 2> regions_;  // cold, hot
  std::unordered_map<Key, TranslatedBlock*, KeyHash> by_key_;
  std::unordered_map<u32, CodePage> pages_;
  WrittenPages written_;
  std::vector<u32> free_checks_;
  std::vector<LinkSite> sites_;
  std::vector<HelperSite> helpers_;
  std::vector<TransitionSite> transition_sites_;
  std::unordered_map<u32, std::unique_ptr<LookupTable>> tables_;  // by block mode
  std::vector<u64> code_ends_;                                    // of CS, as block modes number them
  u32 next_heat_ = 0;
  u32 mode_ = 0;                 // of the processor, while `segments_known_`
  bool segments_known_ = false;  // the Context has them, and `mode_` is theirs
  // What `mode_` was made of.
  struct KnownState {
    std::array<Segment, 6> segment;
    u32 cr0 = 0;
    u32 flags = 0;
    bool by_register = false;
    u8 cpl = 0xFF;
  } known_;
  // What an instruction is to come to, if its transition is to be learnt; `number` is 0 if not.
  struct Expected {
    u32 number = 0;
    u32 mode = 0;  // before
    u32 eip = 0;   // after
    u8 cpl = 0;
    std::array<Segment, 6> segment;  // before
  } expected_;
  LookupTable* table_ = nullptr;
  u32 table_mode_ = 0;
  std::array<std::pair<u32, LookupTable*>, 16> recent_tables_{};
  // A guest that changes its privilege often must not need GS changed every time: its supervisor code uses the window
  // without, from then on.
  bool supervisor_by_register_ = false;
  u32 window_switches_ = 0;  // in this slice
  u32 slices_ = 0;
  std::unique_ptr<Lockstep> lockstep_;
  LookupTable knows_nothing_;  // what emitted code asks in lockstep
  bool fpu_held_ = false;      // Context::fx is the guest's FPU state
  u64 gs_base_ = 0;
  u64 estimate_ = 0;
  std::array<u64, 32> emitted_{};
  std::optional<PerfMap> perf_map_;
};

}  // namespace penumbra
