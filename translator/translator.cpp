// The dispatcher: what comes next, by what, and why emitted code came back.
#include "translator/translator.h"

#include <algorithm>
#include <csignal>

#include "core/base/bits.h"
#include "core/base/check.h"
#include "core/cpu/fx_image.h"
#include "translator/look_up.h"

#if defined(__x86_64__)
#include <asm/prctl.h>
#include <immintrin.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace penumbra {

namespace {

// Who has set this thread's GS last; a host register, so that it is no machine's own.
thread_local const Translator* gs_owner = nullptr;

// A poll stands for about so many instructions.
constexpr u32 kInstructionsAPoll = 8;
// How long the interpreter goes on where the processor's mode is none for emitted code.
constexpr u64 kOtherModeBurst = 2000;
// So many hidden faults make a block go back to the software TLB: each costs as much as some thousand of its accesses.
constexpr u8 kMostWindowFaults = 8;
// A link that has been cut as often leads through the lookup table from then on.
constexpr u8 kMostCuts = 8;
constexpr unsigned kMostFaultsInARow = 16;
// In an FXSAVE image.
constexpr u32 kFxMxcsr = 24, kFxXmm = 160;

#if defined(__x86_64__)
[[gnu::target("fsgsbase")]] void write_gs_base(u64 base) { _writegsbase_u64(base); }

// Whether user code may change GS' base by itself (HWCAP2_FSGSBASE).
bool gs_is_ours() {
  static const bool ours = getauxval(AT_HWCAP2) & 2;
  return ours;
}

void set_gs_base(u64 base) {
  if (gs_is_ours())
    write_gs_base(base);
  else
    syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}
#else
// No emitted code runs here (Translator::supported).
bool gs_is_ours() { return true; }
void set_gs_base(u64) {}
#endif

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
      returns_(reinterpret_cast<u64>(buffer_.code(thunks_.stray_return))),
      view_(cpu, memory, options.mmu != MmuKind::soft, counters_),
      used_(thunks_.bytes) {
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

void Translator::enter(u64 code, u64 stack) {
  const bool user = cpu_.privilege() == Privilege::user;
  if (user) view_.settle_user();
  if (view_.has_windows()) {
    context_.windows[0] = view_.window(Privilege::supervisor).base();
    context_.windows[1] = view_.window(Privilege::user).base();
    context_.window = context_.windows[user];
    // By GS, or by nobody: then it is the user's already where emitted code comes to change the privilege.
    const u64 base = mode_ & block_mode::kByRegister ? context_.windows[1] : context_.window;
    if (gs_base_ != base) {
      set_gs_base(base);
      window_switches_ += gs_base_ != 0;
      gs_base_ = base;
      ++counters_.window_switches;
    }
  }
  context_.soft_tlbs[0] = view_.soft(Privilege::supervisor).entries();
  context_.soft_tlbs[1] = view_.soft(Privilege::user).entries();
  context_.soft_tlb = context_.soft_tlbs[user];
  context_.resume = code;
  context_.entry_stack = stack;
  ++counters_.entries;
  thunks_.enter(&context_);
  if (context_.transited) take_transitions();
}

// Whether the access that emitted code could not make is possible now. The instruction's address is in the Context.
bool Translator::resolve_fault(TranslatedBlock& block) {
  if (context_.reason == ExitReason::soft_miss) {
    const u32 linear = static_cast<u32>(context_.fault_address);
    // What must be aligned is refused before the page is looked at, so that no A bit may be set for it.
    if (context_.fault_bytes == 16 && (linear & 15) && !may_be_misaligned(block, context_.eip)) return false;
    return view_.fill(linear, context_.fault_bytes, context_.fault_write);
  }
  // The low half of a host address in the window is the linear address.
  if (context_.fault_signal != SIGSEGV || !view_.has_windows() || !view_.window().contains(context_.fault_address))
    return false;
  // A page's first fault pays for all that follows: memory that stays where it is costs no block its window.
  const u32 linear = static_cast<u32>(context_.fault_address);
  const bool again = view_.window().known(linear >> kPageShift);
  const bool mapped = view_.map(linear, context_.fault_write);
  if (again || !mapped) block.window_faults += block.window_faults < 0xFF;
  return mapped;
}

bool Translator::may_be_misaligned(const TranslatedBlock& block, u32 eip) const {
  const u64 physical = block.physical + (eip - block.eip);
  const u32 room = kPageSize - static_cast<u32>(physical & kPageMask);
  Insn insn;
  Decoder::Decoded decoded;
  const Decoder& decoder = block.mode & block_mode::kCode32 ? decoder32_ : decoder16_;
  decoder.decode({memory_.readable(page_of(PhysAddr(physical))) + (physical & kPageMask), room}, insn, decoded);
  const ZydisMnemonic m = decoded.z.mnemonic;
  return m == ZYDIS_MNEMONIC_MOVUPS || m == ZYDIS_MNEMONIC_MOVUPD || m == ZYDIS_MNEMONIC_MOVDQU;
}

// The instruction of a block that a place in the code buffer belongs to.
u32 Translator::instruction_at(TranslatedBlock*& block, u64 place) {
  block = block_of(place);
  const auto after = std::upper_bound(block->starts.begin(), block->starts.end(), place - block->code,
                                      [](u64 at, const InstructionStart& s) { return at < s.host; });
  CHECK_THAT(after != block->starts.begin(), "before the first instruction of block {:x}", block->eip);
  return static_cast<u32>(after - block->starts.begin()) - 1;
}

std::optional<u32> Translator::run_emitted(TranslatedBlock*& block) {
  u64 code = code_address(*block);
  u64 stack = returns_.top();
  for (unsigned faults = 0;; ++faults) {
    enter(code, stack);
    // Open guest calls stay so unless the code that they return to may have gone.
    const u64 generation = generation_, invalidated = counters_.invalidated;
    const auto go_on = [&](u64 at) {
      code = at;
      stack = generation == generation_ && invalidated == counters_.invalidated ? context_.left_stack : returns_.top();
    };
    switch (context_.reason) {
      case ExitReason::link:
      case ExitReason::lookup: {
        if (lockstep_ || !context_.polls || options_.forget_always) return std::nullopt;
        const bool known = context_.reason == ExitReason::link;
        counters_.lookups += !known;
        TranslatedBlock* next = known ? link(context_.site) : block_at(context_.eip);
        if (!next) return std::nullopt;
        block = next;
        go_on(code_address(*block));
        faults = 0;
        continue;
      }
      case ExitReason::fpu:
        if (!take_fpu_in()) return instruction_at(block, buffer_.offset_of(context_.resume));
        go_on(context_.resume);
        continue;
      case ExitReason::time: {
        if ((cpu_.cr4 & cr4::TSD) && cpu_.cpl != 0) {
          context_.reason = ExitReason::interpret;
          return context_.instruction = instruction_at(block, buffer_.offset_of(context_.resume) - 1);
        }
        const u64 now = cpu_.time_stamp();
        context_.gpr[EAX] = static_cast<u32>(now);
        context_.gpr[EDX] = static_cast<u32>(now >> 32);
        go_on(context_.resume);
        continue;
      }
      case ExitReason::heat: return 0;
      case ExitReason::interpret:
        return context_.instruction & kBehindBlock ? std::nullopt : std::optional(context_.instruction);
      case ExitReason::soft_miss:
      case ExitReason::fault: break;
      default: return std::nullopt;
    }
    // A soft access is known by where its call returns to.
    const bool soft = context_.reason == ExitReason::soft_miss;
    const u32 left_before = instruction_at(block, buffer_.offset_of(context_.fault_code) - soft);
    const InstructionStart& start = block->starts[left_before];
    context_.eip = block->eip + start.guest;
    if (faults == kMostFaultsInARow || !resolve_fault(*block)) return left_before;
    if (!block->valid || too_many_faults(*block)) {
      // Its code is patched, since the walk set A or D bits in the block's own bytes, or is to be made anew.
      context_.reason = ExitReason::poll;
      return left_before;
    }
    go_on(reinterpret_cast<u64>(buffer_.code(block->code + start.host)));
  }
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
  constexpr u32 kMostSwitches = 4;
  supervisor_by_register_ |= !thunks_.changes_gs && window_switches_ > kMostSwitches;
  window_switches_ = 0;
  if (gs_owner != this) gs_base_ = 0;
  gs_owner = this;
}

void Translator::host_segments_changed() { gs_owner = nullptr; }

RunEnd Translator::run(u64 budget) {
  // Whoever has taken the signals in between is overruled, if not at once: asking costs two system calls.
  constexpr u32 kClaimEvery = 16;
  if (slices_++ % kClaimEvery == 0) recovery_.claim();
  settle_windows();
  segments_known_ = false;
  const RunEnd end = dispatch(budget);
  give_fpu_back();
  return end;
}

RunEnd Translator::dispatch(u64 left) {
  while (left > 0) {
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
    if (!block || (lockstep_ && block->interpreted)) {
      ++counters_.interpreted;
      if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
      continue;
    }

    if (lockstep_) {
      if (left < block->starts.size()) {
        if (const RunEnd end = interpret(left, left); end != RunEnd::budget) return end;
        continue;
      }
      lockstep_->rehearse(*block);
      if (!block->valid) continue;  // its walks set A or D bits in the block's own bytes
    }
    load_context();
    const u32 polls = static_cast<u32>(std::clamp<u64>(left / kInstructionsAPoll, 1, 1 << 20));
    context_.polls = polls;
    const std::optional<u32> left_before = run_emitted(block);
    save_context();
    u64 used = u64{polls - context_.polls} * kInstructionsAPoll + 1;
    if (lockstep_) {
      give_fpu_back();
      used = lockstep_->compare(*block, left_before, {buffer_.code(block->code), block->code_bytes});
    }
    estimate_ += used;
    left -= std::min(left, used);
    // What held the FPU may be followed by a long time without it.
    context_.fpu_live = context_.sse_live = 0;

    switch (context_.reason) {
      case ExitReason::poll: give_up_window(*block); break;
      case ExitReason::heat:
        if (TranslatedBlock* hot = block_at(context_.eip); hot && hot->reach == Reach::soft && !hot->interpreted) {
          ++counters_.promoted;
          remake(*hot, Reach::window, hot->demotions);
        }
        break;
      case ExitReason::lookup:
      case ExitReason::link:
      case ExitReason::time: break;
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

// Inside of a page a link holds as long as its target does. One to another page also needs that page to stay mapped as
// it is: the lookup table, where it was found, says when that ends.
TranslatedBlock* Translator::link(u32 site) {
  const u64 generation = generation_;
  TranslatedBlock* target = block_at(sites_[site].target);
  if (generation != generation_ || !target) return target;
  const LinkSite& s = sites_[site];
  if (!s.from->valid || !target->valid || s.from->mode != target->mode) return target;
  const bool other_page = (target->linear ^ s.from->linear) >> kPageShift;
  if (target->straddles() || s.from->straddles() || s.cuts >= kMostCuts) {
    const Lookup kind = s.from->mode & block_mode::kBasedCode ? Lookup::based : Lookup::flat;
    buffer_.patch_jump(s.from->code + s.exit_jump, thunks_.look_up_exit[static_cast<unsigned>(kind)]);
    return target;
  }
  if (!other_page && (target->physical ^ s.from->physical) >> kPageShift) return target;
  if (other_page) table_->note_link(*target, site);
  buffer_.patch_jump(s.from->code + s.place, target->code);
  ++counters_.links;
  return target;
}

void Translator::cut_links(LookupTable& table) {
  for (const u32 site : table.to_cut()) {
    LinkSite& s = sites_[site];
    s.cuts += s.cuts < 0xFF;
    buffer_.patch_jump(s.from->code + s.place, s.from->code + s.exit);
    ++counters_.cuts;
  }
  table.to_cut().clear();
}

void Translator::all_dropped() {
  view_.drop_all();
  for (auto& [mode, table] : tables_) table->doubt(LookupTable::Doubt::all);
}

void Translator::local_dropped() {
  view_.drop_local();
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
    for (const TranslatedBlock* block : code.blocks)
      CHECK_THAT(!block->valid || memory_.watched(Ppn(page)), "page {:x} has code but is not watched", page);
}

}  // namespace penumbra
