// Decodes emitted code as the host will (SDM 2, 64-bit mode).
#include "translator/verifier.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <vector>

#include "core/base/check.h"
#include "translator/assembler.h"
#include "translator/context.h"
#include "translator/plain_form.h"
#include "translator/string_setup.h"

namespace penumbra {

namespace {

bool in_window(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& op) {
  return op.mem.segment == ZYDIS_REGISTER_GS && z.address_width == 32;
}
bool in_context(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& op) {
  return op.mem.base == ZYDIS_REGISTER_R13 && op.mem.index == ZYDIS_REGISTER_NONE && z.address_width == 64 &&
         op.mem.disp.value >= 0 && static_cast<u64>(op.mem.disp.value) + op.size / 8 <= sizeof(Context);
}
// A load of four bytes.
bool is_poll(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& op) {
  return op.mem.base == ZYDIS_REGISTER_R14 && op.mem.index == ZYDIS_REGISTER_NONE && op.mem.disp.value == 0 &&
         z.mnemonic == ZYDIS_MNEMONIC_MOV && op.size == 32 && z.address_width == 64 &&
         op.mem.segment == ZYDIS_REGISTER_DS && !(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}
// The index is a multiple of 2 below twice the table's entries.
bool in_lookup_table(const ZydisDecodedOperand& op) {
  return op.mem.base == ZYDIS_REGISTER_R10 && op.mem.index == ZYDIS_REGISTER_R9 && op.mem.scale == 8 &&
         (op.mem.disp.value == 0 || op.mem.disp.value == 4 || op.mem.disp.value == 8) &&
         !(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}

// Calls and returns use the stack of returns; a call looks at its guard first. Near ones only, and RET without an
// operand, so that each takes what a call has put there.
bool is_call_or_return(const ZydisDecodedInstruction& z) {
  const bool call = z.opcode == 0xE8 || (z.opcode == 0xFF && z.raw.modrm.reg == 2);
  return z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (call || z.opcode == 0xC3);
}
bool on_return_stack(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& op) {
  if (op.mem.base != ZYDIS_REGISTER_RSP || op.mem.index != ZYDIS_REGISTER_NONE) return false;
  if (is_call_or_return(z)) return op.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
  return op.mem.disp.value == -256 && !(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}
// A string instruction addresses what its set-up made of ESI and EDI: in the window, or in its guards behind a run.
bool is_string(const ZydisDecodedInstruction& z) {
  return z.meta.category == ZYDIS_CATEGORY_STRINGOP && z.address_width == 64;
}
bool set_up(std::span<const u8> before) {
  u8 expected[64];
  Assembler setup(expected, sizeof expected);
  emit_string_setup(setup);
  return before.size() >= setup.size() &&
         std::equal(expected, expected + setup.size(), before.end() - static_cast<std::ptrdiff_t>(setup.size()));
}

// A soft access: through R8 alone, which the thunk called just before has made the address of so many bytes.
bool by_soft_thunk(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& op, const Thunks::SoftAccess& access) {
  return op.mem.base == ZYDIS_REGISTER_R8 && op.mem.index == ZYDIS_REGISTER_NONE && op.mem.disp.value == 0 &&
         z.address_width == 64 && op.mem.segment == ZYDIS_REGISTER_DS && op.size / 8u <= access.bytes &&
         (access.write || !(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
}

// By a register: R11 and R8, of which the two instructions before have made the window's base and a 32-bit offset.
bool by_register(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& op) {
  return op.mem.base == ZYDIS_REGISTER_R11 && op.mem.index == ZYDIS_REGISTER_R8 && op.mem.scale == 1 &&
         op.mem.disp.value == 0 && z.address_width == 64 && op.mem.segment == ZYDIS_REGISTER_DS;
}
bool loads_window(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands) {
  return z.mnemonic == ZYDIS_MNEMONIC_MOV && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
         operands[0].reg.value == ZYDIS_REGISTER_R11 && operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY &&
         operands[1].mem.base == ZYDIS_REGISTER_R13 && operands[1].mem.index == ZYDIS_REGISTER_NONE &&
         operands[1].mem.disp.value == context_field(&Context::window).displacement;
}
bool makes_offset(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands) {
  const bool simple =
      z.mnemonic == ZYDIS_MNEMONIC_LEA || z.mnemonic == ZYDIS_MNEMONIC_MOV || z.mnemonic == ZYDIS_MNEMONIC_MOVZX;
  return simple && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].reg.value == ZYDIS_REGISTER_R8D;
}

// What a transition thunk takes: a record of the Context's.
bool makes_record(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands) {
  if (z.mnemonic != ZYDIS_MNEMONIC_LEA || operands[0].reg.value != ZYDIS_REGISTER_R9) return false;
  const auto& from = operands[1].mem;
  const u64 offset = static_cast<u64>(from.disp.value) - context_field(&Context::transitions).displacement;
  return from.base == ZYDIS_REGISTER_R13 && from.index == ZYDIS_REGISTER_NONE && z.address_width == 64 &&
         offset < sizeof(Context::transitions) && offset % sizeof(Transition) == 0;
}

// What would move the window, or fault where it should not: never emitted.
bool is_sensitive(const ZydisDecodedInstruction& z) {
  switch (z.meta.category) {
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_RDWRFSGS: return true;
    default: break;
  }
  return (z.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) || z.mnemonic == ZYDIS_MNEMONIC_CLI ||
         z.mnemonic == ZYDIS_MNEMONIC_STI;
}

bool is_branch(const ZydisDecodedInstruction& z) {
  return z.meta.category == ZYDIS_CATEGORY_UNCOND_BR || z.meta.category == ZYDIS_CATEGORY_COND_BR ||
         z.meta.category == ZYDIS_CATEGORY_CALL;
}

}  // namespace

void verify_emitted(std::span<const u8> code, u64 place, const Thunks& thunks) {
  static const ZydisDecoder decoder = [] {
    ZydisDecoder made;
    ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return made;
  }();
  std::vector<bool> starts(code.size() + 1);
  std::vector<u64> targets;
  // Where only the instruction before may lead: no jump.
  std::vector<bool> inner(code.size() + 1);
  Thunks::SoftAccess access;
  enum class Step : u8 { none, offset, base } step = Step::none;  // towards an access by register
  bool record = false;                                            // R9 is a transition's, made right before
  // A direct branch from the instruction at `at` to `target`.
  const auto branch = [&](std::size_t at, std::size_t length, u64 target, bool call) {
    if (target < code.size()) return targets.push_back(target);
    const u64 thunk = place + target;
    access = thunks.soft_access(thunk);
    CHECK_THAT(call ? access.bytes || thunks.is_service(thunk) : thunks.is_exit(thunk),
               "emitted code at {:x} jumps out to {:x}", at, thunk);
    CHECK_THAT(record || !thunks.takes_record(thunk), "emitted code at {:x} calls {:x} without a record", at, thunk);
    if (thunks.takes_record(thunk)) inner[at] = true;
    if (access.bytes) inner[at + length] = true;
  };
  for (std::size_t at = 0; at < code.size();) {
    starts[at] = true;
    // Most of it is plain, and decoding in full is what takes long.
    const PlainForm plain = plain_form(code.subspan(at));
    const bool reached =
        plain.memory != PlainForm::Memory::soft || (plain.bytes <= access.bytes && (access.write || !plain.writes));
    if (plain.length && reached && !plain.makes_r9 && !(step == Step::offset && plain.makes_r11)) {
      access = {};
      step = plain.makes_r8d ? Step::offset : Step::none;
      if (plain.branch) branch(at, plain.length, at + static_cast<u64>(plain.target), plain.call);
      record = false;
      at += plain.length;
      continue;
    }
    ZydisDecodedInstruction z;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const bool decoded =
        ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &z, operands));
    CHECK_THAT(decoded, "emitted code at {:x} is no instruction: {:02x}", at, code[at]);
    for (unsigned n = 0; n < z.operand_count; ++n) {
      const ZydisDecodedOperand& op = operands[n];
      if (op.type == ZYDIS_OPERAND_TYPE_REGISTER) {
        const bool writes = op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
        const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op.reg.value);
        const bool own = whole == ZYDIS_REGISTER_R13 || whole == ZYDIS_REGISTER_R14 ||
                         (whole == ZYDIS_REGISTER_RSP && !is_call_or_return(z));
        CHECK_THAT(!(writes && own), "emitted code at {:x} writes the emulator's own register: {}", at,
                   ZydisMnemonicGetString(z.mnemonic));
        CHECK_THAT(ZydisRegisterGetClass(op.reg.value) != ZYDIS_REGCLASS_SEGMENT || !writes,
                   "emitted code at {:x} loads a segment register", at);
      }
      if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || op.mem.type == ZYDIS_MEMOP_TYPE_AGEN) continue;
      CHECK_THAT(in_window(z, op) || in_context(z, op) || is_poll(z, op) || in_lookup_table(op) ||
                     on_return_stack(z, op) || by_soft_thunk(z, op, access) ||
                     (step == Step::base && by_register(z, op)) || (is_string(z) && set_up(code.first(at))),
                 "emitted code at {:x} reaches outside of the window: {}", at, ZydisMnemonicGetString(z.mnemonic));
    }
    CHECK_THAT(!is_sensitive(z), "emitted code at {:x} is sensitive: {}", at, ZydisMnemonicGetString(z.mnemonic));
    access = {};
    if (step == Step::offset && loads_window(z, operands)) {
      step = Step::base;
      inner[at] = inner[at + z.length] = true;
    } else {
      step = makes_offset(z, operands) ? Step::offset : Step::none;
    }
    if (is_branch(z)) {
      const ZydisDecodedOperand& to = operands[0];
      const bool direct = to.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
      CHECK_THAT(direct || (to.type == ZYDIS_OPERAND_TYPE_MEMORY && in_lookup_table(to)),
                 "emitted code at {:x} jumps to where a guest could choose", at);
      if (direct) branch(at, z.length, at + z.length + static_cast<u64>(to.imm.value.s), is_call_or_return(z));
    }
    record = makes_record(z, operands);
    at += z.length;
  }
  for (const u64 target : targets)
    CHECK_THAT(starts[target] && !inner[target], "emitted code jumps into an instruction at {:x}", target);
}

}  // namespace penumbra
