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

}  // namespace

TranslatedBlock* Translator::block_at(u32 eip) {
  const u8 now = mode();
  LookupTable& table = *tables_[now];
  if (TranslatedBlock* block = table.find(eip)) return block;
  PhysAddr page;
  bool global = false;
  if (!cpu_.code_page(eip, page, global)) return nullptr;
  const u64 physical = page.value + (eip & kPageMask);
  TranslatedBlock* block = nullptr;
  if (const auto found = by_key_.find({physical, eip, now}); found != by_key_.end())
    block = found->second;
  else
    block = translate(eip, physical, now);
  if (block) {
    block->global = global && (cpu_.cr4 & cr4::PGE);
    table.enter(block, block->interpreted ? 0 : code_address(*block));
  }
  return block;
}

TranslatedBlock* Translator::translate(u32 eip, u64 physical, u8 block_mode) {
  const Ppn frame = page_of(PhysAddr(physical));
  if (!plain(physical & ~u64{kPageMask})) return nullptr;
  // Pages stay watched: the next write to one finds that nothing rests on it.
  if (used_ + kMostBlockBytes > buffer_.size()) code_forgotten();

  const u8* guest = memory_.readable(frame) + (physical & kPageMask);
  const u32 room = kPageSize - static_cast<u32>(physical & kPageMask);
  TranslatedBlock& block = blocks_.emplace_back();
  block.physical = physical;
  block.eip = eip;
  block.mode = block_mode;
  block.code = used_;

  Assembler assembler(buffer_.writable(used_), kMostBlockBytes);
  Emitter emitter(assembler, static_cast<i64>(thunks_.leave) - static_cast<i64>(used_), block, sites_);
  u32 loop_bytes = 0;
  for (u32 count = 0; !emitter.ended(); ++count) {
    const u32 at = eip + block.bytes;
    if (count == options_.block_instructions || block.bytes >= room) {
      emitter.go_to(at, eip);
      break;
    }
    Insn insn;
    Decoder::Decoded decoded;
    const std::span<const u8> bytes(guest + block.bytes, room - block.bytes);
    const DecodeResult result = decoder_.decode(bytes, insn, decoded);
    const GuestInstruction g{at, bytes, decoded.z, decoded.operands};
    block.starts.push_back({static_cast<u32>(assembler.size()), static_cast<u16>(block.bytes)});
    if (result == DecodeResult::more_bytes || !decoded.row || !emitter.instruction(g, emission_of(decoded))) {
      block.starts.pop_back();
      if (count == 0) block.interpreted = true;
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
  CHECK_THAT(!assembler.overflow(), "block {:x} of {} bytes", eip, block.bytes);
  block.code_bytes = assembler.size();
  verify_emitted({buffer_.writable(block.code), block.code_bytes});
  used_ += block.code_bytes;

  by_key_[{physical, eip, block_mode}] = &block;
  CodePage& page = pages_[frame.value];
  page.blocks.push_back(&block);
  page.lines |= code_lines(static_cast<u32>(physical & kPageMask), block.bytes);
  cpu_.watch_code(frame);
  ++counters_.blocks;
  counters_.guest_bytes += block.bytes;
  counters_.code_bytes += block.code_bytes;
  if (perf_map_) perf_map_->add(code_address(block), block.code_bytes, fmt::format("guest_{:08x}", eip));
  if (cpu_.trace().on(Channel::translation)) show(block, {guest, block.bytes});
  return &block;
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
    block->valid = false;
    ++counters_.invalidated;
    by_key_.erase({block->physical, block->eip, block->mode});
    for (auto& table : tables_) table->remove(block);
    // Other blocks may be linked to this one: its first instruction becomes a jump out.
    *buffer_.writable(block->code) = 0xE9;
    buffer_.patch_jump(block->code + 1, block->code + block->dead_entry);
    return true;
  });
  if (!page.blocks.empty()) return true;
  pages_.erase(found);
  return false;
}

void Translator::code_forgotten() {
  ++generation_;
  ++counters_.flushes;
  for (auto& table : tables_) table->clear();
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
