// What a sequence is made of: single rows, and small groups whose registers are set up for them.
#include "conformance/mixed_sequence.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

constexpr u32 kArithmetic = 0x8D5, kTrap = 0x100, kDirection = 0x400, kIdentification = 0x200000, kAlignment = 0x40000;

constexpr std::array<u16, 11> kSelectors{
    kFlatData,
    kFlatData,
    kFlatData,
    local_selector(kLdtFlatData),
    local_selector(kLdtBoundedData),
    local_selector(kLdtReadOnly),
    local_selector(kLdtExpandDown32),
    local_selector(kLdtUnaligned),
    local_selector(kLdtWindow16),
    local_selector(kLdtPaged),
    0,
};

}  // namespace

void MixedSequenceGenerator::make(u64 seed, u64 number, TestCase& out, Arena& arena) {
  random_ = Random(seed_for(seed, "mixed", number));
  c_ = &out;
  arena_ = &arena;
  placed_.clear();
  taint_ = {};
  count_ = 0;
  in_loop_ = keeps_stack_ = lost_stack_ = false;
  protected_ = 0;
  constexpr std::array kFormats{Format::integers, Format::integers, Format::single, Format::real, Format::extended};
  out.code.fill(0);
  arena.bytes.fill(0);
  for (u32 at = 0; at + 64 <= kDataBytes; at += 64)
    if (at < 0x200 || random_.one_in(4)) fill(random_, random_.pick(kFormats), std::span(arena.bytes).subspan(at, 64));
  out.code_bytes = 0;
  out.code_at = kCodeBase + 0x80 + random_.below(kCodeBytes - 0x200);
  if (random_.one_in(6)) out.code_at = kCodeBase + kPageSize - random_.below(64);
  start_state();
  out.in.eip = out.code_at;
  const unsigned wanted = 1 + random_.below(kMostInstructions);
  for (unsigned tries = 0; count_ < wanted && !lost_stack_ && tries < 40 * wanted && room(24); ++tries) step(0);
  if (count_ == 0) fixed({0x90});
  out.insn_bytes = out.code_bytes;
  out.ignored_flags = 0;
  out.ignored_status = 0;
}

Taint MixedSequenceGenerator::taint_at(u32 eip) const {
  const u32 offset = eip - c_->in.eip;
  for (const Placed& one : placed_)
    if (one.offset == offset) return one.before;
  if (offset == c_->code_bytes) return taint_;
  return {kArithmetic, kConditionCodes};
}

Row MixedSequenceGenerator::row_at(u32 eip) const {
  Row row;
  const u32 offset = eip - c_->in.eip;
  for (const Placed& one : placed_)
    if (one.offset == offset) row.mnemonic = one.mnemonic;
  return row;
}

