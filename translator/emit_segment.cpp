// Segment registers as operands, and CLI and STI. Loads here are those of real and virtual-8086 mode, where a base is
// the selector times 16; emit_transition.cpp has those of protected mode.
#include "translator/emitter.h"

namespace penumbra {

namespace {

HostAddress of_segment(HostAddress first, unsigned segment) {
  first.displacement += 4 * segment;
  return first;
}

}  // namespace

// `selector` is zero-extended, and not R11. Changes R11.
bool Emitter::load_segment(const GuestInstruction&, unsigned segment, Host selector) {
  if (!has(block_mode::kReal) || segment == CS || segment == SS) return false;
  a_.address(R11, {.index = selector, .scale = 3});
  a_.address(R11, {.base = R11, .index = R11});
  a_.store(of_segment(context_field(&Context::segment_base), segment), R11);
  a_.store(of_segment(context_field(&Context::segment_selector), segment), selector);
  a_.store(of_segment(context_field(&Context::segment_loaded), segment), 1);
  return true;
}

bool Emitter::move_segment(const GuestInstruction& g) {
  const bool load = g.z.opcode == 0x8E;
  const ZydisDecodedOperand& general = g.operands[load ? 1 : 0];
  const unsigned segment = static_cast<unsigned>(ZydisRegisterGetId(g.operands[load ? 0 : 1].reg.value));
  const bool memory = general.type == ZYDIS_OPERAND_TYPE_MEMORY;
  const Host host = memory ? R9 : host_register(static_cast<unsigned>(ZydisRegisterGetId(general.reg.value)));
  HostAddress address;
  if (load) {
    const bool real = has(block_mode::kReal);
    const Host selector = real ? R9 : R8;
    if (memory) {
      if (!guest_address(g, general, address)) return false;
      load_sized(selector, address, 2);
    } else {
      a_.zero_extend_word(selector, host);
    }
    return real ? load_segment(g, segment, selector) : load_protected_segment(g, segment, 0);
  }
  a_.load(R9, of_segment(context_field(&Context::segment_selector), segment));
  if (memory) {
    if (!guest_address(g, general, address)) return false;
    store_sized(address, R9, 2);
  } else {
    move_sized(host, R9, g.word() ? 2 : 4);
  }
  return true;
}

bool Emitter::load_far_pointer(const GuestInstruction& g, unsigned segment) {
  if (!has(block_mode::kReal) || segment == SS) return false;
  const ZydisDecodedOperand& op = g.operands[1];
  if (op.type != ZYDIS_OPERAND_TYPE_MEMORY) return false;
  const unsigned width = g.word() ? 2 : 4;
  const unsigned source = static_cast<unsigned>(ZydisRegisterGetId(op.mem.segment));
  HostAddress offset = offset_of(op);
  load_sized(R9, reach(g, source, offset, g.z.address_width, width, ReadWrite::read), width);
  offset.displacement += width;
  load_sized(R10, reach(g, source, offset, g.z.address_width, 2, ReadWrite::read), 2);
  if (!load_segment(g, segment, R10)) return false;
  move_sized(host_register(static_cast<unsigned>(ZydisRegisterGetId(g.operands[0].reg.value))), R9, width);
  return true;
}

// Where nothing waits to interrupt, IF is a word of the Context. Otherwise STI is the interpreter's, with its shadow.
bool Emitter::interrupt_flag(const GuestInstruction& g) {
  if (!has(block_mode::kPrivileged)) return false;
  if (g.z.mnemonic == ZYDIS_MNEMONIC_CLI) {
    a_.store(context_field(&Context::interrupt_flag), 0);
    return true;
  }
  a_.move(R15, RCX);
  a_.load(RCX, context_field(&Context::interrupt_waiting));
  refuse_unless_zero(g);
  a_.load(R10, context_field(&Context::interrupt_flag));
  a_.store(context_field(&Context::interrupt_flag), eflags::IF);
  a_.store(context_field(&Context::flag_before_sti), R10);
  a_.store(context_field(&Context::after_sti), g.next());
  return true;
}

}  // namespace penumbra
