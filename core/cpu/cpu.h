// One processor: its state, its view of memory, and the interpreter's loop. Instructions are functions in exec/.
#pragma once

#include <array>
#include <bitset>
#include <memory>

#include "core/base/log.h"
#include "core/cpu/block_cache.h"
#include "core/cpu/cpu_model.h"
#include "core/cpu/cpu_state.h"
#include "core/cpu/fault.h"
#include "core/cpu/insn.h"
#include "core/cpu/rehearsal.h"
#include "core/cpu/translation_listener.h"
#include "core/platform/clock.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"
#include "mmu/guest_memory.h"
#include "mmu/guest_walk.h"
#include "mmu/tlb.h"

namespace penumbra {

// What the processor is wired to.
struct CpuPins {
  GuestMemory& memory;
  PortBus& ports;
  InterruptSource& interrupts;
  Clock& clock;
  IrqLine* ferr = nullptr;  // raised by unmasked x87 errors while CR0.NE = 0
  Trace& trace;
};

// Wakes the owner of the CPU for model-specific registers that live in the local APIC.
class ApicBasePort {
 public:
  virtual ~ApicBasePort() = default;
  // False: the value has reserved bits set (#GP).
  virtual bool set_apic_base(u64 value) = 0;
};

// Whether handlers call each other in tail position without growing the host stack; where not, each block returns. The
// fuzz targets run few instructions at a time and follow the chains of blocks anyway.
#if defined(PENUMBRA_FUZZ) || (defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__))
inline constexpr bool kTailCalls = true;
#else
inline constexpr bool kTailCalls = false;
#endif

enum class RunEnd : u8 {
  budget,      // the instructions asked for were executed
  attention,   // `stop_for_owner` was called
  halted,      // HLT, and nothing to wake it
  shutdown,    // triple fault
  breakpoint,  // a debugger's break- or watchpoint
};

// How far a memory access goes: only to what the TLB knows, or through page walks to a fault.
enum class Path : u8 { quick, whole };

template <class T>
struct Loaded {
  T value;
  bool ok;
};

class Cpu : public CpuState, public MemoryObserver {
 public:
  Cpu(const CpuPins& pins, const CpuModel& model);
  ~Cpu() override;

  // --- for the machine ---

  void reset();
  // Executes up to `budget` instructions.
  RunEnd run(u64 budget);
  // Ends `run` at the next instruction boundary where interrupts are looked at.
  void stop_soon();
  // The same, and makes `run` return to its caller.
  void stop_for_owner();
  void raise_nmi();
  // IGNNE#: unmasked x87 errors do not stop the x87 while CR0.NE = 0.
  void set_ignne(bool on) { ignne_ = on; }
  bool ignne() const { return ignne_; }
  // Instructions executed since construction, exact at instruction boundaries.
  u64 instructions() const { return executed_base_ - static_cast<u64>(remaining_ + banked_); }
  const CpuModel& model() const { return model_; }
  void connect_apic(ApicBasePort* apic) { apic_ = apic; }
  // After the state was changed from outside (a loaded snapshot, a debugger, a test).
  void state_changed();
  void visit_state(State& state);

  // --- for the translator ---

  void listen(TranslationListener* listener) { listener_ = listener; }
  // One instruction at a time, or none, is what the processor's state asks for.
  bool must_interpret() const { return single_ || interrupt_shadow || halted || shutdown; }
  // `run` would first do something else than the instruction at EIP.
  bool event_waiting() const {
    return (nmi_pending && !nmi_blocked) || owner_wanted_ || ((flags.rest & eflags::IF) && pins_.interrupts.pending());
  }
  // Executes the instruction at EIP, where neither `must_interpret` nor `event_waiting`. `known` is what the last time
  // left there, or null: the instruction as decoded, right as long as it comes from the same physical address.
  RunEnd run_one(Block*& known);
  // Whether an interrupt would be taken if IF were set.
  bool interrupt_waiting() const { return pins_.interrupts.pending(); }
  // The page that instructions at a linear address come from; false where a fetch would fault.
  bool code_page(u32 linear, PhysAddr& page, bool& global);
  // Whether instructions at a linear page's address come from that physical page still, so that fetching them would
  // change nothing; `global` is then what `code_page` would say.
  bool still_code_page(u32 linear, u64 physical, bool& global) const;
  // Walks for a data access, with A and D bits set, and without a fault.
  Translation walk_data(u32 linear, Access access, Privilege who) {
    const Translation t = walk(pins_.memory, paging_mode(), LinearAddr(linear), access, who);
    if (t.ok) note_translation(linear, t);
    return t;
  }
  void watch_code(Ppn page);
  // Drops the interpreter's own blocks of a page.
  void forget_code(Ppn page);

