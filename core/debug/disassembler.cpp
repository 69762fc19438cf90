// Disassembly by Zydis' formatter.
#include "core/debug/disassembler.h"

#include <Zydis/Zydis.h>

namespace penumbra {

namespace {

struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  bool valid = false;
};

void decode(std::span<const u8> bytes, bool code32, Decoded& d) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                   code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
  d.valid = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &d.instruction, d.operands));
}

}  // namespace

u32 instruction_length(std::span<const u8> bytes, bool code32) {
  Decoded d;
  decode(bytes, code32, d);
  return d.valid ? d.instruction.length : 1;
}

std::string disassemble(std::span<const u8> bytes, u32 address, bool code32) {
  Decoded d;
  decode(bytes, code32, d);
  if (!d.valid) return "(bad)";
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  char text[256];
  ZydisFormatterFormatInstruction(&formatter, &d.instruction, d.operands, d.instruction.operand_count_visible, text,
                                  sizeof text, address, nullptr);
  return text;
}

void trace_instruction(Cpu& cpu, const Insn& insn) {
  std::array<u8, 15> bytes{};
  const Segment& cs = cpu.segment[CS];
  const u32 length = insn.length ? insn.length : 1u;
  cpu.debug_read(cs.base + cpu.eip, std::span(bytes).first(length));
  const u32* r = cpu.gpr;
  cpu.trace().line(Channel::instructions,
                   "{:04x}:{:08x} {:<40} eax={:08x} ecx={:08x} edx={:08x} ebx={:08x} esp={:08x} ebp={:08x} esi={:08x} "
                   "edi={:08x} efl={:08x}",
                   cs.selector, cpu.eip, disassemble(std::span(bytes).first(length), cpu.eip, cs.big), r[EAX], r[ECX],
                   r[EDX], r[EBX], r[ESP], r[EBP], r[ESI], r[EDI], cpu.flags.value());
}

}  // namespace penumbra
