// The processor's life: reset, the run loop, events between instructions.
#include "core/cpu/cpu.h"

#include "core/base/check.h"
#include "core/cpu/decode.h"
#include "core/cpu/exec/handlers.h"
#include "core/cpu/interrupt.h"
#include "core/cpu/segmentation.h"
#include "core/debug/disassembler.h"

namespace penumbra {

Cpu::Cpu(const CpuPins& pins, const CpuModel& model)
    : pins_(pins),
      model_(model),
      tlbs_(std::make_unique<std::array<Tlb, 2>>()),
      no_tlb_(std::make_unique<Tlb>()),
      blocks_(pins.memory) {
  pins_.memory.observe(this);
  reset();
}

Cpu::~Cpu() { pins_.memory.observe(nullptr); }

void Cpu::reset() {
  // SDM 3A table 9-1.
  static_cast<CpuState&>(*this) = CpuState{};
  gpr[EDX] = model_.signature();
  for (Segment& s : segment) {
    s.access = 0x93;
    s.limit = 0xFFFF;
    s.derive();
  }
  segment[CS].selector = 0xF000;
  segment[CS].base = 0xFFFF'0000;
  ldtr.access = 0x82;
  tr.access = 0x83;
  ldtr.limit = tr.limit = 0xFFFF;
  dr[6] = 0xFFFF'0FF0;
  dr[7] = 0x400;
  for (Segment* s : {&ldtr, &tr}) s->derive();
  state_changed();
}

void Cpu::state_changed() {
  for (Segment& s : segment) s.derive();
  flush_tlb();
  forget_blocks();
  block_ = nullptr;
  current_ = nullptr;
  fault_pending_ = step_trap_ = resume_flag_loaded_ = false;
  update_mode();
}

void Cpu::visit_state(State& state) {
  visit(state);
  state.field("ignne", ignne_);
}

void Cpu::stop_soon() {
  banked_ += remaining_;
  remaining_ = 0;
}

void Cpu::stop_for_owner() {
  owner_wanted_ = true;
  stop_soon();
}

void Cpu::raise_nmi() {
  nmi_pending = true;
  stop_soon();
}

RunEnd Cpu::run(u64 budget) {
  executed_base_ += budget;
  remaining_ = static_cast<i64>(budget);
  banked_ = 0;
  wanted_link_ = nullptr;  // whoever executed instructions since the last run did not come by that branch
  RunEnd end = RunEnd::budget;
  while (true) {
    remaining_ += banked_;
    banked_ = 0;
    if (owner_wanted_) {
      owner_wanted_ = false;
      end = RunEnd::attention;
      break;
    }
    if (shutdown && !nmi_pending) {
      end = RunEnd::shutdown;
      break;
    }
    if (remaining_ <= 0) break;
    if (!step(end)) break;
  }
  executed_base_ -= static_cast<u64>(remaining_ + banked_);
  remaining_ = banked_ = 0;
  return end;
}

RunEnd Cpu::run_one(Block*& known) {
  executed_base_ += 1;
  remaining_ = 1;
  banked_ = 0;
  wanted_link_ = nullptr;
  block_ = known && known->valid && may_enter(known) ? known : nullptr;
  RunEnd end = RunEnd::budget;
  step(end, block_);
  if (owner_wanted_ && end == RunEnd::budget) {
    owner_wanted_ = false;
    end = RunEnd::attention;
  }
  known = block_ && block_->valid && !block_->straddles ? block_ : nullptr;
  executed_base_ -= static_cast<u64>(remaining_ + banked_);
  remaining_ = banked_ = 0;
  return end;
}

bool Cpu::step(RunEnd& end, Block* known) {
  current_ = nullptr;
  const Insn* failed = nullptr;
  GuestFault thrown;
  try {
    Block* block = known;
    if (!block) {
      const bool shadow = interrupt_shadow;
      if (!look_at_events(end)) return false;
      const bool one = single_ || shadow || remaining_ < static_cast<i64>(Block::kMostInsns);
      if (single_ && code_breakpoint(end)) return end != RunEnd::breakpoint;
      block = one ? nullptr : recent_target(code_mode());
      if (!block || !may_enter(block)) block = find_block(one);
    }
    if (!block) {
      --remaining_;  // as an instruction that faults
      deliver(fault_);
      return true;
    }
    // What is not in the cache does not outlive the next decoding.
    if (block->valid && !(block->mode & mode_key::kSingle)) remember(block);
    wanted_link_ = nullptr;
    if (block->mode & mode_key::kSingle) {
      banked_ += remaining_ - 1;  // an event on the way here may have put some aside already
      remaining_ = 1;
    }
    interrupt_shadow = false;
    debug_shadow = false;
    if (single_) {
      step_trap_ = flags.rest & eflags::TF;
      if (pins_.trace.on(Channel::instructions)) trace_instruction(*this, block->insns[0]);
    }
    enter(block);
    if (fault_pending_) {
      fault_pending_ = false;
      deliver(fault_);
    } else if (single_ || step_trap_ || data_breaks_) {
      after_single();
    }
    if (debugger_stop_) {
      debugger_stop_ = false;
      end = RunEnd::breakpoint;
      return false;
    }
    return true;
  } catch (const GuestFault& fault) {
    failed = current_;
    thrown = fault;
  } catch (const RetryInstruction&) {
    leave_repeating(current_);
    wanted_link_ = nullptr;
    return true;
  }
  // An instruction that could not be fetched counts like one that faults, so that a guest whose handlers cannot be
  // fetched either uses up its budget.
  if (failed)
    leave_repeating(failed);
  else
    --remaining_;
  deliver(thrown);
  return true;
}

void Cpu::forget_blocks() {
  blocks_.clear();
  recent_.fill({});
  wanted_link_ = nullptr;
  ++map_epoch_;
  if (listener_) listener_->code_forgotten();
}

void Cpu::remember(Block* block) {
  if (wanted_link_) *wanted_link_ = {block, wanted_from_, map_epoch_};
  const u32 linear = segment[CS].base + eip;
  recent_[recent_slot(linear)] = {block, linear, map_epoch_, block->mode};
}

bool Cpu::still_leads(const Block* target, u8 mode, u32& epoch) {
  PhysAddr page;
  const u32 linear = segment[CS].base + eip;
  if (!target || !target->valid || target->straddles || target->mode != mode) return false;
  if (!fetch_page(linear, page) || page.value + (linear & kPageMask) != target->physical) return false;
  epoch = map_epoch_;
  return true;
}

void Cpu::enter_if_it_still_leads(Block* target, u8 mode, u32& epoch) {
  if (still_leads(target, mode, epoch)) return enter(target);
}

bool Cpu::look_at_events(RunEnd& end) {
  if (interrupt_shadow) return true;
  if (nmi_pending && !nmi_blocked) {
    nmi_pending = false;
    nmi_blocked = true;
    halted = shutdown = false;
    wanted_link_ = nullptr;
    deliver_external(*this, static_cast<u8>(Vector::NMI));
    flags_changed();  // an interrupt that waits behind it comes after one instruction
    return true;
  }
  if ((flags.rest & eflags::IF) && pins_.interrupts.pending()) {
    halted = false;
    wanted_link_ = nullptr;
    const u8 vector = pins_.interrupts.acknowledge();
    deliver_external(*this, vector);
    flags_changed();
    return true;
  }
  if (halted) {
    end = RunEnd::halted;
    return false;
  }
  return true;
}

Block* Cpu::find_block(bool one) {
  const Segment& cs = segment[CS];
  u8 mode = code_mode() | (one ? mode_key::kSingle : 0);
  if (eip >= cs.code_end) raise_gp();
  PhysAddr page;
  const u32 linear = cs.base + eip;
  if (!fetch_page(linear, page)) return nullptr;
  const PhysAddr physical = page + (linear & kPageMask);
  while (true) {
    Block* block = blocks_.find(physical, mode);
    if (block && block->straddles) {
      PhysAddr second;
      if (!fetch_page((linear | kPageMask) + 1, second)) return nullptr;
      if (second.value != block->second_page) {
        blocks_.invalidate(physical, 1, leave_invalidated);
        ++map_epoch_;
        block = nullptr;
      }
    }
    if (!block) block = decode_block(physical, mode);
    if (u64{eip} + block->bytes <= cs.code_end) return block;
    if (mode & mode_key::kSingle) raise_gp();
    mode |= mode_key::kSingle;
  }
}

Block* Cpu::decode_block(PhysAddr physical, u8 mode) {
  const unsigned most = mode & mode_key::kSingle ? 1 : Block::kMostInsns;
  Block* block = blocks_.allocate(most);
  if (!block) {
    forget_blocks();
    block = blocks_.allocate(most);
  }
  block->physical = physical.value;
  block->mode = mode;

  const u32 linear = segment[CS].base + eip;
  const u32 room = kPageSize - static_cast<u32>(physical.value & kPageMask);
  std::array<u8, kPageSize> page_bytes;
  const u8* host = pins_.memory.readable(page_of(physical));
  if (host) {
    host += physical.value & kPageMask;
  } else {
    pins_.memory.read(physical, std::span(page_bytes).first(room));
    host = page_bytes.data();
  }

  Decoder decoder(mode & mode_key::kCode32, model_);
  while (block->count < most) {
    Insn& insn = block->insns[block->count];
    DecodeResult result = decoder.decode(std::span(host + block->bytes, room - block->bytes), insn);
    if (result == DecodeResult::more_bytes) {
      if (block->count) break;
      if (segment[CS].code_end - eip <= room) raise_gp();
      PhysAddr second;
      if (!fetch_page((linear | kPageMask) + 1, second)) throw fault_;
      std::array<u8, 30> joined{};
      std::memcpy(joined.data(), host, room);
      pins_.memory.read(second, std::span(joined).subspan(room, 15));
      result = decoder.decode(std::span(joined).first(room + 15), insn);
      block->straddles = insn.length > room;
      block->second_page = second.value;
    }
    insn.offset = static_cast<u16>(block->bytes);
    insn.position = static_cast<u8>(block->count);
    block->bytes += insn.length;
    ++block->count;
    if (result == DecodeResult::ends_block || block->straddles || block->bytes >= room) break;
  }
  Insn& end = block->insns[block->count];
  end = Insn{};
  end.handler = fall_through;
  end.offset = static_cast<u16>(block->bytes);
  end.position = static_cast<u8>(block->count);
  if (pins_.memory.readable(page_of(physical)) && blocks_.insert(block)) {
    for (const u64 page : {block->physical, block->straddles ? block->second_page : block->physical})
      forbid_unseen_writes(page_of(PhysAddr(page)));
  }
  return block;
}

void Cpu::forbid_unseen_writes(Ppn page) {
  if (const u8* written = pins_.memory.writable(page))
    for (Tlb& tlb : *tlbs_) tlb.forbid_writes(written);
  if (listener_) listener_->page_watched(page);
}

void Cpu::watch_code(Ppn page) {
  if (pins_.memory.watched(page)) return;
  pins_.memory.watch(page, true);
  forbid_unseen_writes(page);
}

void Cpu::leave_with_fault(const Insn* insn) {
  fault_pending_ = true;
  leave_repeating(insn);
}

void Cpu::leave_repeating(const Insn* insn) {
  leave_before(insn);
  --remaining_;
}

void Cpu::leave_before(const Insn* insn) {
  remaining_ += block_->count - insn->position;
  eip = eip_of(insn);
}

void Cpu::forget_code(Ppn page) {
  if (blocks_.invalidate(PhysAddr(u64{page.value} << kPageShift), kPageSize, leave_invalidated)) ++map_epoch_;
}

void Cpu::watched_page_written(PhysAddr address, u32 bytes) {
  if (blocks_.invalidate(address, bytes, leave_invalidated)) ++map_epoch_;
  if (listener_ && listener_->code_written(address, bytes)) pins_.memory.watch(page_of(address), true);
}

void Cpu::memory_map_changed() { flush_tlb(); }

void Cpu::deliver(const GuestFault& fault) {
  wanted_link_ = nullptr;
  deliver_fault(*this, fault);
}

void Cpu::after_single() {
  if (!resume_flag_loaded_ && (flags.rest & eflags::RF)) {
    flags.rest &= ~eflags::RF;
    update_mode();
  }
  resume_flag_loaded_ = false;
  u32 causes = data_breaks_;
  data_breaks_ = 0;
  if (step_trap_) causes |= 1u << 14;  // DR6.BS
  step_trap_ = false;
  if (!causes || debug_shadow) return;
  dr[6] |= causes;
  deliver({Vector::DB, 0});
}

u64 Cpu::time_stamp() { return static_cast<u64>(pins_.clock.now().value + tsc_offset); }

}  // namespace penumbra
