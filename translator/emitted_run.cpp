// Emitted code runs, and what it comes back for is answered where the interpreter is not needed for it.
#include <algorithm>
#include <csignal>

#include "core/base/check.h"
#include "translator/look_up.h"
#include "translator/translator.h"

#if defined(__x86_64__)
#include <asm/prctl.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace penumbra {

namespace {

constexpr unsigned kMostFaultsInARow = 16;
// A link that has been cut as often leads through the lookup table from then on. A cut and the next link cost less than
// a look-up for each time that the branch runs; each new process cuts some.
constexpr u8 kMostCuts = 250;

#if defined(__x86_64__)
[[gnu::target("fsgsbase")]] void write_gs_base(u64 base) { _writegsbase_u64(base); }

void set_gs_base(u64 base, bool by_instruction) {
  if (by_instruction)
    write_gs_base(base);
  else
    syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}
#else
// No emitted code runs here (Translator::supported).
void set_gs_base(u64, bool) {}
#endif

}  // namespace

void Translator::enter(u64 code, u64 stack) {
  const bool user = cpu_.privilege() == Privilege::user;
  view_.settle(cpu_.privilege());
  if (view_.has_windows()) {
    context_.windows[0] = view_.window(Privilege::supervisor).base();
    context_.windows[1] = view_.window(Privilege::user).base();
    context_.window = context_.windows[user];
    // By GS, or by nobody: then it is the user's already where emitted code comes to change the privilege.
    const u64 base = mode_ & block_mode::kByRegister ? context_.windows[1] : context_.window;
    if (gs_base_ != base) {
      set_gs_base(base, thunks_.changes_gs);
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
  for (;;) {
    thunks_.enter(&context_);
    // The time is told without a look at what emitted code has changed.
    if (context_.reason != ExitReason::time || (cpu_.cr4 & cr4::TSD)) break;
    const u64 now = cpu_.time_stamp();
    context_.gpr[EAX] = static_cast<u32>(now);
    context_.gpr[EDX] = static_cast<u32>(now >> 32);
    context_.entry_stack = context_.left_stack;
    ++counters_.entries;
  }
  if (context_.transited) take_transitions();
}

// Of user code, what it rarely faults for, such as pages copied after a fork, means nothing. A supervisor does that for
// each process, in the same blocks.
void Translator::note_window_fault(TranslatedBlock& block) {
  constexpr u64 kWhile = 10'000'000;  // as `instructions` counts
  if (block.mode & block_mode::kUser && instructions() - block.faults_since > kWhile) {
    block.faults_since = instructions();
    block.window_faults = 0;
  }
  block.window_faults += block.window_faults < 0xFF;
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
  // A page's first fault for reading and its first for writing pay for all that follow: memory that stays where it is
  // costs no block its window, nor do the guest's own faults for pages that it has not given yet.
  const u32 linear = static_cast<u32>(context_.fault_address);
  const bool again = view_.window().known(linear >> kPageShift, context_.fault_write);
  const MemoryView::Mapped mapped = view_.map(linear, context_.fault_write);
  if (again || mapped == MemoryView::Mapped::no) note_window_fault(block);
  return mapped == MemoryView::Mapped::yes;
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

// The instruction of a block that a place in the code buffer belongs to; what comes before the first is the first's.
u32 Translator::instruction_at(TranslatedBlock*& block, u64 place) {
  block = block_of(place);
  const auto after = std::upper_bound(block->starts.begin(), block->starts.end(), place - block->code,
                                      [](u64 at, const InstructionStart& s) { return at < s.host; });
  return static_cast<u32>(std::max<std::ptrdiff_t>(after - block->starts.begin(), 1)) - 1;
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
        if (lockstep_ || options_.forget_always) return std::nullopt;
        // Blocks that take a slot of the lookup table from each other miss it without a poll of their own.
        if (alarm_.gone_off()) return std::nullopt;
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
        if (const u32 asking = instruction_at(block, buffer_.offset_of(context_.resume)); !take_fpu_in()) return asking;
        // What a block has before its entry says so, and only that.
        go_on(buffer_.offset_of(context_.resume) == block->code ? code_address(*block) : context_.resume);
        continue;
      case ExitReason::time:
        // CR4.TSD is set.
        context_.reason = ExitReason::interpret;
        return context_.instruction = instruction_at(block, buffer_.offset_of(context_.resume) - 1);
      case ExitReason::stale: {
        block = block_of(buffer_.offset_of(context_.fault_code));
        context_.eip = block->eip;
        replace_stale(*block);
        if (lockstep_ || options_.forget_always || alarm_.gone_off()) return std::nullopt;
        TranslatedBlock* next = block_at(context_.eip);
        if (!next) return std::nullopt;
        block = next;
        go_on(code_address(*block));
        faults = 0;
        continue;
      }
      case ExitReason::heat: return 0;
      case ExitReason::interpret:
        return context_.instruction & kBehindBlock ? std::nullopt : std::optional(context_.instruction);
      case ExitReason::soft_miss:
      case ExitReason::fault: break;
      default: return std::nullopt;
    }
    const bool stopped = context_.reason == ExitReason::fault && context_.fault_address == kStop;
    if (stopped && is_look_up_poll(reinterpret_cast<const u8*>(context_.fault_code))) {
      context_.reason = ExitReason::poll;
      context_.eip = static_cast<u32>(context_.fault_target);
      return std::nullopt;
    }
    // A soft access is known by where its call returns to.
    const bool soft = context_.reason == ExitReason::soft_miss;
    const u32 left_before = instruction_at(block, buffer_.offset_of(context_.fault_code) - soft);
    const InstructionStart& start = block->starts[left_before];
    context_.eip = block->eip + start.guest;
    if (stopped) {
      context_.reason = ExitReason::poll;
      return left_before;
    }
    if (faults >= kMostFaultsInARow || !resolve_fault(*block)) return left_before;
    if (!block->valid || too_many_faults(*block)) {
      // Its code is patched, since the walk set A or D bits in the block's own bytes, or is to be made anew.
      context_.reason = ExitReason::poll;
      return left_before;
    }
    go_on(reinterpret_cast<u64>(buffer_.code(block->code + start.host)));
  }
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
  make_link(site, *target);
  return target;
}

void Translator::make_link(u32 site, TranslatedBlock& target) {
  LinkSite& s = sites_[site];
  buffer_.patch_jump(s.from->code + s.place, target.code + (target.asks & ~s.live ? target.entry : target.live_entry));
  if (s.to != &target) target.linked_from.push_back(site);
  s.to = &target;
  s.linked = true;
  ++counters_.links;
}

void Translator::cut_link(LinkSite& site) {
  site.cuts += site.cuts < 0xFF;
  site.linked = false;
  buffer_.patch_jump(site.from->code + site.place, site.from->code + site.exit);
  ++counters_.cuts;
}

void Translator::cut_links(LookupTable& table) {
  for (const u32 site : table.to_cut()) {
    LinkSite& s = sites_[site];
    // Nothing in such a block runs again, and its entry's jump may stand where the link's did.
    if (!s.from->valid) continue;
    if (s.linked) cut_link(s);
  }
  table.to_cut().clear();
}

}  // namespace penumbra