void MixedSequenceGenerator::start_state() {
  c_->in = UserState{};
  c_->decoded = c_->memory_known = false;
  c_->memory_bytes = 0;
  c_->ending = Ending::straight;
  UserState& in = c_->in;
  for (unsigned reg = 0; reg < 8; ++reg) {
    const u32 kind = random_.below(10);
    in.gpr[reg] = kind < 4   ? kDataBase + (random_.below(kDataWritable - 0x200) & ~15u)
                  : kind < 7 ? random_.below(0x100)
                             : edge_u32(random_);
    known_[reg] = in.gpr[reg];
  }
  stack_ = kDataBase + (random_.one_in(4) ? kPageSize : 0x1800);
  in.gpr[kEsp] = stack_;
  known_[kEsp] = std::nullopt;
  in.eflags = 0x202 | (random_.u32_value() & kArithmetic);
  if (random_.one_in(8)) in.eflags |= kDirection;
  if (random_.one_in(16)) in.eflags |= kIdentification;
  traps_ = random_.one_in(256);
  if (traps_) in.eflags |= kTrap, c_->ending = Ending::anywhere;
  selector_ = {kFlatData, kFlatCode, kFlatData, kFlatData, kFlatData, kFlatData};
  for (const unsigned segment : {kFs, kGs})
    if (random_.one_in(2)) selector_[segment] = random_.pick(kSelectors);
  if (random_.one_in(16)) selector_[kEs] = random_.pick(kSelectors);
  if (random_.one_in(32)) selector_[kDs] = random_.pick(kSelectors);
  if (!options_.fs) selector_[kFs] = 0;
  in.selector = selector_;

  u16 control = 0x37F;
  if (random_.one_in(4)) control = static_cast<u16>(0x7F | random_.below(16) << 8);
  if (random_.one_in(8)) control &= static_cast<u16>(~random_.below(64));
  store<u16>(&in.fx[kFxControl], control);
  if (random_.one_in(2)) {
    in.fx[kFxTags] = static_cast<u8>(random_.one_in(2) ? 0xF0 : random_.next());
    store<u16>(&in.fx[kFxStatus], static_cast<u16>(random_.next() & 0x7F00));
    for (unsigned i = 0; i < 8; ++i) edge_extended(random_, &in.fx[kFxStack + 16 * i]);
  }
  u32 mxcsr = 0x1F80;
  if (random_.one_in(4)) mxcsr |= random_.below(4) << 13;
  if (random_.one_in(16)) mxcsr &= ~(random_.below(64) << 7);
  if (random_.one_in(16)) mxcsr |= 0x8040 & random_.u32_value();
  store<u32>(&in.fx[kFxMxcsr], mxcsr);
  store<u32>(&in.fx[kFxMxcsrMask], 0xFFFF);
  constexpr std::array kFormats{Format::single, Format::real, Format::integers};
  for (unsigned i = 0; i < 8; ++i) fill(random_, random_.pick(kFormats), {&in.fx[kFxXmm + 16 * i], 16});
}

bool MixedSequenceGenerator::step(unsigned depth) {
  switch (random_.below(28)) {
    case 0:
    case 1:
    case 2: return depth < 2 && skip(depth);
    case 3: return depth == 0 && loop();
    case 4: return depth < 2 && call(depth);
    case 5: return string_run();
    case 6: return load_flags();
    case 7: return depth == 0 && load_segment();
    case 8: return depth == 0 && frame();
    case 9: return random_.one_in(2) ? save_fpu() : scan_bits();
    case 11: return depth == 0 && one_more_by_stack();
    case 10: {
      const unsigned reg = free_register();
      if (reg == 8 || !room(5)) return false;
      point(reg, kDataBase + random_.below(kDataWritable - 0x200));
      return true;
    }
    default: return append_row();
  }
}

void MixedSequenceGenerator::steps(unsigned count, unsigned depth) {
  const unsigned end = count_ + count;
  for (unsigned tries = 0; count_ < end && tries < 20 * count && room(16); ++tries) step(depth);
}

bool MixedSequenceGenerator::fixed(std::initializer_list<u32> bytes) {
  if (c_->code_bytes + bytes.size() > kMostBytes) return false;
  u8* at = &c_->code[c_->code_bytes];
  for (const u32 byte : bytes) *at++ = static_cast<u8>(byte);
  if (!decode(&c_->code[c_->code_bytes])) return false;
  commit();
  return true;
}

bool MixedSequenceGenerator::fixed_dword(std::initializer_list<u32> bytes, u32 dword) {
  if (c_->code_bytes + bytes.size() + 4 > kMostBytes) return false;
  store<u32>(&c_->code[c_->code_bytes + bytes.size()], dword);
  return fixed(bytes);
}

// A register that may be written, not ESP; 8: none.
unsigned MixedSequenceGenerator::free_register() {
  const unsigned reg = random_.below(8);
  return reg == kEsp || (protected_ >> reg & 1) ? 8 : reg;
}

void MixedSequenceGenerator::point(unsigned reg, u32 value) {
  if (fixed_dword({0xB8 | reg}, value)) known_[reg] = value;
}

