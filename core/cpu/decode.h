// Guest bytes -> Insn: Zydis decodes, the result is condensed and given its handler.
#pragma once

#include <Zydis/Zydis.h>

#include <span>

#include "core/cpu/cpu_model.h"
#include "core/cpu/insn.h"

namespace penumbra {

struct Row;

enum class DecodeResult : u8 {
  done,
  ends_block,  // done, and nothing may follow in the same block
  more_bytes,  // the instruction needs bytes beyond those given
};

class Decoder {
 public:
  // `code32`: CS.D of the code.
  Decoder(bool code32, const CpuModel& model);
  // Decodes the first instruction of `bytes`. Bytes that are no instruction of this model become one that raises #UD,
  // and more than 15 bytes one that raises #GP(0).
  DecodeResult decode(std::span<const u8> bytes, Insn& insn) const;

  // What Zydis made of the bytes, for whoever emits code from them. `row` is null for what is no instruction of this
  // model.
  struct Decoded {
    ZydisDecodedInstruction z;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const Row* row = nullptr;
  };
  DecodeResult decode(std::span<const u8> bytes, Insn& insn, Decoded& decoded) const;

 private:
  const CpuModel& model_;
  ZydisDecoder decoder_;
};

}  // namespace penumbra
