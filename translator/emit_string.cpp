// MOVS, STOS, LODS, SCAS and CMPS, with and without REP, natively.
#include "translator/emitter.h"
#include "translator/string_setup.h"

namespace penumbra {

bool Emitter::string(const GuestInstruction& g) {
  if (block_.mode & block_mode::kDown || g.z.address_width != 32) return false;
  for (unsigned n = 0; n < g.z.operand_count; ++n) {
    const ZydisDecodedOperand& op = g.operands[n];
    // FS and GS have bases of their own.
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY &&
        (op.mem.segment == ZYDIS_REGISTER_FS || op.mem.segment == ZYDIS_REGISTER_GS))
      return false;
  }
  emit_string_setup(a_);
  if (g.z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) a_.byte(0xF3);
  if (g.z.attributes & ZYDIS_ATTRIB_HAS_REPNE) a_.byte(0xF2);
  if (g.z.opcode & 1 && g.word()) a_.byte(0x66);
  a_.byte(g.z.opcode);
  emit_string_end(a_);
  return true;
}

}  // namespace penumbra