// A conditional or unconditional jump forward.
bool MixedSequenceGenerator::skip(unsigned depth) {
  if (!room(40)) return false;
  const u32 kind = random_.below(20);
  if (kind < 16) {  // what Jcc reads must be defined
    if (!decode(std::array<u8, 15>{static_cast<u8>(0x70 | kind)}.data())) return false;
    if (insn_.cpu_flags->tested & taint_.flags) return false;
  }
  const u8 at = c_->code_bytes;
  const bool wide = kind < 16 && random_.one_in(3);
  constexpr std::array<u8, 4> kOthers{0xEB, 0xE3, 0xE2, 0xE3};  // JMP, JECXZ, LOOP
  const u8 opcode = kind < 16 ? static_cast<u8>(0x70 | kind) : kOthers[kind - 16];
  if (opcode == 0xE2 && (protected_ >> kEcx & 1)) return false;
  if (wide ? !fixed_dword({0x0F, 0x80 | kind}, 0) : !fixed({opcode, 0})) return false;
  const Known before = known_;
  const Taint taint = taint_;
  const u8 body = c_->code_bytes;
  steps(1 + random_.below(3), depth + 1);
  if (wide)
    store<u32>(&c_->code[at + 2], u32{c_->code_bytes} - body);
  else
    c_->code[at + 1] = static_cast<u8>(c_->code_bytes - body);
  for (unsigned reg = 0; reg < 8; ++reg)
    if (known_[reg] != before[reg]) known_[reg] = std::nullopt;
  taint_.flags |= taint.flags;
  taint_.status |= taint.status;
  return true;
}

// A loop with its count in a register that nothing else writes. Two known registers stay as they are, all others are
// known no longer; flags are taken for undefined at its head, as a later round may find them so.
bool MixedSequenceGenerator::loop() {
  if (!room(60)) return false;
  const bool by_loop = random_.one_in(2);
  const unsigned counter = by_loop ? unsigned{kEcx} : free_register();
  if (counter == 8) return false;
  point(counter, 1 + random_.below(random_.one_in(12) ? 40 : 4));
  u8 kept = static_cast<u8>(1 << counter);
  for (unsigned n = 0; n < 2; ++n) {
    const unsigned reg = free_register();
    if (reg == 8 || reg == counter) continue;
    point(reg, kDataBase + (random_.below(kDataWritable - 0x200) & ~15u));
    kept |= static_cast<u8>(1 << reg);
  }
  for (unsigned reg = 0; reg < 8; ++reg)
    if (reg == counter || !(kept >> reg & 1)) known_[reg] = std::nullopt;
  taint_.flags |= kArithmetic;
  protected_ = kept;
  in_loop_ = true;
  const u8 head = c_->code_bytes;
  steps(1 + random_.below(4), 1);
  protected_ = 0;
  in_loop_ = false;
  const u8 back = static_cast<u8>(head - c_->code_bytes);
  if (by_loop) {
    fixed({0xE2, static_cast<u8>(back - 2)});
  } else {
    fixed({0x48 | counter});
    fixed({0x75, static_cast<u8>(back - 3)});
  }
  for (Placed& one : placed_)
    if (one.offset >= head) one.before.status |= taint_.status;
  return true;
}

// call f; jmp end; f: ...; ret; end:
bool MixedSequenceGenerator::call(unsigned depth) {
  // Not where other operands often lie.
  if (!room(50) || stack_ == kDataBase + kPageSize) return false;
  if (!fixed_dword({0xE8}, 2)) return false;
  const u8 jump = c_->code_bytes;
  if (!fixed({0xEB, 0})) return false;
  const bool outer = std::exchange(keeps_stack_, true);
  steps(1 + random_.below(2), depth + 1);
  keeps_stack_ = outer;
  fixed({0xC3});
  c_->code[jump + 1] = static_cast<u8>(c_->code_bytes - jump - 2);
  for (Placed& one : placed_)
    if (one.offset == jump) one.before = taint_;
  return true;
}

bool MixedSequenceGenerator::string_run() {
  if (protected_ || keeps_stack_ || !room(24)) return false;
  constexpr std::array<u8, 10> kOpcodes{0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF};
  const u32 count = random_.below(random_.one_in(8) ? 0x300 : 20);
  const auto place = [&] { return random_.one_in(12) ? target(16, false) : kDataBase + 0x400 + random_.below(0x1400); };
  point(kEsi, place());
  point(kEdi, place());
  point(kEcx, count);
  const u8 repeat = random_.one_in(4) ? 0xF2 : 0xF3;
  return random_.one_in(4) ? fixed({repeat, 0x66, random_.pick(kOpcodes)}) : fixed({repeat, random_.pick(kOpcodes)});
}

