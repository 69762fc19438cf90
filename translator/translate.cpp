// Blocks: finding, making and invalidating them.
#include <algorithm>

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

}  // namespace

LookupTable& Translator::table(u32 block_mode) {
  auto& table = tables_[block_mode];
  if (!table) table = std::make_unique<LookupTable>();
  return *table;
}

TranslatedBlock* Translator::block_at(u32 eip) {
  load_segments();
  const Segment& cs = cpu_.segment[CS];
  const u32 linear = cs.base + eip;
  if (TranslatedBlock* block = table_->find(linear, eip)) return block;
  if (eip >= cs.code_end) return nullptr;
  PhysAddr page;
  bool global = false;
  if (!cpu_.code_page(linear, page, global) || !view_.plain(page.value)) return nullptr;
  const Key key{page.value + (linear & kPageMask), linear, eip, mode_};
  const auto found = by_key_.find(key);
  const bool soft = options_.mmu == MmuKind::soft || options_.promote_after > 0;
  TranslatedBlock* block =
      found != by_key_.end() ? found->second : translate(key, soft ? Reach::soft : Reach::window, 0);
  block->global = global && (cpu_.cr4 & cr4::PGE);
  load_segments();
  table_->enter(block, block->interpreted ? 0 : code_address(*block));
  return block;
}

TranslatedBlock* Translator::translate(const Key& key, Reach reach, u8 demotions) {
  const Ppn frame = page_of(PhysAddr(key.physical));
  // Pages stay watched: the next write to one finds that nothing rests on it.
  if (used_ + kMostBlockBytes > buffer_.size()) code_forgotten();

  const u32 first = static_cast<u32>(key.physical & kPageMask);
  const u64 code_end = code_ends_[key.mode >> block_mode::kCodeEndShift];
  const u8* guest = memory_.readable(frame) + first;
  const u32 room = static_cast<u32>(std::min<u64>(kPageSize - first, code_end - key.eip));
  TranslatedBlock& block = blocks_.emplace_back();
  block.physical = key.physical;
  block.linear = key.linear;
  block.eip = key.eip;
  block.mode = key.mode;
  block.reach = reach;
  block.demotions = demotions;
  block.code = used_;

  Assembler assembler(buffer_.writable(used_), kMostBlockBytes);
  Emitter emitter(assembler, thunks_, used_, block, code_end, sites_);
  if (reach == Reach::soft && options_.mmu == MmuKind::windows) {
    block.heat = next_heat_++ % kHeatPlaces;
    context_.heat[block.heat] = options_.promote_after << std::min<u32>(demotions, kMostDoublings);
    emitter.count_entries();
  }
  const Decoder& decoder = key.mode & block_mode::kCode32 ? decoder32_ : decoder16_;
  u32 loop_bytes = 0;
  for (u32 count = 0; !emitter.ended(); ++count) {
    const u32 at = key.eip + block.bytes;
    if (count == options_.block_instructions || block.bytes >= room) {
      at < code_end ? emitter.go_to(at, key.eip) : emitter.leave_to_interpreter(at);
      break;
    }
    Insn insn;
    Decoder::Decoded decoded;
    const std::span<const u8> bytes(guest + block.bytes, room - block.bytes);
    const DecodeResult result = decoder.decode(bytes, insn, decoded);
    const GuestInstruction g{at, bytes, decoded.z, decoded.operands};
    block.starts.push_back({static_cast<u32>(assembler.size()), static_cast<u16>(block.bytes)});
    if (result == DecodeResult::more_bytes || !decoded.row || !emitter.instruction(g, emission_of(decoded))) {
      block.starts.pop_back();
      if (count == 0 && loop_bytes == 0) block.interpreted = true;
      emitter.leave_to_interpreter(at);
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
  verify_emitted({buffer_.writable(block.code), block.code_bytes}, block.code, thunks_);
  if (options_.translated) options_.translated({buffer_.writable(block.code), block.code_bytes});
  used_ += block.code_bytes;

  by_key_[key] = &block;
  CodePage& page = pages_[frame.value];
  page.blocks.push_back(&block);
  page.lines |= code_lines(first, block.bytes);
  cpu_.watch_code(frame);
  ++counters_.blocks;
  counters_.guest_bytes += block.bytes;
  counters_.code_bytes += block.code_bytes;
  if (perf_map_) perf_map_->add(code_address(block), block.code_bytes, fmt::format("guest_{:08x}", key.eip));
  if (cpu_.trace().on(Channel::translation)) show(block, {guest, block.bytes});
  return &block;
}

void Translator::retire(TranslatedBlock& block, u64 entry) {
  block.valid = false;
  if (const auto found = by_key_.find(key_of(block)); found != by_key_.end() && found->second == &block)
    by_key_.erase(found);
  table(block.mode).remove(&block);
  // Other blocks may be linked to this one: its first instruction becomes a jump.
  *buffer_.writable(block.code) = 0xE9;
  buffer_.patch_jump(block.code + 1, entry);
}

TranslatedBlock* Translator::remake(TranslatedBlock& block, Reach reach, u8 demotions) {
  const u64 generation = generation_;
  TranslatedBlock* made = translate(key_of(block), reach, demotions);
  if (generation != generation_) return nullptr;
  made->global = block.global;
  std::erase(pages_[page_of(PhysAddr(block.physical)).value].blocks, &block);
  by_key_.erase(key_of(block));
  retire(block, made->code);
  by_key_[key_of(*made)] = made;
  return made;
}

TranslatedBlock* Translator::block_of(u64 code_offset) {
  auto after = std::upper_bound(blocks_.begin(), blocks_.end(), code_offset,
                                [](u64 at, const TranslatedBlock& b) { return at < b.code; });
  CHECK_THAT(after != blocks_.begin(), "{:x} is no emitted code", code_offset);
  return &*--after;
}

bool Translator::code_written(PhysAddr address, u32 bytes) {
  const auto found = pages_.find(page_of(address).value);
  if (found == pages_.end()) return false;
  CodePage& page = found->second;
  const u32 first = static_cast<u32>(address.value & kPageMask);
  if (!(page.lines & code_lines(first, bytes))) return true;
  page.lines = 0;
  std::erase_if(page.blocks, [&](TranslatedBlock* block) {
    const u32 offset = static_cast<u32>(block->physical & kPageMask);
    if (offset >= first + bytes || offset + block->bytes <= first) {
      page.lines |= code_lines(offset, block->bytes);
      return false;
    }
    ++counters_.invalidated;
    retire(*block, block->code + block->dead_entry);
    return true;
  });
  if (!page.blocks.empty()) return true;
  pages_.erase(found);
  return false;
}

void Translator::code_forgotten() {
  ++generation_;
  ++counters_.flushes;
  for (auto& [mode, table] : tables_) table->clear();
  by_key_.clear();
  pages_.clear();
  sites_.clear();
  blocks_.clear();
  used_ = thunks_.bytes;
  if (perf_map_) {
    perf_map_->clear();
    name_thunks();
  }
}

}  // namespace penumbra