  // --- for lockstep ---

  void allow_rehearsals();
  // Executes instructions `first` up to `end` of a block, the first of which stands at EIP, as long as each leads to
  // the next, and notes their writes. It ends before an instruction that faults, or accesses something else than memory
  // without side effects. Who asked puts the state back.
  RehearsalEnd rehearse(RehearsedBlock& what, u32 first, u32 end);
  // Puts memory back, or only the A and D bits that page walks have set; these are forgotten then.
  void take_back_rehearsed(bool marks_only = false);
  std::vector<RehearsedWrite>& rehearsed_writes() { return rehearsal_->writes; }

  // --- for debuggers ---

  enum class Watch : u8 { none = 0, read = 1, write = 2, access = 3 };
  void set_breakpoint(u32 linear, bool on);
  void set_watchpoint(u32 linear, u32 bytes, Watch kind, bool on);
  // The linear address that a watchpoint fired on, after RunEnd::breakpoint; -1 if it was a breakpoint.
  i64 watch_hit() const { return watch_hit_; }
  // Reads or writes guest memory through the page tables without faults or A/D bits. False where nothing is mapped.
  bool debug_read(u32 linear, std::span<u8> to);
  bool debug_write(u32 linear, std::span<const u8> from);

  // --- memory, for instructions; values hand back faults on the fast path ---

  u32 effective_address(const Insn* i) const {
    const u8* file = reinterpret_cast<const u8*>(gpr);
    const u32 sum = load_from<u32>(file + i->base) + (load_from<u32>(file + i->index) << i->scale) + i->displacement;
    return sum & i->address_mask;
  }

  // With Path::quick, a failure only means that the quick way is not open, and nothing has happened.
  template <class T, Path path = Path::whole>
  [[gnu::always_inline]] bool load_at(unsigned seg, u32 offset, T& value) {
    const Segment& s = segment[seg];
    if (u64{offset} + sizeof(T) <= s.read_end) [[likely]] {
      const u32 linear = s.base + offset;
      if (const Tlb::Entry& entry = tlb_->at(linear); entry.readable(linear, sizeof(T))) [[likely]] {
        value = load_from<T>(entry.host(linear));
        return true;
      }
    }
    if constexpr (path == Path::quick) return false;
    const Loaded<u64> slow = load_slow(seg, offset, sizeof(T));
    value = static_cast<T>(slow.value);
    return slow.ok;
  }

  template <class T, Path path = Path::whole>
  [[gnu::always_inline]] bool store_at(unsigned seg, u32 offset, T value) {
    const Segment& s = segment[seg];
    if (u64{offset} + sizeof(T) <= s.write_end) [[likely]] {
      const u32 linear = s.base + offset;
      if (const Tlb::Entry& entry = tlb_->at(linear); entry.writable(linear, sizeof(T))) [[likely]] {
        std::memcpy(entry.host(linear), &value, sizeof value);
        return true;
      }
    }
    if constexpr (path == Path::quick) return false;
    return store_slow(seg, offset, value, sizeof(T));
  }

  // Longer operands (SSE) by value of success. Nothing is stored, or put in `to`, before all bytes are known to be
  // accessible.
  template <u32 bytes>
  [[gnu::always_inline]] bool load_bytes_at(unsigned seg, u32 offset, void* to) {
    const Segment& s = segment[seg];
    if (u64{offset} + bytes <= s.read_end) [[likely]] {
      if (const u8* host = tlb_->read(s.base + offset, bytes)) [[likely]] {
        std::memcpy(to, host, bytes);
        return true;
      }
    }
    return load_bytes_slow(seg, offset, to, bytes);
  }
  template <u32 bytes>
  [[gnu::always_inline]] bool store_bytes_at(unsigned seg, u32 offset, const void* from) {
    const Segment& s = segment[seg];
    if (u64{offset} + bytes <= s.write_end) [[likely]] {
      if (u8* host = tlb_->write(s.base + offset, bytes)) [[likely]] {
        std::memcpy(host, from, bytes);
        return true;
      }
    }
    return store_bytes_slow(seg, offset, from, bytes);
  }

