// A rehearsal is the interpreter's own handlers on a block that somebody else cut, without events, deliveries and
// devices. What would need one of those ends it.
#include "core/cpu/rehearsal.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/cpu/cpu.h"
#include "core/cpu/decode.h"
#include "core/cpu/exec/handlers.h"

namespace penumbra {

namespace {

constexpr unsigned kMostInsns = 255;

}  // namespace

RehearsedBlock::RehearsedBlock(const Decoder& decoder, std::span<const u8> guest, std::span<const u32> offsets) {
  CHECK_THAT(offsets.size() <= kMostInsns, "{} instructions", offsets.size());
  u32 end = 0;
  std::vector<bool> ends;
  for (const u32 offset : offsets) {
    Insn insn;
    const DecodeResult result = decoder.decode(guest.subspan(offset), insn);
    if (result == DecodeResult::more_bytes) break;
    insn.offset = static_cast<u16>(offset);
    insn.position = static_cast<u8>(insns.size());
    end = std::max(end, offset + insn.length);
    insns.push_back(insn);
    ends.push_back(result == DecodeResult::ends_block);
  }
  bytes.assign(guest.begin(), guest.begin() + end);
  // With the pseudo-instruction, so that leaving before an instruction always gives something back.
  block.count = static_cast<u16>(insns.size() + 1);
  block.bytes = end;
  block.valid = true;
  run_end.resize(insns.size());
  for (std::size_t n = insns.size(); n-- > 0;)
    run_end[n] = static_cast<u8>(ends[n] || n + 1 == insns.size() ? n : run_end[n + 1]);
  Insn last{};
  last.handler = fall_through;
  last.offset = insns.empty() ? u16{0} : static_cast<u16>(insns.back().offset + insns.back().length);
  insns.push_back(last);
  block.insns = insns.data();
}

void Cpu::allow_rehearsals() {
  if (!rehearsal_) rehearsal_ = std::make_unique<Rehearsal>();
}

RehearsalEnd Cpu::rehearse(RehearsedBlock& what, u32 first, u32 end) {
  CHECK_THAT(!single_ && tlb_ != no_tlb_.get() && end <= what.count());
  // Any block that the handlers would go on to needs more than this; what they give back of it tells where they left.
  constexpr i64 kNothing = -1000;
  const i64 remaining_before = remaining_, banked_before = banked_;
  const u32 block_starts = eip - what.insns[first].offset;
  rehearsal_->on = true;
  update_mode();
  block_ = &what.block;
  block_eip_ = block_starts;
  what.block.taken = what.block.fallthrough = {nullptr, ~block_starts, 0};  // known to nobody
  // The run must not go on behind `end`.
  const Insn behind = what.insns[end];
  what.insns[end].handler = fall_through;
  RehearsalEnd done{first, 0};
  while (done.completed < end) {
    const Insn* insn = &what.insns[done.completed];
    if (u64{eip} + insn->length > segment[CS].code_end) break;
    remaining_ = kNothing;
    banked_ = 0;
    wanted_link_ = nullptr;
    bool stopped = false;
    // Of the instruction before: over, if this one completes.
    const bool interrupts_wait = std::exchange(interrupt_shadow, false);
    const bool traps_wait = std::exchange(debug_shadow, false);
    try {
      insn->handler(*this, insn);
    } catch (const GuestFault&) {
      leave_repeating(current_);
      stopped = true;
    } catch (const RetryInstruction&) {
      leave_repeating(current_);
      stopped = true;
    }
    stopped |= fault_pending_;
    fault_pending_ = false;
    const i64 given_back = remaining_ + banked_ - kNothing;
    if (given_back != 0 || stopped) {
      // Only leave_repeating gives back, and takes one of it.
      const u32 position = what.block.count - static_cast<u32>(given_back) - 1;
      if (stopped && position == done.completed) {
        interrupt_shadow = interrupts_wait;
        debug_shadow = traps_wait;
      }
      done.executed += position - done.completed;
      done.completed = position;
      if (stopped) break;
      ++done.executed;  // a piece of a REP, which goes on
      continue;
    }
    const u32 last = std::min<u32>(what.run_end[done.completed], end - 1);
    done.executed += last + 1 - done.completed;
    done.completed = last + 1;
    if (done.completed == end) break;
    // A branch taken leaves the block, unless the block follows it: a branch to the instruction behind it does not.
    const Insn& branch = what.insns[last];
    const Insn& next = what.insns[last + 1];
    const bool taken = wanted_link_ == &what.block.taken;
    if (eip != block_starts + next.offset || (taken && next.offset == branch.offset + branch.length)) break;
  }
  what.insns[end] = behind;
  remaining_ = remaining_before;
  banked_ = banked_before;
  wanted_link_ = nullptr;
  block_ = nullptr;
  current_ = nullptr;
  rehearsal_->on = false;
  update_mode();
  return done;
}

void Cpu::take_back_rehearsed(bool marks_only) {
  auto& writes = rehearsal_->writes;
  for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
    if (marks_only && !write->mark) continue;
    std::memcpy(write->host, &write->before, write->bytes);
    if (!write->mark) continue;
    // The entry must be marked anew by whoever uses it next.
    for (Tlb& tlb : *tlbs_) tlb.flush_page(write->linear);
    rehearsal_->flush_page(write->linear, false);
  }
  std::erase_if(writes, [](const RehearsedWrite& write) { return write.mark; });
}

// What a rehearsal may touch is memory whose content can be put back, and whose writing nobody is told of.
bool Cpu::rehearsed_page(u32 linear, Access access, Privilege who, PhysAddr& page) {
  Tlb& known = (*tlbs_)[who == Privilege::user];
  const auto host_of = [&] { return access == Access::write ? known.write(linear, 1) : known.read(linear, 1); };
  u8* host = host_of();
  const u64 ram_offset = static_cast<u64>(host - pins_.memory.ram().data());
  if (host && ram_offset < pins_.memory.ram().size()) {
    page = PhysAddr(ram_offset & ~u64{kPageMask});
  } else {
    const u32 cr2_before = cr2;
    rehearsal_->on = false;
    rehearsal_->walking = true;
    const bool mapped = translate_page(linear, access, who, page);
    rehearsal_->walking = false;
    rehearsal_->on = true;
    for (const MarkedEntry& entry : std::exchange(rehearsal_->marked, {}))
      if (u8* table = pins_.memory.writable(page_of(entry.at)))
        rehearsal_->writes.push_back(
            {entry.at.value, table + (entry.at.value & kPageMask), entry.before, 4, true, linear});
    cr2 = cr2_before;
    host = mapped ? host_of() : nullptr;
    if (!host) return false;
  }
  tlb_for(who).fill(linear, host - (linear & kPageMask), false, false);
  return true;
}

}  // namespace penumbra
