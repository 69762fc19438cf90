// The dispatcher: what comes next, by what, and why emitted code came back.
#include "translator/translator.h"

#include <algorithm>
#include <csignal>

#include "core/base/bits.h"
#include "core/base/check.h"
#include "core/base/host_time.h"
#include "core/cpu/fx_image.h"

#if defined(__x86_64__)
#include <sys/auxv.h>
#endif

namespace penumbra {

namespace {

// Who has set this thread's GS last; a host register, so that it is no machine's own.
thread_local const Translator* gs_owner = nullptr;

// How long the interpreter goes on where the processor's mode is none for emitted code.
constexpr u64 kOtherModeBurst = 2000;
// So many hidden faults make a block go back to the software TLB: each costs as much as some thousand of its accesses.
constexpr u8 kMostWindowFaults = 8;
// A code cache that is as large has a part of its own for hot code.
constexpr u64 kLeastForTiers = 1 << 20;
// In an FXSAVE image.
constexpr u32 kFxMxcsr = 24, kFxXmm = 160;

// Whether user code may change GS' base by itself (HWCAP2_FSGSBASE).
bool gs_is_ours() {
#if defined(__x86_64__)
  static const bool ours = getauxval(AT_HWCAP2) & 2;
  return ours;
#else
  return true;  // no emitted code runs here (Translator::supported)
#endif
}

}  // namespace

bool Translator::supported(std::string& why_not) {
#if defined(__x86_64__)
  why_not.clear();
  return true;
#else
  why_not = "emitted code is for x86-64 hosts";
  return false;
#endif
}

std::string Translator::missing() {
  return gs_is_ours() ? "" : "FSGSBASE is missing: windows are changed by system calls";
}

Translator::Translator(Cpu& cpu, GuestMemory& memory, const TranslatorOptions& options)
    : cpu_(cpu),
      memory_(memory),
      options_(options),
      decoder32_(true, cpu.model()),
      decoder16_(false, cpu.model()),
      buffer_(options.code_bytes),
      thunks_(emit_thunks(buffer_, gs_is_ours() && options.mmu != MmuKind::soft)),
      context_owner_(std::make_unique<Context>()),
      context_(*context_owner_),
      recovery_(context_, buffer_, thunks_),
      alarm_(context_, buffer_, thunks_),
      returns_(reinterpret_cast<u64>(buffer_.code(thunks_.stray_return))),
      view_(cpu, memory, options, counters_),
      written_(options.check_after) {
  // Where all code is of one kind there is no hot part.
  const bool tiers = options.mmu != MmuKind::soft && options.promote_after > 0 && options.code_bytes >= kLeastForTiers;
  const u64 hot = tiers ? options.code_bytes / 4 * 3 : options.code_bytes;
  regions_ = {Region{thunks_.bytes, hot, thunks_.bytes, {}, {}}, Region{hot, options.code_bytes, hot, {}, {}}};
  all_checks_free();
  context_.return_stack = returns_.top();
  if (options.lockstep) lockstep_ = std::make_unique<Lockstep>(cpu, memory);
  if (options_.perf_map) {
    perf_map_.emplace();
    name_thunks();
  }
  cpu_.listen(this);
  cpu_.state_changed();
}

Translator::~Translator() { cpu_.listen(nullptr); }

bool Translator::take_fpu_in() {
  if (cpu_.cr0 & (cr0::EM | cr0::TS)) return false;
  if (!fpu_held_) {
    store_fx_x87(cpu_.x87, context_.fx);
    store<u32>(context_.fx + kFxMxcsr, cpu_.mxcsr);
    std::memcpy(context_.fx + kFxXmm, cpu_.xmm.data(), sizeof cpu_.xmm);
    fpu_held_ = true;
  }
  if (context_.fpu_live) return false;
  context_.fpu_live = 1;
  context_.sse_live = (cpu_.cr4 & cr4::OSFXSR) != 0;
  return true;
}

void Translator::give_fpu_back() {
  context_.fpu_live = context_.sse_live = 0;
  if (!fpu_held_) return;
  fpu_held_ = false;
  const X87State before = cpu_.x87;
  load_fx_x87(cpu_.x87, context_.fx);
  // The host's own pointers mean nothing to the guest.
  cpu_.x87.opcode = before.opcode;
  cpu_.x87.instruction_pointer = before.instruction_pointer;
  cpu_.x87.instruction_selector = before.instruction_selector;
  cpu_.x87.operand_pointer = before.operand_pointer;
  cpu_.x87.operand_selector = before.operand_selector;
  cpu_.mxcsr = load<u32>(context_.fx + kFxMxcsr);
  std::memcpy(cpu_.xmm.data(), context_.fx + kFxXmm, sizeof cpu_.xmm);
}

RunEnd Translator::interpret(u64 count, u64& left) {
  give_fpu_back();
  segments_known_ = false;
  const u64 before = cpu_.instructions();
  const RunEnd end = cpu_.run(std::min(count, left));
  left -= std::min(left, cpu_.instructions() - before);
  return end;
}

RunEnd Translator::interpret_behind_block(u32 site, u64& left) {
  left += !left;
  if (lockstep_ || cpu_.must_interpret() || cpu_.event_waiting()) return interpret(1, left);
  if (helpers_[site].fpu) give_fpu_back();
  segments_known_ = false;
  --left;
  const u64 generation = generation_;
  Block* decoded = helpers_[site].decoded;
  const RunEnd end = cpu_.run_one(decoded);
  if (generation == generation_) helpers_[site].decoded = decoded;
  return end;
}

bool Translator::too_many_faults(const TranslatedBlock& block) const {
  return block.reach == Reach::window && block.window_faults >= kMostWindowFaults && options_.promote_after > 0;
}

// A block that has had too many faults goes back to the software TLB.
void Translator::give_up_window(TranslatedBlock& block) {
  if (!block.valid || !too_many_faults(block)) return;
  ++counters_.demoted;
  remake(block, Reach::soft, static_cast<u8>(block.demotions + (block.demotions < 0xFF)));
}

// At the beginning of a slice. Another machine of this process may have set GS.
void Translator::settle_windows() {
  constexpr u32 kMostSwitches = 32;
  supervisor_by_register_ |= !thunks_.changes_gs && window_switches_ > kMostSwitches;
  window_switches_ = 0;
  if (gs_owner != this) gs_base_ = 0;
  gs_owner = this;
}

void Translator::host_segments_changed() { gs_owner = nullptr; }

RunEnd Translator::run(u64 budget, i64 nanoseconds) {
  // Whoever has taken the signals in between is overruled, if not at once: asking costs two system calls.
  constexpr u32 kClaimEvery = 16;
  if (slices_++ % kClaimEvery == 0) recovery_.claim();
  settle_windows();
  segments_known_ = false;
  if (lockstep_) {
    const RunEnd end = dispatch(budget);
    give_fpu_back();
    return end;
  }
  const i64 before = host_nanoseconds();
  const Alarm::Set alarm(alarm_, nanoseconds);
  const RunEnd end = dispatch(budget);
  estimate_ += static_cast<u64>(host_nanoseconds() - before);
  give_fpu_back();
  return end;
}

RunEnd Translator::dispatch(u64 left) {
  for (bool begun = false; left > 0; begun = true) {
    if (begun && alarm_.gone_off()) return RunEnd::budget;
    if (cpu_.must_interpret() || cpu_.event_waiting()) {
      if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
      continue;
    }
    if (!segments_known_ && !translatable()) {
      ++counters_.other_modes;
      if (const RunEnd end = interpret(kOtherModeBurst, left); end != RunEnd::budget) return end;
      continue;
    }
    if (options_.forget_always) {
      code_forgotten();
      all_dropped();
    }
    TranslatedBlock* block = block_at(cpu_.eip);
    if (!block || (lockstep_ && (block->interpreted || lockstep_->too_long(*block)))) {
      ++counters_.interpreted;
      if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
      continue;
    }

    if (lockstep_) {
      if (left < block->starts.size()) {
        if (const RunEnd end = interpret(left, left); end != RunEnd::budget) return end;
        continue;
      }
      if (block->checks_itself() && stale(*block)) {
        replace_stale(*block);
        continue;
      }
      lockstep_->rehearse(*block);
      if (!block->valid) continue;  // its walks set A or D bits in the block's own bytes
    }
    load_context();
    const std::optional<u32> left_before = run_emitted(block);
    save_context();
    if (lockstep_) {
      give_fpu_back();
      const u64 used = lockstep_->compare(*block, left_before, {buffer_.code(block->code), block->code_bytes});
      estimate_ += used;
      left -= std::min(left, used);
    } else {
      --left;
    }
    // What held the FPU may be followed by a long time without it.
    context_.fpu_live = context_.sse_live = 0;

    switch (context_.reason) {
      case ExitReason::poll:
        give_up_window(*block);
        // Otherwise code would have to be made for where the poll is.
        if (left_before && !lockstep_) {
          left += !left;
          if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
        }
        break;
      case ExitReason::heat:
        if (TranslatedBlock* hot = block_at(context_.eip); hot && hot->reach == Reach::soft && !hot->interpreted) {
          ++counters_.promoted;
          remake(*hot, Reach::window, hot->demotions);
        }
        break;
      case ExitReason::lookup:
      case ExitReason::link:
      case ExitReason::time:
      case ExitReason::stale: break;
      case ExitReason::soft_miss:
      case ExitReason::fault:
        ++counters_.soft_accesses;
        give_up_window(*block);
        left += !left;
        if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
        break;
      case ExitReason::interpret:
        if (context_.instruction & kBehindBlock) {
          ++counters_.interpreted;
          if (const RunEnd end = interpret_behind_block(context_.instruction & ~kBehindBlock, left);
              end != RunEnd::budget)
            return end;
          break;
        }
        [[fallthrough]];
      case ExitReason::fpu:
        ++counters_.interpreted;
        left += !left;
        expect_transition();
        if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
        if (expected_.number) learn_transition();
    }
  }
  return RunEnd::budget;
}

void Translator::all_dropped() {
  view_.drop_all();
  for (auto& [mode, table] : tables_) table->doubt(LookupTable::Doubt::all);
}

void Translator::local_dropped() {
  view_.doubt();
  for (auto& [mode, table] : tables_) table->doubt(LookupTable::Doubt::local);
}

void Translator::pages_dropped(u32 first_page, u32 count, bool code) {
  view_.drop_pages(first_page, count);
  if (code)
    for (auto& [mode, table] : tables_) {
      table->drop_pages(first_page, count);
      cut_links(*table);
    }
}

void Translator::page_watched(Ppn page) { view_.write_protect(page); }

void Translator::audit() const {
  view_.audit();
  for (const auto& [page, code] : pages_)
    for (const TranslatedBlock* block : code.blocks)  // those that check themselves are not among them
      CHECK_THAT(!block->valid || memory_.watched(Ppn(page)), "page {:x} has code but is not watched", page);
}

}  // namespace penumbra
