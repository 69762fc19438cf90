// Rehearsing, taking back and comparing. The report of a difference is in lockstep_report.cpp.
#include "translator/lockstep.h"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/cpu/decode.h"
#include "translator/state_difference.h"

namespace penumbra {

namespace {

// How far around each write memory is compared.
constexpr u64 kAround = 8;

// All of the state, without what a derived class may have put into the padding behind it.
std::span<const u8> image_of(const CpuState& state) {
  const u8* first = reinterpret_cast<const u8*>(&state);
  return {first, reinterpret_cast<const u8*>(&state.nmi_pending) + sizeof state.nmi_pending};
}
bool same_image(const CpuState& a, const CpuState& b) {
  return std::memcmp(image_of(a).data(), image_of(b).data(), image_of(a).size()) == 0;
}

CpuState& state_of(Cpu& cpu) { return cpu; }

// Emitted code keeps no FIP, FDP and FOP.
void ignore_x87_pointers(CpuState& wanted, const CpuState& is) {
  wanted.x87.opcode = is.x87.opcode;
  wanted.x87.instruction_selector = is.x87.instruction_selector;
  wanted.x87.instruction_pointer = is.x87.instruction_pointer;
  wanted.x87.operand_selector = is.x87.operand_selector;
  wanted.x87.operand_pointer = is.x87.operand_pointer;
}

u32 repeat_count(const CpuState& state, const Insn& insn) {
  return insn.address16 ? state.gpr[ECX] & 0xFFFF : state.gpr[ECX];
}

}  // namespace

Lockstep::Lockstep(Cpu& cpu, GuestMemory& memory) : cpu_(cpu), memory_(memory) { cpu_.allow_rehearsals(); }

bool Lockstep::too_long(const TranslatedBlock& block) const {
  constexpr u32 kMost = 4096;
  if (!block.rehearsed) return false;
  const Insn& first = block.rehearsed->insns[0];
  return first.repetition() != Repeat::none && repeat_count(cpu_, first) > kMost;
}

void Lockstep::rehearse(TranslatedBlock& block) {
  PhysAddr page;
  bool global;
  const u32 linear = cpu_.segment[CS].base + cpu_.eip;
  const bool fetched = cpu_.code_page(linear, page, global);
  if (!fetched || page.value + (linear & kPageMask) != block.physical) fail(block, "the block is another page's", {});
  const u8* guest = memory_.readable(page_of(page)) + (linear & kPageMask);
  // Immediates of such a block may have changed since.
  const auto changed = [&] {
    const auto& bytes = block.rehearsed->bytes;
    return std::memcmp(bytes.data(), guest, bytes.size()) != 0;
  };
  if (block.checks_itself() && block.rehearsed && changed()) block.rehearsed.reset();
  if (!block.rehearsed) {
    std::vector<u32> offsets;
    for (const InstructionStart& start : block.starts) offsets.push_back(start.guest);
    const Decoder decoder(cpu_.segment[CS].big, cpu_.model());
    block.rehearsed =
        std::make_unique<RehearsedBlock>(decoder, std::span(guest, kPageSize - (linear & kPageMask)), offsets);
  }
  RehearsedBlock& rehearsed = *block.rehearsed;
  if (changed()) fail(block, "the block's bytes are not what it was made of", {});

  before_ = state_of(cpu_);
  cpu_.rehearsed_writes().clear();
  end_ = cpu_.rehearse(rehearsed, 0, rehearsed.count());
  expect();
  take_back();
}

void Lockstep::want_state() {
  wanted_ = state_of(cpu_);
  wanted_.flags.load_arithmetic(wanted_.flags.arithmetic());  // as the translator stores them
}

// Notes what is to be seen after emitted code has run.
void Lockstep::expect() {
  want_state();
  expected_.clear();
  for (const RehearsedWrite& write : cpu_.rehearsed_writes()) {
    if (write.mark) continue;
    const u64 in_page = write.physical & kPageMask;
    const u64 below = std::min<u64>(in_page, kAround);
    const u64 above = std::min<u64>(kPageSize - in_page - write.bytes, kAround);
    Expected& e = expected_.emplace_back();
    e.at = write.host - below;
    e.physical = write.physical - below;
    e.bytes = static_cast<u32>(below + write.bytes + above);
    std::memcpy(e.content.data(), e.at, e.bytes);
  }
}

void Lockstep::take_back() {
  cpu_.take_back_rehearsed();
  state_of(cpu_) = before_;
}

// Emitted code has left before the instruction of number `count`, of which it may have executed some iterations.
void Lockstep::shorten(const TranslatedBlock& block, u32 count) {
  ++counters_.shortened;
  RehearsedBlock& rehearsed = *block.rehearsed;
  const CpuState is = cpu_;
  // Its memory, also where the longer rehearsal wrote and it must not have.
  found_.resize(expected_.size());
  for (std::size_t n = 0; n < expected_.size(); ++n) std::memcpy(found_[n].data(), expected_[n].at, expected_[n].bytes);
  take_back();

  cpu_.rehearsed_writes().clear();
  end_ = cpu_.rehearse(rehearsed, 0, count);
  const Insn& insn = rehearsed.insns[count];
  if (insn.repetition() != Repeat::none && end_.completed == count) {
    const u32 left = repeat_count(is, insn), all = repeat_count(cpu_, insn);
    const u32 at = cpu_.eip;
    if (left < all) {
      cpu_.gpr[ECX] -= left;
      const RehearsalEnd part = cpu_.rehearse(rehearsed, count, count + 1);
      end_.executed += part.executed;
      cpu_.gpr[ECX] += left;
      cpu_.eip = at;
    }
  }
  want_state();
  cpu_.take_back_rehearsed(true);
  // Memory is as the interpreter wants it now, and `found_` what emitted code made of it.
  for (Expected& e : expected_) std::memcpy(e.content.data(), e.at, e.bytes);
  for (std::size_t n = 0; n < expected_.size(); ++n) std::memcpy(expected_[n].at, found_[n].data(), expected_[n].bytes);
  state_of(cpu_) = is;
}

u64 Lockstep::compare(const TranslatedBlock& block, std::optional<u32> left_before, std::span<const u8> host_code) {
  if (left_before && *left_before > end_.completed)
    fail(block,
         fmt::format("the interpreter cannot go beyond {} instructions, but emitted code has executed {}",
                     end_.completed, *left_before),
         host_code);
  if (left_before) {
    // Both may have left in the middle of a repeated instruction, each after iterations of its own number.
    const Insn& insn = block.rehearsed->insns[*left_before];
    const bool in_repeat = insn.repetition() != Repeat::none && repeat_count(wanted_, insn) != repeat_count(cpu_, insn);
    if (*left_before < end_.completed || in_repeat) shorten(block, *left_before);
  }
  ignore_x87_pointers(wanted_, cpu_);
  if (wanted_.flags.value() != cpu_.flags.value()) {
    const u32 undefined = undefined_flags(*block.rehearsed);
    if (((wanted_.flags.value() ^ cpu_.flags.value()) & ~undefined) == 0) wanted_.flags = cpu_.flags;
  }
  bool same = same_image(wanted_, cpu_);
  if (!same) same = state_difference(wanted_, cpu_).empty();  // padding differs, or more than that
  for (const Expected& e : expected_) same &= std::memcmp(e.at, e.content.data(), e.bytes) == 0;
  if (!same) fail(block, difference(), host_code);
  ++counters_.blocks;
  counters_.instructions += end_.completed;
  counters_.writes += expected_.size();
  return end_.executed;
}

// The flags that no manual defines after the instructions executed.
u32 Lockstep::undefined_flags(const RehearsedBlock& rehearsed) const {
  const Decoder decoder(before_.segment[CS].big, cpu_.model());
  u32 undefined = 0;
  // The last one may be a repeated comparison that was left in the middle: its flags may be those before it or not.
  const u32 last = std::min(end_.completed + 1, rehearsed.count());
  for (u32 n = 0; n < last; ++n) {
    Insn insn;
    Decoder::Decoded decoded;
    decoder.decode(std::span(rehearsed.bytes).subspan(rehearsed.insns[n].offset), insn, decoded);
    const ZydisAccessedFlags& f = *decoded.z.cpu_flags;
    if (n == end_.completed) {
      if (insn.repetition() != Repeat::none) undefined |= f.modified & eflags::kArithmetic;
      break;
    }
    switch (decoded.z.mnemonic) {
      case ZYDIS_MNEMONIC_SHL:
      case ZYDIS_MNEMONIC_SHR:
      case ZYDIS_MNEMONIC_SAR:
      case ZYDIS_MNEMONIC_SHLD:
      case ZYDIS_MNEMONIC_SHRD: undefined |= eflags::AF; [[fallthrough]];
      case ZYDIS_MNEMONIC_ROL:
      case ZYDIS_MNEMONIC_ROR:
      case ZYDIS_MNEMONIC_RCL:
      case ZYDIS_MNEMONIC_RCR: undefined |= eflags::OF; break;  // and a count of 0 defines nothing
      default: undefined = (undefined & ~(f.modified | f.set_0 | f.set_1)) | f.undefined;
    }
  }
  return undefined & eflags::kArithmetic;
}

}  // namespace penumbra
