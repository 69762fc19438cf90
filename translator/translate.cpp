// Blocks: finding, making and invalidating them.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/check.h"
#include "core/cpu/code_lines.h"
#include "translator/emitter.h"
#include "translator/translator.h"
#include "translator/verifier.h"

namespace penumbra {

namespace {

constexpr u64 kMostBlockBytes = 64 << 10;
// How far the number of entries is doubled that a block must have before the window is tried again.
constexpr u32 kMostDoublings = 10;
// What WrittenPages is told: a trapped write, and each block that has to be made anew for one.
constexpr u32 kTrapCost = 1, kBlockCost = 7;

// What the manuals leave undefined of flags is not compared at a block's end; in memory or a register it would be.
bool shows_flags(const ZydisDecodedInstruction& z) {
  return z.mnemonic == ZYDIS_MNEMONIC_PUSHF || z.mnemonic == ZYDIS_MNEMONIC_PUSHFD || z.mnemonic == ZYDIS_MNEMONIC_LAHF;
}

bool writes_memory(const Decoder::Decoded& decoded) {
  return std::any_of(decoded.operands, decoded.operands + decoded.z.operand_count, [](const ZydisDecodedOperand& op) {
    return op.type == ZYDIS_OPERAND_TYPE_MEMORY && (op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
  });
}
bool uses_fpu(const ZydisDecodedInstruction& z) { return z.meta.isa_ext != ZYDIS_ISA_EXT_BASE; }

}  // namespace

LookupTable& Translator::table(u32 block_mode) {
  auto& table = tables_[block_mode];
  if (!table) table = std::make_unique<LookupTable>();
  return *table;
}

void Translator::settle_table() {
  // Emitted code that comes to this table from another mode takes it for a sign that memory is settled, too.
  view_.settle(mode_ & block_mode::kUser ? Privilege::user : Privilege::supervisor);
  table_->settle([this](u32 page, u64 physical, bool& global) {
    const bool still = cpu_.still_code_page(page << kPageShift, physical, global) && view_.plain(physical);
    global = global && (cpu_.cr4 & cr4::PGE);
    return still;
  });
  cut_links(*table_);
}

TranslatedBlock* Translator::block_at(u32 eip) {
  load_segments();
  if (table_->doubtful()) settle_table();
  const Segment& cs = cpu_.segment[CS];
  const u32 linear = cs.base + eip;
  if (TranslatedBlock* block = table_->find(linear, eip)) return block;
  if (eip >= cs.code_end) return nullptr;
  PhysAddr page;
  bool global = false;
  if (!cpu_.code_page(linear, page, global) || !view_.plain(page.value)) return nullptr;
  const u64 physical = page.value + (linear & kPageMask);
  TranslatedBlock* block = table_->remembered(linear, eip);
  // The hash of all blocks costs some cache misses a question.
  if (!block || block->physical != physical || block->straddles()) {
    const Key key{physical, linear, eip, mode_};
    auto found = by_key_.find(key);
    if (found != by_key_.end() && found->second->straddles()) {
      PhysAddr second;
      bool second_global = false;
      if (!cpu_.code_page((linear | kPageMask) + 1, second, second_global)) return nullptr;
      if (second.value != found->second->second_page) {
        drop_block(*found->second);
        found = by_key_.end();
      }
    }
    const bool soft = options_.mmu == MmuKind::soft || options_.promote_after > 0;
    block = found != by_key_.end() ? found->second : translate(key, soft ? Reach::soft : Reach::window, 0, 0);
  }
  bool second_global = false;
  PhysAddr second;
  if (block->straddles() && !cpu_.code_page((linear | kPageMask) + 1, second, second_global)) return nullptr;
  const bool kept = cpu_.cr4 & cr4::PGE;
  table_->enter(block, code_address(*block), kept && global, kept && second_global);
  cut_links(*table_);
  return block;
}

TranslatedBlock* Translator::translate(const Key& key, Reach reach, u8 demotions, u8 asks) {
  const Ppn frame = page_of(PhysAddr(key.physical));
  // Pages stay watched: the next write to one finds that nothing rests on it.
  const bool checked = checks_itself(key.physical);
  Region& region = region_for(reach);
  if (region.used + kMostBlockBytes > region.end || (checked && free_checks_.empty())) code_forgotten();

  const u32 first = static_cast<u32>(key.physical & kPageMask);
  const u64 code_end = code_ends_[key.mode >> block_mode::kCodeEndShift];
  const u8* guest = memory_.readable(frame) + first;
  const u32 room = static_cast<u32>(std::min<u64>(kPageSize - first, code_end - key.eip));
  TranslatedBlock& block = region.blocks.emplace_back();
  block.physical = key.physical;
  block.linear = key.linear;
  block.eip = key.eip;
  block.mode = key.mode;
  block.reach = reach;
  block.demotions = demotions;
  block.code = region.used;
  if (checked) take_check(block);
  const std::size_t first_transition = transition_sites_.size();

  Assembler assembler(buffer_.writable(block.code), kMostBlockBytes);
  Emitter emitter(assembler, thunks_, block.code, block, code_end, sites_, helpers_,
                  lockstep_ ? nullptr : &transition_sites_);
  emitter.ask_on_entry(asks);
  if (checked) emitter.check_code();
  if (reach == Reach::soft && options_.mmu != MmuKind::soft) {
    block.heat = next_heat_++ % kHeatPlaces;
    context_.heat[block.heat] = options_.promote_after << std::min<u32>(demotions, kMostDoublings);
    emitter.count_entries();
  }
  const Decoder& decoder = key.mode & block_mode::kCode32 ? decoder32_ : decoder16_;
  // Until it is known to be hot, code is emitted once: a block ends where another begins.
  const std::bitset<kPageSize>& starts = pages_[frame.value].starts;
  const auto begins_block = [&](u32 at) {
    const u64 offset = block.bytes;
    return reach == Reach::soft && starts[first + offset] &&
           by_key_.contains({key.physical + offset, static_cast<u32>(key.linear + offset), at, key.mode});
  };
  std::bitset<kPageSize> read;  // of the page: immediates that are read where they stand
  bool written = false;         // by the instruction before
  u32 loop_bytes = 0;
  for (u32 count = 0; !emitter.ended(); ++count) {
    const u32 at = key.eip + block.bytes;
    if (count == options_.block_instructions || block.bytes >= room || written) {
      at < code_end ? emitter.go_to(at, key.eip) : emitter.leave_to_interpreter(at, false);
      break;
    }
    if (count > 0 && loop_bytes == 0 && begins_block(at)) {
      emitter.go_to(at, key.eip);
      break;
    }
    Insn insn;
    Decoder::Decoded decoded;
    const std::span<const u8> bytes(guest + block.bytes, room - block.bytes);
    const DecodeResult result = decoder.decode(bytes, insn, decoded);
    const GuestInstruction g{at, bytes, decoded.z, decoded.operands};
    block.starts.push_back({static_cast<u32>(assembler.size()), static_cast<u16>(block.bytes)});
    if (lockstep_ && count > 0 && decoded.row && shows_flags(decoded.z)) {
      block.starts.pop_back();
      emitter.go_to(at, key.eip);
      break;
    }
    if (result == DecodeResult::more_bytes && room == kPageSize - first && !lockstep_) {
      block.starts.pop_back();
      // What leads on to an instruction in two pages asks the lookup table, which is emptied when either is remapped.
      if (count > 0)
        emitter.go_by_look_up(at);
      else
        translate_straddling(block, emitter, code_end);
      break;
    }
    const bool known = result != DecodeResult::more_bytes && decoded.row;
    written = checked && known && writes_memory(decoded);
    const bool helped = !known || emission_of(decoded) == Emission::helper;
    const bool emitted = !helped && ((checked && emit_with_immediate(g, key.physical + block.bytes, emitter, read)) ||
                                     emitter.instruction(g, emission_of(decoded)));
    if (!emitted) {
      block.starts.pop_back();
      if (count == 0 && loop_bytes == 0) block.interpreted = true;
      emitter.leave_to_interpreter(at, result == DecodeResult::more_bytes || uses_fpu(decoded.z));
      // The bytes looked at are part of what the block rests on.
      block.bytes += result == DecodeResult::more_bytes ? room - block.bytes : insn.length;
      break;
    }
    block.bytes += decoded.z.length;
    block.body_bytes = assembler.size();
    ++emitted_[theme_of(decoded.z)];
    if (emitter.again()) {
      loop_bytes = block.bytes;
      block.bytes = count = 0;
      --count;
    }
  }
  block.bytes = std::max(block.bytes, loop_bytes);
  emitter.finish();
  CHECK_THAT(!assembler.overflow(), "block {:x} of {} bytes", key.eip, block.bytes);
  block.code_bytes = assembler.size();
  if (checked) note_bytes(block, read);
  verify_emitted({buffer_.writable(block.code), block.code_bytes}, block.code, thunks_);
  for (std::size_t n = first_transition; n < transition_sites_.size(); ++n)
    context_.transitions[n].number = static_cast<u32>(n + 1);
  if (options_.translated) options_.translated({buffer_.writable(block.code), block.code_bytes});
  // Hosts fetch code in such pieces; for cold code size is what counts.
  constexpr u64 kHotAlignment = 16;
  region.used += block.code_bytes;
  if (reach == Reach::window) region.used = (region.used + kHotAlignment - 1) & ~(kHotAlignment - 1);
  region.note_last();

  by_key_[key] = &block;
  pages_[frame.value].starts.set(first);
  if (!checked) enter_in_page(frame, block, code_lines(first, std::min(block.bytes, kPageSize - first)));
  if (block.straddles())
    enter_in_page(page_of(PhysAddr(block.second_page)), block, code_lines(0, block.bytes - (kPageSize - first)));
  ++counters_.blocks;
  counters_.guest_bytes += block.bytes;
  counters_.code_bytes += block.code_bytes;
  if (perf_map_)
    perf_map_->add(reinterpret_cast<u64>(buffer_.code(block.code)), block.code_bytes,
                   fmt::format("guest_{:08x}", key.eip));
  if (cpu_.trace().on(Channel::translation)) show(block, {guest, block.bytes});
  return &block;
}

// The block is one instruction, of which the page's end has only the first bytes.
void Translator::translate_straddling(TranslatedBlock& block, Emitter& emitter, u64 code_end) {
  const u32 first_bytes = kPageSize - static_cast<u32>(block.physical & kPageMask);
  constexpr u32 kLongest = 15;
  PhysAddr second;
  bool global = false;
  const bool inside = u64{block.eip} + first_bytes + kLongest <= code_end;
  if (inside && !block.checks_itself() && cpu_.code_page(block.linear + first_bytes, second, global) &&
      view_.plain(second.value) && !checks_itself(second.value)) {
    std::array<u8, 2 * kLongest> bytes{};
    std::memcpy(bytes.data(), memory_.readable(page_of(PhysAddr(block.physical))) + (block.physical & kPageMask),
                first_bytes);
    std::memcpy(bytes.data() + first_bytes, memory_.readable(page_of(second)), kLongest);
    Insn insn;
    Decoder::Decoded decoded;
    const Decoder& decoder = block.mode & block_mode::kCode32 ? decoder32_ : decoder16_;
    const DecodeResult result = decoder.decode(std::span(bytes).first(first_bytes + kLongest), insn, decoded);
    block.starts.push_back({static_cast<u32>(emitter.size()), 0});
    block.second_page = second.value;
    block.bytes = insn.length;
    const GuestInstruction g{block.eip, bytes, decoded.z, decoded.operands};
    if (result != DecodeResult::more_bytes && decoded.row && insn.length > first_bytes &&
        emitter.instruction(g, emission_of(decoded))) {
      block.body_bytes = emitter.size();
      ++emitted_[theme_of(decoded.z)];
      if (!emitter.ended()) emitter.go_to(block.eip + insn.length, block.eip);
      return;
    }
    block.second_page = TranslatedBlock::kOnePage;
    block.starts.clear();
  }
  block.interpreted = true;
  emitter.leave_to_interpreter(block.eip, true);
  block.bytes = first_bytes;
}

void Translator::enter_in_page(Ppn frame, TranslatedBlock& block, u64 lines) {
  CodePage& page = pages_[frame.value];
  page.blocks.push_back(&block);
  page.lines |= lines;
  cpu_.watch_code(frame);
}

// Forgets a block for good.
void Translator::drop_block(TranslatedBlock& block) {
  take_from_pages(block);
  retire(block, nullptr);
}

void Translator::take_from_pages(TranslatedBlock& block) {
  if (block.checks_itself()) return;
  std::erase(pages_[page_of(PhysAddr(block.physical)).value].blocks, &block);
  if (block.straddles()) std::erase(pages_[page_of(PhysAddr(block.second_page)).value].blocks, &block);
}

void Translator::retire(TranslatedBlock& block, TranslatedBlock* made) {
  block.valid = false;
  give_check_back(block);
  if (const auto found = by_key_.find(key_of(block)); found != by_key_.end() && found->second == &block)
    by_key_.erase(found);
  table(block.mode).remove(&block);
  for (const u32 site : block.linked_from) {
    LinkSite& s = sites_[site];
    if (s.to != &block || !s.linked || !s.from->valid) continue;
    made ? make_link(site, *made) : cut_link(s);
  }
  // Others may still come to it, such as who is about to be let go on there.
  const u64 instead = made ? made->code + made->entry : block.code + block.dead_entry;
  for (const u64 at : {block.entry, block.live_entry}) {
    *buffer_.writable(block.code + at) = 0xE9;
    buffer_.patch_jump(block.code + at + 1, instead);
  }
}

TranslatedBlock* Translator::remake(TranslatedBlock& block, Reach reach, u8 demotions) {
  const u64 generation = generation_;
  TranslatedBlock* made = translate(key_of(block), reach, demotions, block.needs);
  if (generation != generation_) return nullptr;
  take_from_pages(block);
  by_key_.erase(key_of(block));
  retire(block, made);
  by_key_[key_of(*made)] = made;
  return made;
}

TranslatedBlock* Translator::block_of(u64 code_offset) {
  Region& region = regions_[code_offset >= regions_[1].begin];
  CHECK_THAT(code_offset >= region.begin && code_offset < region.used, "{:x} is no emitted code", code_offset);
  u32 block = region.last_before[(code_offset - region.begin) >> Region::kChunkShift];
  while (region.blocks[block].code > code_offset) --block;
  return &region.blocks[block];
}

// `blocks` has one more, whose code ends at `used`.
void Translator::Region::note_last() {
  const u32 block = static_cast<u32>(blocks.size() - 1);
  const u64 first = (blocks.back().code - begin) >> kChunkShift;
  last_before.resize((used - begin + (1u << kChunkShift) - 1) >> kChunkShift);
  std::fill(last_before.begin() + static_cast<std::ptrdiff_t>(first), last_before.end(), block);
}

bool Translator::code_written(PhysAddr address, u32 bytes) {
  const u32 frame = page_of(address).value;
  if (written_.checked(frame, instructions())) {
    // It is watched for the interpreter's sake alone.
    cpu_.forget_code(Ppn(frame));
    return false;
  }
  const auto found = pages_.find(frame);
  if (found == pages_.end()) return false;
  CodePage& page = found->second;
  if (written_.charge(frame, kTrapCost, instructions())) {
    check_from_now_on(frame);
    return false;
  }
  if (!(page.lines & code_lines(static_cast<u32>(address.value & kPageMask), bytes))) return !page.blocks.empty();
  page.lines = 0;
  u32 gone = 0;
  std::erase_if(page.blocks, [&](TranslatedBlock* block) {
    const u32 first_frame = page_of(PhysAddr(block->physical)).value;
    if (!block->holds(address.value, bytes)) {
      const u32 offset = static_cast<u32>(block->physical & kPageMask);
      page.lines |= first_frame == frame ? code_lines(offset, std::min(block->bytes, kPageSize - offset))
                                         : code_lines(0, block->bytes - (kPageSize - offset));
      return false;
    }
    ++counters_.invalidated;
    ++gone;
    if (block->straddles()) {
      const u32 other = first_frame == frame ? page_of(PhysAddr(block->second_page)).value : first_frame;
      if (other != frame) std::erase(pages_[other].blocks, block);
    }
    retire(*block, nullptr);
    return true;
  });
  if (written_.charge(frame, gone * kBlockCost, instructions())) {
    check_from_now_on(frame);
    return false;
  }
  if (!page.blocks.empty()) return true;
  pages_.erase(frame);
  return false;
}

void Translator::code_forgotten() {
  ++generation_;
  ++counters_.flushes;
  for (auto& [mode, table] : tables_) table->forget();
  by_key_.clear();
  pages_.clear();
  sites_.clear();
  helpers_.clear();
  forget_transitions();
  for (Region& region : regions_) {
    region.blocks.clear();
    region.used = region.begin;
    region.last_before.clear();
  }
  all_checks_free();
  written_.forget_immediates();
  if (perf_map_) {
    perf_map_->clear();
    name_thunks();
  }
}

}  // namespace penumbra
