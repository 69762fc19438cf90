// Guest memory operands as host operands: an offset, checked against its segment and added to its base where those are
// not flat, and from there by the window (GS, 67h) or by the software TLB (docs/architecture.md).
#include "translator/emitter.h"

namespace penumbra {

namespace {

u8 host_number(ZydisRegister name) {
  return name == ZYDIS_REGISTER_NONE ? HostAddress::kNone
                                     : static_cast<u8>(host_register(static_cast<unsigned>(ZydisRegisterGetId(name))));
}

HostAddress segment_end(unsigned segment, ReadWrite how) {
  HostAddress field = context_field(&Context::segment_end);
  field.displacement += ((how == ReadWrite::write ? 6 : 0) + segment) * 8;
  return field;
}
HostAddress segment_base(unsigned segment) {
  HostAddress field = context_field(&Context::segment_base);
  field.displacement += 4 * segment;
  return field;
}

}  // namespace

HostAddress Emitter::offset_of(const ZydisDecodedOperand& operand) {
  const auto& mem = operand.mem;
  return {.base = host_number(mem.base),
          .index = host_number(mem.index),
          .scale = static_cast<u8>(mem.scale > 1 ? __builtin_ctz(mem.scale) : 0),
          .displacement = static_cast<u32>(mem.disp.value)};
}

// Goes on where ECX, whose value is in R15, is 0, and to the interpreter otherwise.
void Emitter::refuse_unless_zero(const GuestInstruction& g) {
  const u64 zero = a_.jump_if_ecx_zero();
  later_.push_back(refusal(Later::Kind::refused, a_.jump(), g.eip));
  a_.bind_short(zero);
  a_.move(RCX, R15);
}

// The same for R10 below 0. No flag changes: NOT makes its highest byte 0, BSWAP and MOVZX bring that to ECX.
void Emitter::refuse_unless_negative(const GuestInstruction& g) {
  a_.complement_wide(R10);
  a_.swap_bytes_wide(R10);
  a_.move(R15, RCX);
  a_.zero_extend_byte(RCX, R10);
  refuse_unless_zero(g);
}

// The offset is in R8. Goes to the interpreter unless all bytes lie before the segment's end.
void Emitter::check_end(const GuestInstruction& g, unsigned segment, unsigned bytes, ReadWrite how, bool word_offset) {
  const bool wide = has(block_mode::kWide64K) && word_offset && (segment == ES || segment == SS || segment == DS);
  if (wide && bytes == 1) return;
  if (wide) {
    // A 16-bit offset and all bytes below 64 KiB: the last byte's offset has no bit 16.
    a_.move(R15, RCX);
    a_.address(RCX, {.base = R8, .displacement = bytes - 1});
    a_.swap_bytes(RCX);
    a_.zero_extend_word(RCX, RCX);
    refuse_unless_zero(g);
  } else {
    a_.load_wide(R10, segment_end(segment, how));
    a_.address_wide(R10, {.base = R10, .index = R8, .displacement = bytes});
    refuse_unless_negative(g);
  }
}

HostAddress Emitter::reach(const GuestInstruction& g, unsigned segment, HostAddress offset, unsigned address_width,
                           unsigned bytes, ReadWrite how) {
  const bool soft = block_.reach == Reach::soft;
  const bool word_offset = address_width == 16;
  const bool open = (segment == FS && has(block_mode::kFsOpen)) || (segment == GS && has(block_mode::kGsOpen));
  offset.window = true;
  const bool by_register = !soft && has(block_mode::kByRegister);
  if (flat(segment) && !soft && !by_register && !word_offset) return offset;
  const bool already = offset.base == R8 && offset.index == HostAddress::kNone && !offset.displacement;
  if (!already) a_.address(R8, offset);
  if (word_offset) a_.zero_extend_word(R8, R8);
  if (!flat(segment)) {
    if (!open) check_end(g, segment, bytes, how, word_offset);
    a_.load(R11, segment_base(segment));
    a_.address(R8, {.base = R8, .index = R11});
  }
  if (by_register) {
    // The verifier wants R8's upper half cleared by the instruction before.
    if (already && !word_offset && flat(segment)) a_.move(R8, R8);
    a_.load_wide(R11, context_field(&Context::window));
    return {.base = R11, .index = R8};
  }
  if (!soft) return {.base = R8, .window = true};
  unsigned size = 0;
  while (kSoftSizes[size] < bytes) ++size;
  a_.call_to(thunk(thunks_.soft[how == ReadWrite::write][size]));
  return {.base = R8};
}

bool Emitter::guest_address(const GuestInstruction& g, const ZydisDecodedOperand& operand, HostAddress& address,
                            u32 stack_moved) {
  const auto& mem = operand.mem;
  address = offset_of(operand);
  if (address.base == kGuestEsp) address.displacement += stack_moved;
  // LEA adds no segment base.
  if (mem.type == ZYDIS_MEMOP_TYPE_AGEN) {
    if (g.z.address_width == 16) {
      a_.address(R8, address);
      a_.zero_extend_word(R8, R8);
      address = {.base = R8};
    }
    address.window = true;
    return true;
  }
  const unsigned segment = static_cast<unsigned>(ZydisRegisterGetId(mem.segment));
  const unsigned bytes = operand.size / 8;
  const bool writes = operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
  // Code segments are never writable.
  if ((segment == CS && writes) || bytes == 0) return false;
  const bool plain = block_.reach == Reach::window && flat(segment);
  if (!plain && bytes > kSoftSizes.back()) return false;
  address = reach(g, segment, address, g.z.address_width, bytes, writes ? ReadWrite::write : ReadWrite::read);
  return true;
}

}  // namespace penumbra
