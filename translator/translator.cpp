// The dispatcher: what comes next, by what, and why emitted code came back.
#include "translator/translator.h"

#include <algorithm>
#include <csignal>

#include "core/base/bits.h"
#include "core/base/check.h"
#include "core/cpu/fx_image.h"

#if defined(__x86_64__)
#include <asm/prctl.h>
#include <immintrin.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace penumbra {

namespace {

// A poll stands for about so many instructions.
constexpr u32 kInstructionsAPoll = 8;
// How long the interpreter goes on where the processor's mode is none for emitted code.
constexpr u64 kOtherModeBurst = 2000;
// The same, in a block whose accesses have often been the interpreter's: a signal costs as much as it executes then.
constexpr u64 kSoftBurst = 100;
constexpr u8 kOftenSoft = 4;
constexpr unsigned kMostFaultsInARow = 16;
// An access that begins here may reach beyond the segments' limit, which the guest is told of before any page is looked
// at.
constexpr u32 kLastOperand = 0xFFFF'FFF0;
// In an FXSAVE image.
constexpr u32 kFxMxcsr = 24, kFxXmm = 160;

#if defined(__x86_64__)
[[gnu::target("fsgsbase")]] void write_gs_base(u64 base) { _writegsbase_u64(base); }

void set_gs_base(u64 base) {
  static const bool direct = getauxval(AT_HWCAP2) & 2;  // HWCAP2_FSGSBASE
  if (direct)
    write_gs_base(base);
  else
    syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}
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

Translator::Translator(Cpu& cpu, GuestMemory& memory, const TranslatorOptions& options)
    : cpu_(cpu),
      memory_(memory),
      options_(options),
      decoder_(true, cpu.model()),
      buffer_(options.code_bytes),
      thunks_(emit_thunks(buffer_)),
      recovery_(context_, buffer_, thunks_),
      returns_(reinterpret_cast<u64>(buffer_.code(thunks_.stray_return))),
      used_(thunks_.bytes) {
  context_.return_stack = returns_.top();
  for (auto& table : tables_) table = std::make_unique<LookupTable>();
  for (auto& window : windows_) window = std::make_unique<Window>(memory.ram());
  if (options_.perf_map) {
    perf_map_.emplace();
    name_thunks();
  }
  cpu_.listen(this);
  cpu_.state_changed();
}

Translator::~Translator() { cpu_.listen(nullptr); }

bool Translator::flat() const {
  constexpr u64 kWhole = u64{1} << 32;
  const auto& s = cpu_.segment;
  if (!cpu_.protected_mode() || cpu_.v86() || !s[CS].big || s[CS].base || s[CS].code_end != kWhole || !s[SS].big)
    return false;
  if ((cpu_.cr0 & cr0::AM) && (cpu_.flags.rest & eflags::AC) && cpu_.cpl == 3) return false;
  for (const unsigned name : {SS, DS, ES})
    if (s[name].base || s[name].write_end != kWhole || s[name].read_end != kWhole) return false;
  return s[CS].read_end == kWhole;
}

u8 Translator::mode() const {
  constexpr u64 kWhole = u64{1} << 32;
  const auto open = [&](unsigned name) {
    return cpu_.segment[name].write_end == kWhole && cpu_.segment[name].read_end == kWhole;
  };
  return static_cast<u8>((cpu_.cpl == 3 ? block_mode::kUser : 0) | (open(FS) ? block_mode::kFsOpen : 0) |
                         (open(GS) ? block_mode::kGsOpen : 0) | (cpu_.flags.rest & eflags::DF ? block_mode::kDown : 0));
}

bool Translator::take_fpu_in() {
  if (context_.fpu_live || (cpu_.cr0 & (cr0::EM | cr0::TS))) return false;
  store_fx_x87(cpu_.x87, context_.fx);
  store<u32>(context_.fx + kFxMxcsr, cpu_.mxcsr);
  std::memcpy(context_.fx + kFxXmm, cpu_.xmm.data(), sizeof cpu_.xmm);
  context_.fpu_live = 1;
  context_.sse_live = (cpu_.cr4 & cr4::OSFXSR) != 0;
  return true;
}

void Translator::give_fpu_back() {
  if (!context_.fpu_live) return;
  context_.fpu_live = context_.sse_live = 0;
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
  const u64 before = cpu_.instructions();
  const RunEnd end = cpu_.run(std::min(count, left));
  left -= std::min(left, cpu_.instructions() - before);
  return end;
}

void Translator::load_context() {
  for (unsigned n = 0; n < 8; ++n) context_.gpr[n] = cpu_.gpr[n];
  context_.flags = cpu_.flags.arithmetic() | eflags::kFixedOne;
  for (const unsigned name : {FS, GS}) context_.segment_base[name] = cpu_.segment[name].base;
  context_.lookup = tables_[mode()]->entries();
}

void Translator::save_context() {
  for (unsigned n = 0; n < 8; ++n) cpu_.gpr[n] = context_.gpr[n];
  cpu_.flags.load_arithmetic(static_cast<u32>(context_.flags) & eflags::kArithmetic);
}

void Translator::enter(u64 code) {
  const u64 base = window().base();
  context_.window = base;
  if (gs_base_ != base) {
    set_gs_base(base);
    gs_base_ = base;
  }
  context_.resume = code;
  ++counters_.entries;
  thunks_.enter(&context_);
}

RunEnd Translator::run(u64 budget) {
  recovery_.claim();
  gs_base_ = 0;  // another machine of this process may have set it
  u64 left = budget;
  while (left > 0) {
    if (cpu_.must_interpret() || cpu_.event_waiting()) {
      if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
      continue;
    }
    if (!flat()) {
      if (const RunEnd end = interpret(kOtherModeBurst, left); end != RunEnd::budget) return end;
      continue;
    }
    if (options_.forget_always) {
      code_forgotten();
      all_dropped();
    }
    TranslatedBlock* block = block_at(cpu_.eip);
    if (!block || block->interpreted) {
      if (const RunEnd end = interpret(1, left); end != RunEnd::budget) return end;
      continue;
    }

    load_context();
    const u32 polls = static_cast<u32>(std::clamp<u64>(left / kInstructionsAPoll, 1, 1 << 20));
    context_.polls = polls;
    u64 code = code_address(*block);
    bool resolved = true;
    for (unsigned faults = 0;; ++faults) {
      enter(code);
      if (context_.reason == ExitReason::fpu) {
        if (take_fpu_in()) {
          code = context_.resume;
          continue;
        }
        context_.reason = ExitReason::interpret;
      }
      if (context_.reason != ExitReason::fault) break;
      block = block_of(buffer_.offset_of(context_.fault_code));
      const u64 offset = buffer_.offset_of(context_.fault_code) - block->code;
      auto start = std::upper_bound(block->starts.begin(), block->starts.end(), offset,
                                    [](u64 at, const InstructionStart& s) { return at < s.host; });
      CHECK_THAT(start != block->starts.begin(), "a fault before the first instruction of block {:x}", block->eip);
      --start;
      context_.eip = block->eip + start->guest;
      // The low half of a host address in the window is the linear address.
      resolved = context_.fault_signal == SIGSEGV && window().contains(context_.fault_address) &&
                 faults < kMostFaultsInARow && resolve(static_cast<u32>(context_.fault_address), context_.fault_write);
      if (!resolved) break;
      ++counters_.hidden_faults;
      if (!block->valid) {  // the walk set A or D bits in the block's own bytes: its code is patched
        context_.reason = ExitReason::poll;
        break;
      }
      code = reinterpret_cast<u64>(buffer_.code(block->code + start->host));
    }
    save_context();
    cpu_.eip = context_.eip;
    const u64 used = u64{polls - context_.polls} * kInstructionsAPoll + 1;
    estimate_ += used;
    left -= std::min(left, used);

    switch (context_.reason) {
      case ExitReason::poll: break;
      case ExitReason::lookup: ++counters_.lookups; break;
      case ExitReason::link: link(context_.site, generation_); break;
      case ExitReason::interpret:
      case ExitReason::fpu:
      case ExitReason::fault: {
        u64 count = 1;
        if (context_.reason == ExitReason::fault) {
          ++counters_.soft_accesses;
          if (block->soft_faults < kOftenSoft)
            ++block->soft_faults;
          else
            count = kSoftBurst;
        } else {
          ++counters_.interpreted;
        }
        left += !left;
        if (const RunEnd end = interpret(count, left); end != RunEnd::budget) return end;
      }
    }
  }
  give_fpu_back();
  return RunEnd::budget;
}

void Translator::link(u32 site, u64 generation) {
  const u32 target_eip = sites_[site].target;
  TranslatedBlock* target = block_at(target_eip);
  if (generation != generation_ || !target || target->interpreted) return;
  const LinkSite& s = sites_[site];
  const bool same_page = (target->physical ^ s.from->physical) >> kPageShift == 0;
  if (!s.from->valid || !target->valid || !same_page || s.from->mode != target->mode) return;
  buffer_.patch_jump(s.from->code + s.place, target->code);
  ++counters_.links;
}

void Translator::all_dropped() {
  for (auto& window : windows_) window->drop_all();
  for (auto& table : tables_) table->clear();
}

void Translator::local_dropped() {
  for (auto& window : windows_) window->drop_local();
  for (auto& table : tables_) table->clear_local();
}

void Translator::pages_dropped(u32 first_page, u32 count, bool code) {
  for (auto& window : windows_) window->drop(first_page, count);
  if (code)
    for (auto& table : tables_) table->clear();
}

void Translator::page_watched(Ppn page) {
  if (u64{page.value} << kPageShift >= memory_.ram().size()) return;
  for (auto& window : windows_) window->write_protect(page);
}

bool Translator::plain(u64 physical) const {
  const Ppn page = page_of(PhysAddr(physical));
  const u8* host = memory_.ram().data() + physical;
  return physical + kPageSize <= memory_.ram().size() && memory_.readable(page) == host &&
         memory_.writable(page) == host;
}

bool Translator::resolve(u32 linear, bool write) {
  if (linear >= kLastOperand) return false;
  const Translation t = cpu_.walk_data(linear, write ? Access::write : Access::read);
  if (!t.ok || !memory_.a20() || !plain(t.page.value)) return false;
  const Ppn frame = page_of(t.page);
  const bool writable = t.writable && !memory_.watched(frame);
  if (write && !writable) return false;
  if (t.large || !(cpu_.cr0 & cr0::PG)) return map_region(linear, t, write);
  const bool global = t.global && (cpu_.cr4 & cr4::PGE);
  return window().map(linear >> kPageShift, frame, 1, writable ? Window::Right::write : Window::Right::read, global);
}

// Maps what a large page covers, in runs of pages that are plain memory with the same right.
bool Translator::map_region(u32 linear, const Translation& t, bool write) {
  const u32 pages = cpu_.cr4 & cr4::PAE && cpu_.cr0 & cr0::PG ? 512 : 1024;
  const u32 first = (linear >> kPageShift) & ~(pages - 1);
  const u64 physical = t.page.value - (u64{(linear >> kPageShift) - first} << kPageShift);
  const bool global = t.global && (cpu_.cr4 & cr4::PGE);
  const auto right = [&](u32 n) {
    const u64 at = physical + (u64{n} << kPageShift);
    if (!plain(at)) return Window::Right::none;
    return t.writable && !memory_.watched(page_of(PhysAddr(at))) ? Window::Right::write : Window::Right::read;
  };
  Window& w = window();
  for (u32 n = 0; n < pages;) {
    const Window::Right wanted = right(n);
    const bool there = w.right(first + n) >= wanted;
    u32 end = n + 1;
    while (end < pages && right(end) == wanted && (w.right(first + end) >= wanted) == there) ++end;
    if (!there && !w.map(first + n, page_of(PhysAddr(physical + (u64{n} << kPageShift))), end - n, wanted, global))
      return false;
    n = end;
  }
  return w.right(linear >> kPageShift) >= (write ? Window::Right::write : Window::Right::read);
}

void Translator::audit() const {
  for (const auto& window : windows_) window->audit();
  for (const auto& [page, code] : pages_)
    for (const TranslatedBlock* block : code.blocks)
      CHECK_THAT(!block->valid || memory_.watched(Ppn(page)), "page {:x} has code but is not watched", page);
}

}  // namespace penumbra
