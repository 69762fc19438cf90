// Random registers, flags, segments, x87 and SSE state.
#include <algorithm>
#include <bit>
#include <cstring>

#include "conformance/generate.h"
#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

constexpr u32 kArithmetic = 0x8D5, kTrap = 0x100, kDirection = 0x400, kNested = 0x4000, kAlignment = 0x40000,
              kIdentification = 0x200000;

constexpr std::array<u16, 14> kDataSelectors{
    kFlatData,
    kFlatData,
    local_selector(kLdtFlatData),
    local_selector(kLdtBoundedData),
    local_selector(kLdtReadOnly),
    local_selector(kLdtExpandDown32),
    local_selector(kLdtExpandDown16),
    local_selector(kLdtStack16),
    local_selector(kLdtCodeFlat),
    local_selector(kLdtUnaligned),
    local_selector(kLdtWindow16),
    local_selector(kLdtWindow16),
    local_selector(kLdtPaged),
    0,
};

constexpr std::array<u16, 10> kStackSelectors{
    kFlatData,
    kFlatData,
    local_selector(kLdtFlatData),
    local_selector(kLdtBoundedData),
    local_selector(kLdtExpandDown32),
    local_selector(kLdtExpandDown16),
    local_selector(kLdtStack16),
    local_selector(kLdtUnaligned),
    local_selector(kLdtWindow16),
    local_selector(kLdtPaged),
};

constexpr std::array<u16, 7> kCodeSelectors{
    kFlatCode,
    kFlatCode,
    kFlatCode,
    local_selector(kLdtCodeFlat),
    local_selector(kLdtCodeExecuteOnly),
    local_selector(kLdtCode16),
    local_selector(kLdtCodeBounded),
};

// Alignment is not checked in these: it is one check among others in an order that is open, or optional (SDM 3A 6.15,
// interrupt 17).
constexpr std::array kManyChecks{
    ZYDIS_MNEMONIC_ENTER,    ZYDIS_MNEMONIC_CALL,       ZYDIS_MNEMONIC_FXSAVE, ZYDIS_MNEMONIC_FXRSTOR,
    ZYDIS_MNEMONIC_MOVUPS,   ZYDIS_MNEMONIC_MOVUPD,     ZYDIS_MNEMONIC_MOVDQU, ZYDIS_MNEMONIC_BOUND,
    ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MASKMOVDQU,
};

// These show the garbage that IRETQ leaves in the upper half of ESP when the stack segment is a 16-bit one.
bool shows_whole_stack_pointer(const Row& row) {
  return row.mnemonic == ZYDIS_MNEMONIC_PUSHAD || row.mnemonic == ZYDIS_MNEMONIC_ENTER || row.opcode == 0x54;
}

}  // namespace

void Generator::registers() {
  UserState& in = c_->in;
  for (u32& reg : in.gpr) {
    reg = edge_u32(random_);
    if (reg - (kHarnessBase - kHarnessKeepAway) < 2 * kHarnessKeepAway) reg ^= 0x8000'0000;
  }
  in.eflags = 0x202 | (random_.u32_value() & kArithmetic);
  if (random_.one_in(4)) in.eflags |= kDirection;
  if (random_.one_in(128)) in.eflags |= kTrap;
  const bool one_check = std::find(kManyChecks.begin(), kManyChecks.end(), row_.mnemonic) == kManyChecks.end();
  if (one_check && random_.one_in(48)) in.eflags |= kAlignment;
  if (random_.one_in(16)) in.eflags |= kIdentification;
  if (random_.one_in(32) && row_.mnemonic != ZYDIS_MNEMONIC_IRETD) in.eflags |= kNested;
}

void Generator::segments() {
  UserState& in = c_->in;
  in.selector = {kFlatData, kFlatCode, kFlatData, kFlatData, kFlatData, kFlatData};
  if (options_.segments) {
    in.selector[kDs] = random_.pick(kDataSelectors);
    in.selector[kEs] = random_.pick(kDataSelectors);
    in.selector[kGs] = random_.pick(kDataSelectors);
    in.selector[kSs] = random_.pick(kStackSelectors);
    in.selector[kCs] = random_.pick(kCodeSelectors);
    if (!segment_big(in.selector[kSs]) && shows_whole_stack_pointer(row_)) in.selector[kSs] = kFlatData;
  }
  if (options_.fs) {
    if (options_.segments) in.selector[kFs] = random_.pick(kDataSelectors);
  } else {
    in.selector[kFs] = 0;
  }
  // A stack with room on both sides, now and then at an edge.
  const u32 edge = random_.pick(std::array<u32, 6>{0, 4, 2, 8, 30, 32});
  u32 stack = kDataBase + 0x400 + (random_.below(0x1800) & (random_.one_in(8) ? ~0u : ~3u));
  if (random_.one_in(24)) stack = kDataBase + edge;
  if (random_.one_in(24)) stack = kDataBase + kDataWritable - edge;
  if (random_.one_in(48)) stack = kDataBase + kPageSize + edge - 16;
  in.gpr[kEsp] = offset_in(kSs, stack);
}

