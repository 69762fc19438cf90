// Guest memory operands as host operands: GS, 67h, and the same sum of registers (docs/architecture.md, windows).
#include "translator/emitter.h"

namespace penumbra {

namespace {

u8 host_number(ZydisRegister name) {
  return name == ZYDIS_REGISTER_NONE ? HostAddress::kNone
                                     : static_cast<u8>(host_register(static_cast<unsigned>(ZydisRegisterGetId(name))));
}

}  // namespace

// `stack_moved` is what ESP will have been moved by when the address is computed (POP to memory).
bool Emitter::guest_address(const GuestInstruction& g, const ZydisDecodedOperand& operand, HostAddress& address,
                            u32 stack_moved) {
  const auto& mem = operand.mem;
  // LEA adds no segment base.
  const bool sum_only = mem.type == ZYDIS_MEMOP_TYPE_AGEN;
  const bool fs = !sum_only && mem.segment == ZYDIS_REGISTER_FS;
  const bool gs = !sum_only && mem.segment == ZYDIS_REGISTER_GS;
  // Code segments are never writable.
  if (mem.segment == ZYDIS_REGISTER_CS && (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) return false;
  if ((fs && !(block_.mode & block_mode::kFsOpen)) || (gs && !(block_.mode & block_mode::kGsOpen))) return false;

  address = {.base = host_number(mem.base),
             .index = host_number(mem.index),
             .scale = static_cast<u8>(mem.scale > 1 ? __builtin_ctz(mem.scale) : 0),
             .displacement = static_cast<u32>(mem.disp.value),
             .window = true};
  if (address.base == kGuestEsp) address.displacement += stack_moved;
  if (g.z.address_width == 16) {
    a_.address(R8, address);
    a_.zero_extend_word(R8, R8);
    address = {.base = R8, .window = true};
  }
  if (fs || gs) {
    if (address.base != R8 || address.index != HostAddress::kNone || address.displacement) a_.address(R8, address);
    HostAddress base = context_field(&Context::segment_base);
    base.displacement += 4 * (fs ? FS : GS);
    a_.load(R9, base);
    a_.address(R8, {.base = R8, .index = R9});
    address = {.base = R8, .window = true};
  }
  return true;
}

}  // namespace penumbra
