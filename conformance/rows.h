// The instruction rows: every encoding of the opcode maps that a user-mode case can try, found by asking the decoder.
#pragma once

#include <Zydis/Zydis.h>

#include <string>
#include <vector>

#include "core/base/types.h"

namespace penumbra::conformance {

// What an instruction works on; decides which state is random.
enum class Unit : u8 { integer, x87, mmx, sse };

struct Row {
  std::string name;  // "0F.AF.m.imul", "66.0F.73.2.r.psrlq", "D9.F0.f2xm1"
  u8 prefix = 0;     // 66h, F2h or F3h where it selects the instruction (two-byte opcodes), else 0
  bool two_byte = false;
  u8 opcode = 0;
  bool modrm = false;
  bool memory = false;  // modrm with mod < 3
  i8 reg = -1;          // the reg field if it is part of the opcode
  i8 rm = -1;           // the same of rm, with mod 3
  Unit unit = Unit::integer;
  ZydisMnemonic mnemonic = ZYDIS_MNEMONIC_INVALID;
};

// Rows that the p4 model has and the host can be asked about.
std::vector<Row> user_rows();
// Rows that the p4 model must refuse with #UD, although a newer host may execute them.
std::vector<Row> undefined_rows();

}  // namespace penumbra::conformance