bool MixedSequenceGenerator::load_flags() {
  u32 flags = random_.u32_value() & (kArithmetic | (random_.one_in(6) ? kDirection | kIdentification : 0));
  if (!options_.host && random_.one_in(24)) flags |= kAlignment;
  if (random_.one_in(48)) flags |= kTrap, traps_ = true, c_->ending = Ending::anywhere;
  if (!room(6) || !fixed_dword({0x68}, flags)) return false;
  if (!fixed({0x9D})) return false;
  taint_.flags = 0;
  return true;
}

bool MixedSequenceGenerator::load_segment() {
  if (protected_ || !room(8)) return false;
  const unsigned segment = random_.pick(std::array<unsigned, 5>{kEs, kFs, kGs, kGs, kDs});
  if (segment == kFs && !options_.fs) return false;
  const u16 selector = segment == kDs && !random_.one_in(4) ? kFlatData : random_.pick(kSelectors);
  point(kEax, selector);
  if (!fixed({0x8E, 0xC0 | segment << 3})) return false;
  selector_[segment] = selector;
  return true;
}

// ENTER, a few instructions, LEAVE.
bool MixedSequenceGenerator::frame() {
  if (!room(50)) return false;
  point(kEbp, kDataBase + 0x800 + random_.below(0x400));
  if (!fixed({0xC8, 4 * random_.below(16), 0, random_.below(4)})) return false;
  protected_ = 1 << kEbp;
  steps(1 + random_.below(3), 1);
  protected_ = 0;
  return fixed({0xC9});
}

// The x87's state into memory; its pointers, which processors keep differently, are overwritten at once.
bool MixedSequenceGenerator::save_fpu() {
  // A single-step trap would show the pointers before they are overwritten.
  if (taint_.status || in_loop_ || traps_ || !room(24)) return false;
  const u32 at = kDataBase + 0x100 + (random_.below(0xC00) & ~15u);
  switch (random_.below(options_.host ? 2 : 3)) {
    case 0: return fixed_dword({0xD9, 0x35}, at) && fixed_dword({0x0F, 0x11, 0x05}, at + 12);
    case 1: return fixed_dword({0xDD, 0x35}, at) && fixed_dword({0x0F, 0x11, 0x05}, at + 12);
    default: return fixed_dword({0x0F, 0xAE, 0x05}, at) && fixed_dword({0x0F, 0x11, 0x05}, at + 6);
  }
}

// The last instruction of a sequence: by a stack that lies where it may fault, after one whose effect would show if it
// came twice.
bool MixedSequenceGenerator::one_more_by_stack() {
  const u32 stack = target(32, false);
  const unsigned reg = random_.pick(std::array<unsigned, 5>{kEax, kEcx, kEdx, kEsi, kEdi});
  if (!room(24) || forbidden(stack - 64, 128)) return false;
  if (!fixed_dword({0xBC}, stack)) return false;
  lost_stack_ = true;
  fixed({0x40 | reg});
  switch (random_.below(10)) {
    case 0: return fixed({0x50 | reg});
    case 1: return fixed({0x58 | reg});
    case 2: return fixed({0x60});
    case 3: return fixed({0x61});
    case 4: return fixed_dword({0x68}, random_.u32_value());
    case 5: return fixed_dword({0xFF, 0x35}, kDataBase + 4 * random_.below(0x400));
    case 6: return fixed_dword({0x8F, 0x05}, kDataBase + 4 * random_.below(0x400));
    case 7: return fixed_dword({0xE8}, 0);
    case 8: return fixed({0xC8, 8, 0, 0});
    default: return fixed({0x66, 0x50 | reg});
  }
}

// BSF or BSR of a register that is not zero.
bool MixedSequenceGenerator::scan_bits() {
  const unsigned from = free_register(), to = free_register();
  if (from == 8 || to == 8 || !room(8)) return false;
  point(from, 1u << random_.below(32) | random_.u32_value());
  return fixed({0x0F, 0xBC + random_.below(2), 0xC0 | to << 3 | from});
}

}  // namespace penumbra::conformance