// With a 16-bit stack segment the upper half of ESP is not known: instructions that name ESP get a flat one.
void Generator::keep_stack_pointer_whole() {
  if (segment_big(c_->in.selector[kSs])) return;
  const auto names_esp = [](ZydisRegister reg) { return reg == ZYDIS_REGISTER_ESP; };
  for (unsigned i = 0; i < c_->insn.operand_count; ++i) {
    const ZydisDecodedOperand& operand = c_->operands[i];
    if (operand.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) continue;
    const bool reg = operand.type == ZYDIS_OPERAND_TYPE_REGISTER && names_esp(operand.reg.value);
    const bool mem =
        operand.type == ZYDIS_OPERAND_TYPE_MEMORY && (names_esp(operand.mem.base) || names_esp(operand.mem.index));
    if (!reg && !mem) continue;
    const u32 stack = segment_base(c_->in.selector[kSs]).value_or(0) + (c_->in.gpr[kEsp] & 0xFFFF);
    c_->in.selector[kSs] = kFlatData;
    c_->in.gpr[kEsp] = stack;
    return;
  }
}

void Generator::x87_state() {
  auto& fx = c_->in.fx;
  std::memset(fx.data(), 0, fx.size());
  u16 control = 0x37F;
  u16 status = 0;
  u8 tags = 0;
  if (row_.unit == Unit::x87 || row_.unit == Unit::mmx || random_.one_in(64)) {
    if (random_.one_in(2)) control = static_cast<u16>(0x7F | random_.below(16) << 8);
    if (random_.one_in(64)) control |= 0x1000;
    if (random_.one_in(4)) control = static_cast<u16>((control & ~0x3F) | random_.below(64));
    status = static_cast<u16>(random_.next() & 0x7F00);
    if (random_.one_in(4)) status |= static_cast<u16>(random_.below(128));
    // A pending exception stops most instructions: seldom.
    if (!random_.one_in(16)) status &= static_cast<u16>(~(~control & 0x3F));
    tags = static_cast<u8>(random_.one_in(2) ? 0xFF : random_.next());
    if (random_.one_in(16)) tags = 0;
    for (unsigned i = 0; i < 8; ++i) edge_extended(random_, &fx[kFxStack + 16 * i]);
    if (row_.unit == Unit::mmx || random_.one_in(8)) {
      for (unsigned i = 0; i < 8; ++i) {
        fill(random_, Format::integers, {&fx[kFxStack + 16 * i], 8});
        if (random_.one_in(2)) store<u16>(&fx[kFxStack + 16 * i + 8], 0xFFFF);
      }
    }
  }
  store<u16>(&fx[kFxControl], control);
  store<u16>(&fx[kFxStatus], status);
  fx[kFxTags] = tags;
}

void Generator::settle_status() {
  // ES and B sum up the unmasked exceptions (SDM 1, 8.1.3).
  auto& fx = c_->in.fx;
  u16 status = load<u16>(&fx[kFxStatus]);
  const u16 control = load<u16>(&fx[kFxControl]);
  status &= 0x7F7F;
  if (status & ~control & 0x3F) status |= 0x8080;
  store<u16>(&fx[kFxStatus], status);
}

void Generator::sse_state() {
  auto& fx = c_->in.fx;
  u32 mxcsr = 0x1F80;
  if (row_.unit == Unit::sse) {
    if (random_.one_in(2)) mxcsr |= random_.below(4) << 13;
    if (random_.one_in(8)) mxcsr |= 0x8000;
    if (random_.one_in(8)) mxcsr |= 0x40;
    if (random_.one_in(4)) mxcsr |= random_.below(64);
    if (random_.one_in(4)) mxcsr &= ~(random_.below(64) << 7);
    constexpr std::array kFormats{Format::single, Format::real, Format::integers};
    for (unsigned i = 0; i < 8; ++i) fill(random_, random_.pick(kFormats), {&fx[kFxXmm + 16 * i], 16});
  }
  store<u32>(&fx[kFxMxcsr], mxcsr & options_.mxcsr_mask);
  store<u32>(&fx[kFxMxcsrMask], options_.mxcsr_mask);
}

}  // namespace penumbra::conformance