  // The host address of a plain-memory operand that will be read and written, or null: use load_for_write, then
  // store_at.
  template <class T>
  [[gnu::always_inline]] u8* modify_at(unsigned seg, u32 offset) {
    const Segment& s = segment[seg];
    if (u64{offset} + sizeof(T) > s.write_end || !s.readable()) [[unlikely]]
      return nullptr;
    return tlb_->write(s.base + offset, sizeof(T));
  }
  // Reads an operand after checking that it may be written, so that the store that follows cannot fault.
  Loaded<u64> load_for_write(unsigned seg, u32 offset, u32 bytes);

  // --- memory, for helpers: faults are thrown ---

  template <class T>
  T read(unsigned seg, u32 offset) {
    T value;
    if (!load_at<T>(seg, offset, value)) [[unlikely]]
      throw fault_;
    return value;
  }
  template <class T>
  void write(unsigned seg, u32 offset, T value) {
    if (!store_at<T>(seg, offset, value)) [[unlikely]]
      throw fault_;
  }
  // Longer operands (x87, SSE, FXSAVE): all bytes are checked before the first is written.
  void read_bytes(unsigned seg, u32 offset, void* to, u32 bytes);
  void write_bytes(unsigned seg, u32 offset, const void* from, u32 bytes);
  // Throws what a write of so many bytes there would throw, and changes nothing but A and D bits.
  void check_write(unsigned seg, u32 offset, u32 bytes);
  void check_read(unsigned seg, u32 offset, u32 bytes);
  // Linear accesses of the processor itself (descriptor tables, TSS): as supervisor, whatever CPL.
  template <class T>
  T read_system(u32 linear) {
    return static_cast<T>(read_linear(linear, sizeof(T), Privilege::supervisor));
  }
  template <class T>
  void write_system(u32 linear, T value) {
    write_linear(linear, value, sizeof(T), Privilege::supervisor);
  }
  u64 read_linear(u32 linear, u32 bytes, Privilege privilege);
  void write_linear(u32 linear, u64 value, u32 bytes, Privilege privilege);
  void check_linear_write(u32 linear, u32 bytes, Privilege privilege);
  // The host bytes at a linear address up to the page's end, if it is plain memory that may be accessed so; else null.
  u8* plain_memory(u32 linear, bool write);

