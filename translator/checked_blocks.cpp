// Blocks that compare their bytes with what they were made of, whenever they are entered: where the guest writes to
// their page too often for each write to be trapped. A block ends behind an instruction that writes, so that none runs
// bytes older than its own writes; immediates that were changed once are read where they stand from then on.
#include <cstring>
#include <numeric>

#include "core/base/bits.h"
#include "translator/emitter.h"
#include "translator/translator.h"

namespace penumbra {

namespace {

constexpr u64 kChunk = sizeof(CheckedChunk::expected);

// Where an instruction's immediate stands in it, in bytes; none: {0, 0}.
std::pair<u32, u32> immediate_of(const GuestInstruction& g) {
  if (!Emitter::reads_immediate(g)) return {0, 0};
  return {g.z.raw.imm[0].offset, g.z.raw.imm[0].size / 8};
}

// A dword is read there.
bool dword_fits(u64 physical) { return (physical & kPageMask) + 4 <= kPageSize; }

}  // namespace

bool Translator::checks_itself(u64 physical) {
  return written_.checked(page_of(PhysAddr(physical)).value, instructions());
}

// All of the page's blocks go, and with them the watch.
void Translator::check_from_now_on(u32 frame) {
  ++counters_.checked_pages;
  const auto blocks = std::exchange(pages_[frame].blocks, {});
  for (TranslatedBlock* block : blocks) drop_block(*block);
  counters_.invalidated += blocks.size();
  pages_.erase(frame);
}

void Translator::all_checks_free() {
  free_checks_.resize(kChecks);
  std::iota(free_checks_.begin(), free_checks_.end(), 0);
}

void Translator::take_check(TranslatedBlock& block) {
  block.check = free_checks_.back();
  free_checks_.pop_back();
}

void Translator::give_check_back(TranslatedBlock& block) {
  if (!block.checks_itself()) return;
  free_checks_.push_back(block.check);
  block.check = TranslatedBlock::kNoCheck;
  block.chunks = {};
}

void Translator::note_bytes(TranslatedBlock& block, const std::bitset<kPageSize>& read) {
  const u64 first = block.physical & ~(kChunk - 1);
  const u64 end = block.physical + block.bytes;
  const u8* guest = memory_.ram().data() + first;
  for (u64 at = first; at < end; at += kChunk) {
    CheckedChunk& chunk = block.chunks.emplace_back();
    for (u64 n = 0; n < kChunk; ++n)
      if (at + n >= block.physical && at + n < end && !read[(at + n) & kPageMask]) chunk.mask |= u64{0xFF} << (8 * n);
    chunk.expected = load<u64>(guest + (at - first)) & chunk.mask;
  }
  context_.checks[block.check] = {guest, block.chunks.data(), block.chunks.size()};
}

bool Translator::stale(const TranslatedBlock& block) const {
  const u8* guest = context_.checks[block.check].guest;
  for (const CheckedChunk& chunk : block.chunks) {
    if ((load<u64>(guest) & chunk.mask) != chunk.expected) return true;
    guest += kChunk;
  }
  return false;
}

void Translator::replace_stale(TranslatedBlock& block) {
  ++counters_.stale;
  written_.changed(page_of(PhysAddr(block.physical)).value, instructions());
  const u64 first = block.physical & ~(kChunk - 1);
  const u8* ram = memory_.ram().data();
  const auto changed = [&](u64 physical) {
    const u64 offset = physical - first;
    const CheckedChunk& chunk = block.chunks[offset / kChunk];
    const u64 byte = u64{0xFF} << (8 * (offset % kChunk));
    return ((load<u64>(ram + first + offset / kChunk * kChunk) ^ chunk.expected) & chunk.mask & byte) != 0;
  };
  // Only immediates?
  std::vector<u64> immediates;
  bool only = true;
  const Decoder& decoder = block.mode & block_mode::kCode32 ? decoder32_ : decoder16_;
  for (u32 at = 0; at < block.bytes && only;) {
    Insn insn;
    Decoder::Decoded decoded;
    const std::span<const u8> bytes(ram + block.physical + at, block.bytes - at);
    if (decoder.decode(bytes, insn, decoded) == DecodeResult::more_bytes || !insn.length) break;
    const GuestInstruction g{block.eip + at, bytes, decoded.z, decoded.operands};
    const auto [offset, count] = immediate_of(g);
    bool immediate = false;
    for (u32 n = 0; n < insn.length && at + n < block.bytes; ++n) {
      if (!changed(block.physical + at + n)) continue;
      immediate |= n >= offset && n < offset + count;
      only &= n >= offset && n < offset + count;
    }
    if (immediate) immediates.push_back(block.physical + at + offset);
    at += insn.length;
  }
  for (const u64 physical : immediates) {
    if (!only || !dword_fits(physical)) continue;
    if (const auto number = written_.read_immediate(physical, kImmediates))
      context_.immediates[*number] = ram + physical;
  }
  drop_block(block);
}

bool Translator::emit_with_immediate(const GuestInstruction& g, u64 physical, Emitter& emitter,
                                     std::bitset<kPageSize>& read) {
  const auto [offset, count] = immediate_of(g);
  if (!count) return false;
  const std::optional<u32> number = written_.immediate(physical + offset);
  if (!number) return false;
  emitter.with_immediate(g, *number);
  for (u32 n = 0; n < count; ++n) read.set((physical + offset + n) & kPageMask);
  return true;
}

}  // namespace penumbra
