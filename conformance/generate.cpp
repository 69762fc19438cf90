// Encoding, decoding and placing of random cases.
#include "conformance/generate.h"

#include <algorithm>
#include <cstring>

#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

constexpr u64 kArenaEpoch = 256;  // cases between fresh memory contents

bool is_string(ZydisInstructionCategory category) {
  return category == ZYDIS_CATEGORY_STRINGOP || category == ZYDIS_CATEGORY_IOSTRINGOP;
}

bool string_opcode(const Row& row) {
  const u8 o = row.opcode;
  return !row.two_byte && ((o >= 0x6C && o <= 0x6F) || (o >= 0xA4 && o <= 0xA7) || (o >= 0xAA && o <= 0xAF));
}

// Rows with a memory operand that no ModRM byte names.
bool implicit_memory(const Row& row) {
  const u8 o = row.opcode;
  if (row.two_byte) return o == 0xF7;
  return string_opcode(row) || (o >= 0xA0 && o <= 0xA3) || o == 0xD7 || (o >= 0xE0 && o <= 0xE3);
}

}  // namespace

Generator::Generator(const Row& row, const GeneratorOptions& options) : row_(row), options_(options) {
  ZydisDecoderInit(&decoder32_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  ZydisDecoderInit(&decoder16_, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
}

bool Generator::make(u64 seed, u64 number, TestCase& out, Arena& arena) {
  const u64 epoch = number / kArenaEpoch;
  if (epoch != base_epoch_) {
    base_epoch_ = epoch;
    Random fresh(seed_for(seed, row_.name, epoch ^ 0xA7E4A));
    fill(fresh, Format::integers, base_.bytes);
  }
  random_ = Random(seed_for(seed, row_.name, number));
  c_ = &out;
  arena_ = &arena;
  std::memcpy(arena.bytes.data(), base_.bytes.data(), kDataBytes);
  out.code_bytes = 0;
  out.memory_known = false;
  registers();
  segments();
  x87_state();
  sse_state();
  encode();
  out.decoded = decode();
  if (out.decoded) {
    keep_stack_pointer_whole();
    special_before();
    if (c_->insn.raw.imm[0].size) decode();  // immediates may be other ones now
    aim_operands();
    special_after();
  }
  settle_status();
  locate_operand();
  if (!c_->decoded || random_.one_in(2)) {
    // The next waiting instruction is where an x87 exception shows.
    if (row_.unit == Unit::x87 && !c_->decoded) return false;
    if (row_.unit == Unit::x87) put(0x9B);
  }
  choose_ending();
  place_code();
  return acceptable();
}

// False for what must not run on the host: an operand in the harness's own pages, a locked one across a cache line.
bool Generator::acceptable() const {
  if (!c_->decoded || !c_->memory_known) return true;
  if (forbidden(c_->memory_at)) return false;
  // What happens to an access across 4 GiB is the implementation's choice (SDM 3A 5.3).
  if (c_->memory_at + c_->memory_bytes < c_->memory_at) return false;
  if (c_->memory_offset + c_->memory_bytes < c_->memory_offset) return false;
  if (c_->insn.address_width == 16 && c_->memory_offset + c_->memory_bytes > 0x10000) return false;
  const bool locked = (c_->insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) || row_.mnemonic == ZYDIS_MNEMONIC_XCHG;
  return !locked || (c_->memory_at & 63) + c_->memory_bytes <= 64;
}

void Generator::encode() {
  std::array<u8, 5> prefixes;
  unsigned count = 0;
  const bool has_memory = row_.memory || implicit_memory(row_);
  if (random_.one_in(has_memory ? 6 : 64))
    prefixes[count++] = random_.pick(std::array<u8, 6>{0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65});
  if (random_.one_in(has_memory ? 8 : 64)) prefixes[count++] = 0x67;
  if (!row_.two_byte && random_.one_in(row_.unit == Unit::x87 ? 32 : 4)) prefixes[count++] = 0x66;
  if (random_.one_in(row_.memory ? 8 : 48)) prefixes[count++] = 0xF0;
  if (string_opcode(row_)) {
    if (random_.one_in(2)) prefixes[count++] = random_.pick(std::array<u8, 2>{0xF2, 0xF3});
  }
  for (unsigned i = count; i > 1; --i) std::swap(prefixes[i - 1], prefixes[random_.below(i)]);
  for (unsigned i = 0; i < count; ++i) put(prefixes[i]);
  if (row_.prefix) put(row_.prefix);
  if (row_.two_byte) put(0x0F);
  put(row_.opcode);
  if (row_.modrm) put_modrm();
  // Enough random bytes for every immediate; the decoder says how many belong to the instruction.
  put_immediates(8);
}

void Generator::put_modrm() {
  const unsigned reg = row_.reg >= 0 ? static_cast<unsigned>(row_.reg) : random_.below(8);
  if (!row_.memory) {
    const unsigned rm = row_.rm >= 0 ? static_cast<unsigned>(row_.rm) : random_.below(8);
    put(static_cast<u8>(0xC0 | reg << 3 | rm));
    return;
  }
  const unsigned mod = random_.below(3);
  const unsigned rm = random_.one_in(4) ? 4 : random_.below(8);
  put(static_cast<u8>(mod << 6 | reg << 3 | rm));
  // A SIB byte or a displacement, as the address size has it; the rest is filled in when operands are aimed.
  put(static_cast<u8>(random_.next()));
}

void Generator::put_immediates(unsigned bytes) {
  for (unsigned i = 0; i < bytes;) {
    const u32 value = random_.one_in(2) ? edge_u32(random_) : random_.u32_value();
    for (unsigned k = 0; k < 4; ++k, ++i) put(static_cast<u8>(value >> 8 * k));
  }
}

bool Generator::decode() {
  const bool small = !segment_big(c_->in.selector[kCs]);
  const ZyanStatus status =
      ZydisDecoderDecodeFull(small ? &decoder16_ : &decoder32_, c_->code.data(), 15, &c_->insn, c_->operands.data());
  if (!ZYAN_SUCCESS(status)) {
    c_->code_bytes = std::min<u8>(c_->code_bytes, 15);
    c_->insn_bytes = c_->code_bytes;
    return false;
  }
  c_->insn_bytes = c_->insn.length;
  c_->code_bytes = c_->insn.length;
  return true;
}

void Generator::choose_ending() {
  const bool flat_code = c_->in.selector[kCs] == kFlatCode;
  const bool quiet_flags = !(c_->in.eflags & 0x100);
  c_->ending = Ending::straight;
  if (!c_->decoded || !flat_code || !quiet_flags) c_->ending = Ending::anywhere;
  if (!c_->decoded) return;
  switch (c_->insn.meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_POP:  // POPF may load TF
    case ZYDIS_CATEGORY_SYSRET: c_->ending = Ending::anywhere; break;
    default: break;
  }
  // Operands that may reach the code pages would read the way out.
  if (c_->insn.meta.category == ZYDIS_CATEGORY_BITBYTE && row_.memory) c_->ending = Ending::anywhere;
  if (c_->memory_known && c_->memory_at + c_->memory_bytes - (kCodeBase - 64) < kCodeBytes + 4096)
    c_->ending = Ending::anywhere;
  if (is_string(c_->insn.meta.category) && random_.one_in(16)) c_->ending = Ending::anywhere;
}

void Generator::place_code() {
  const u32 base = segment_base(c_->in.selector[kCs]).value_or(0);
  u32 offset = 0x80 + random_.below(kCodeBytes - 0x100);
  // Undefined encodings lie away from edges: how much of them is fetched before #UD is open.
  if (c_->decoded && random_.one_in(32)) offset = kPageSize - random_.below(c_->code_bytes + 1);
  if (c_->decoded && c_->ending == Ending::anywhere && random_.one_in(64))
    offset = kCodeBytes - 1 - random_.below(c_->code_bytes);
  if (c_->in.selector[kCs] == local_selector(kLdtCodeBounded)) {
    offset = 0x80 + random_.below(0x1000);
    if (c_->decoded && random_.one_in(16)) offset = 0x1100 - 1 - random_.below(c_->code_bytes + 1);
  }
  // What does not fit into the code pages is not there: the fetch faults.
  offset = std::min(offset, kCodeBytes - 1);
  c_->code_at = kCodeBase + offset;
  if (offset + c_->code_bytes > kCodeBytes) {
    c_->ending = Ending::anywhere;
    c_->code_bytes = static_cast<u8>(kCodeBytes - offset);
  }
  c_->in.eip = c_->code_at - base;
  if (c_->decoded) branch_target();
}

}  // namespace penumbra::conformance