  Privilege privilege() const { return cpl == 3 ? Privilege::user : Privilege::supervisor; }
  u32 stack_mask() const { return segment[SS].big ? 0xFFFF'FFFF : 0xFFFF; }
  // ESP or SP moves; the other half of ESP stays.
  void set_stack_pointer(u32 value) { gpr[ESP] = (gpr[ESP] & ~stack_mask()) | (value & stack_mask()); }

  // --- for control flow and system instructions ---

  Clock& clock() { return pins_.clock; }
  PortBus& ports() { return pins_.ports; }
  GuestMemory& memory() { return pins_.memory; }
  Trace& trace() { return pins_.trace; }
  ApicBasePort* apic() { return apic_; }
  IrqLine* ferr() { return rehearsing() ? nullptr : pins_.ferr; }

  u64 time_stamp();
  // CPL, CR0.PG/WP/AM, CR4, EFER, EFLAGS.AC or debug registers changed: which TLB and which loop apply.
  void update_mode();
  void set_cpl(u8 new_cpl);
  void flush_tlb();
  // What a load of CR3 drops: with CR4.PGE all but the global pages (SDM 3A 4.10.4.1).
  void flush_tlb_for_cr3();
  void flush_page(u32 linear);
  // Reads PAE's PDPTEs for a new CR3 or mode; throws #GP(0) for reserved bits (SDM 3A 4.4.1).
  void load_pdptes(u32 new_cr0, u32 new_cr3, u32 new_cr4);
  PagingMode paging_mode() const;
  // EFLAGS as PUSHF sees it and as POPF may set it are in exec/flagops; this one recomputes what depends on TF, AC, VM.
  void flags_changed();
  // A data or I/O breakpoint of DR0-DR3 matched: #DB after the instruction.
  void note_data_access(u32 linear, u32 bytes, bool write);
  void note_io_access(u16 port, u32 bytes);
  bool debug_registers_active() const { return dr[7] & 0xFF; }

  // --- for the handlers (exec/handlers.h) ---

  // Leaves the block before `insn` took effect, with `fault_` to be delivered.
  void leave_with_fault(const Insn* insn);
  // Leaves the block before `insn`, to be looked up again: its block has been invalidated.
  void leave_before(const Insn* insn);
  // Leaves the block with `insn`, a repeated string instruction, to be executed again; it counts as executed.
  void leave_repeating(const Insn* insn);
  // Executes the block at eip if the link knows it, else asks the loop to find it and to remember it in the link.
  void continue_at(u32 new_eip, Link& link) {
    eip = new_eip;
    if constexpr (kTailCalls) {
      if (link.from_eip == block_eip_) [[likely]] {
        if (link.epoch == map_epoch_) [[likely]]
          return enter(link.target);
        return enter_if_it_still_leads(link.target, block_->mode, link.epoch);
      }
    }
    wanted_link_ = &link;
    wanted_from_ = block_eip_;
  }
  // Does nothing if the budget or the code segment's limit forbids; the loop then sees to it.
  void enter(Block* block) {
    if (!may_enter(block)) [[unlikely]]
      return;
    remaining_ -= block->count;
    block_ = block;
    block_eip_ = eip;
    return block->insns->handler(*this, block->insns);
  }
  // After an indirect branch to eip: by a small table of recent targets, else through the loop.
  void continue_indirect() {
    if constexpr (kTailCalls) {
      const u32 linear = segment[CS].base + eip;
      RecentTarget& entry = recent_[recent_slot(linear)];
      if (entry.linear == linear && entry.mode == block_->mode) [[likely]] {
        if (entry.epoch == map_epoch_) [[likely]]
          return enter(entry.target);
        return enter_if_it_still_leads(entry.target, block_->mode, entry.epoch);
      }
    }
  }
  // After an instruction that may have changed anything: mode, privilege, flags, the state of interrupts.
  void continue_after_helper() {
    if constexpr (kTailCalls) {
      Block* target = single_ ? nullptr : recent_target(code_mode());
      // Between an instruction that shadows the next one and that one nobody looks at interrupts here, so that the
      // shadow is over. Where the loop takes over instead it must still stand.
      if (!target || !may_enter(target)) return;
      interrupt_shadow = debug_shadow = false;
      return enter(target);
    }
  }
  u32 eip_of(const Insn* i) const { return block_eip_ + i->offset; }
  u32 eip_after(const Insn* i) const { return block_eip_ + i->offset + i->length; }
  Block* block() { return block_; }
  bool single() const { return single_; }
  void set_current(const Insn* insn) { current_ = insn; }
  const GuestFault& fault() const { return fault_; }
  void set_fault(GuestFault fault) { fault_ = fault; }
  // IRET and task switches load RF; it then holds for the next instruction.
  void keep_resume_flag() { resume_flag_loaded_ = true; }
  // Event delivery discards the single-step trap of the instruction that caused it.
  void drop_step_trap() { step_trap_ = false; }
  // Code moved under linked branches: a new CS base while paging is on.
  void forget_links() { ++map_epoch_; }

 private:
  bool may_enter(const Block* block) const {
    return remaining_ >= block->count && u64{eip} + block->bytes <= segment[CS].code_end;
  }
  // What decoding at CS:EIP assumes now, as a block's key has it.
  u8 code_mode() const { return (segment[CS].big ? mode_key::kCode32 : 0) | (cpl == 3 ? mode_key::kUser : 0); }
  // The block that stands at CS:EIP, if it was there not long ago; else null.
  Block* recent_target(u8 mode) {
    const u32 linear = segment[CS].base + eip;
    RecentTarget& entry = recent_[recent_slot(linear)];
    if (entry.linear == linear && entry.mode == mode &&
        (entry.epoch == map_epoch_ || still_leads(entry.target, mode, entry.epoch))) [[likely]]
      return entry.target;
    return nullptr;
  }
  struct Watchpoint {
    u32 linear;
    u32 bytes;
    Watch kind;
  };

  template <class T>
  static T load_from(const u8* host) {
    T value;
    std::memcpy(&value, host, sizeof value);
    return value;
  }

  // MemoryObserver
  void watched_page_written(PhysAddr address, u32 bytes) override;
  void memory_map_changed() override;

  Loaded<u64> load_slow(unsigned seg, u32 offset, u32 bytes);
  bool store_slow(unsigned seg, u32 offset, u64 value, u32 bytes);
  bool load_bytes_slow(unsigned seg, u32 offset, void* to, u32 bytes);
  bool store_bytes_slow(unsigned seg, u32 offset, const void* from, u32 bytes);
  bool segment_allows(unsigned seg, u32 offset, u32 bytes, bool write);
  bool alignment_allows(u32 linear, u32 bytes);
  // Physical addresses of an access that may span two pages; false with fault_ set.
  struct Span {
    PhysAddr first{};
    PhysAddr second{};
    u32 first_bytes = 0;
  };
  bool translate(u32 linear, u32 bytes, Access access, Privilege privilege, Span& span);
  // Segment, alignment and pages; false with fault_ set.
  bool accessible(unsigned seg, u32 offset, u32 bytes, Access access, Span& span);
  template <class Part>
  void in_parts(const Span& span, u32 bytes, Part part);
  bool translate_page(u32 linear, Access access, Privilege privilege, PhysAddr& page);
  bool rehearsing() const { return rehearsal_ && rehearsal_->on; }
  bool rehearsed_page(u32 linear, Access access, Privilege privilege, PhysAddr& page);
  Tlb& tlb_for(Privilege who) { return (rehearsing() ? rehearsal_->tlbs : *tlbs_)[who == Privilege::user]; }
  // The physical address behind a linear one, without faults or A and D; false where nothing is mapped.
  bool debug_page(u32 linear, PhysAddr& physical) const;
  u64 read_physical(PhysAddr address, u32 bytes);
  void write_physical(PhysAddr address, u64 value, u32 bytes);

  // The loop.
  // One turn of the loop: events, then a block. False ends the run for the reason in `end`.
  // `known`: the block to execute, if no event waits.
  bool step(RunEnd& end, Block* known = nullptr);
  bool look_at_events(RunEnd& end);
  // Whether a remembered target is still what stands at eip, though translations were dropped since; renews its epoch.
  bool still_leads(const Block* target, u8 mode, u32& epoch);
  // Out of line, and called last, so that the handlers before it need no stack frame.
  void enter_if_it_still_leads(Block* target, u8 mode, u32& epoch);
  // Enters a block found by the loop in the table of recent targets, and in the link that asked for it.
  void remember(Block* block);
  void forget_blocks();
  void forbid_unseen_writes(Ppn page);
  // The block at CS:EIP; null with fault_ set where it cannot be fetched.
  Block* find_block(bool one);
  Block* decode_block(PhysAddr physical, u8 mode);
  bool fetch_page(u32 linear, PhysAddr& page);
  // Of 4 MiB of linear addresses, whether a large page was cached there.
  void note_translation(u32 linear, const Translation& t) { large_regions_[linear >> 22] |= t.large; }
  void deliver(const GuestFault& fault);
  bool code_breakpoint(RunEnd& end);
  void after_single();

  CpuPins pins_;
  const CpuModel& model_;
  GuestFault fault_{};
  bool fault_pending_ = false;
  bool ignne_ = false;
  bool single_ = false;  // one instruction at a time: TF, RF, breakpoints, instruction trace
  bool step_trap_ = false;
  bool resume_flag_loaded_ = false;
  Block* block_ = nullptr;  // being executed
  u32 block_eip_ = 0;
  const Insn* current_ = nullptr;  // the helper being executed
  struct RecentTarget {
    Block* target = nullptr;
    u32 linear = 0;
    u32 epoch = 0;
    u8 mode = 0;
  };
  static u32 recent_slot(u32 linear) { return (linear ^ linear >> 11) & 2047; }
  std::array<RecentTarget, 2048> recent_{};
  Link* wanted_link_ = nullptr;
  u32 wanted_from_ = 0;
  ApicBasePort* apic_ = nullptr;
  TranslationListener* listener_ = nullptr;
  std::unique_ptr<std::array<Tlb, 2>> tlbs_;  // by privilege
  std::unique_ptr<Tlb> no_tlb_;               // never filled: every access takes the slow path
  Tlb* tlb_ = nullptr;
  std::unique_ptr<Rehearsal> rehearsal_;
  BlockCache blocks_;
  struct FetchEntry {
    u32 linear = 1;
    PhysAddr physical{};
    bool global = false;
  };
  std::array<std::array<FetchEntry, 64>, 2> fetch_{};
  std::array<bool, 1024> large_regions_{};
  // By page number: where instructions were fetched since everything was dropped, so that links may rest on it.
  std::bitset<1 << 20> fetched_;
  u32 map_epoch_ = 1;
  i64 remaining_ = 0;  // of the budget, less the blocks entered
  i64 banked_ = 0;     // put aside by stop_soon
  u64 executed_base_ = 0;
  bool owner_wanted_ = false;
  u32 data_breaks_ = 0;  // DR6 bits of data and I/O breakpoints matched by this instruction
  std::vector<u32> breakpoints_;
  std::vector<Watchpoint> watchpoints_;
  i64 watch_hit_ = -1;
  bool debugger_stop_ = false;
  u32 resumed_at_ = 0;  // the breakpoint that stands here has been reported
  bool resumed_ = false;
};

}  // namespace penumbra
