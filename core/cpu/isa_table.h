// The one table of instructions: Zydis mnemonic -> the function that chooses a handler for the operands at hand.
// Rows stand beside the functions they name, in exec/*.cpp; this gathers them.
#pragma once

#include <Zydis/Zydis.h>

#include <span>
#include <string_view>

#include "core/cpu/cpu_model.h"
#include "core/cpu/exec/handlers.h"
#include "core/cpu/insn.h"

namespace penumbra {

enum class Operand : u8 { none, reg, mem, imm, segment, control, debug, x87, mmx, xmm, far };

// What a handler is chosen by.
struct Shape {
  u8 bits = 32;  // of the first explicit operand, or the operand size where there is none
  Operand a = Operand::none, b = Operand::none, c = Operand::none;
  u8 a_bits = 0, b_bits = 0;
  u8 opcode = 0;  // the opcode byte, where a mnemonic has encodings that differ in meaning
  Insn* insn = nullptr;
};

using Select = Handler (*)(const Shape&);

// How the translator takes an instruction.
enum class Emission : u8 {
  helper,   // by the interpreter
  native,   // the host's meaning is the guest's: the same instruction, re-encoded
  inlined,  // by an emitter of its own
};

struct Row {
  ZydisMnemonic mnemonic;
  Select select;  // null handler: this form does not exist (#UD)
  bool ends_block = false;
  Emission emission = Emission::helper;
};
inline constexpr bool kGoesOn = false;  // for `ends_block`

// Null if the mnemonic is not implemented.
const Row* row_for(ZydisMnemonic mnemonic);
// All rows, for tests that walk them.
std::span<const Row* const> all_rows();

// The rows of one file of exec/, under the name by which a person speaks of them. At most 32.
struct Theme {
  std::string_view name;
  std::span<const Row> rows;
};
std::span<const Theme> themes();
// Its place in `themes`. MOVSD and CMPSD are one mnemonic each for a string and an SSE instruction.
u8 theme_of(const ZydisDecodedInstruction& instruction);
// A bit for each theme that `name` means: "sse" is all of sse-move, sse-arithmetic ...; "all" is every one. 0: none.
u32 themes_named(std::string_view name);

// Which feature an instruction needs.
Feature feature_of(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands);

// Selectors for rows with one meaning for all forms, or one for each operand size.
template <Helper function, After after = After::next>
Handler always(const Shape&) {
  return helper<function, after>;
}
// function<T> for T = u8, u16, u32 by the operand's size.
template <Helper f8, Helper f16, Helper f32, After after = After::next>
Handler by_size(const Shape& shape) {
  switch (shape.bits) {
    case 8: return helper<f8, after>;
    case 16: return helper<f16, after>;
    default: return helper<f32, after>;
  }
}

namespace rows {
std::span<const Row> move();
std::span<const Row> arithmetic();
std::span<const Row> logic();
std::span<const Row> shift();
std::span<const Row> bit();
std::span<const Row> multiply_divide();
std::span<const Row> decimal();
std::span<const Row> stack();
std::span<const Row> branch();
std::span<const Row> string();
std::span<const Row> flag_operations();
std::span<const Row> port_io();
std::span<const Row> system();
std::span<const Row> segment_load();
std::span<const Row> far_transfer();
std::span<const Row> x87();
std::span<const Row> x87_control();
std::span<const Row> mmx();
std::span<const Row> packed_arithmetic();
std::span<const Row> packed_shift();
std::span<const Row> packed_shuffle();
std::span<const Row> sse_move();
std::span<const Row> sse_arithmetic();
std::span<const Row> sse_convert();
std::span<const Row> sse_control();
// MOV's forms that belong to other themes.
Handler select_load_segment(const Shape& shape);   // MOV Sreg, r/m16
Handler select_store_segment(const Shape& shape);  // MOV r/m, Sreg
Handler select_mov_system(const Shape& shape);     // control and debug registers
// Far forms of JMP, CALL and RET.
Handler select_jmp_far(const Shape& shape);
Handler select_call_far(const Shape& shape);
Handler select_ret_far(const Shape& shape);
Handler select_pop_segment(const Shape& shape);
// MOVSD and CMPSD without operands; the SSE rows of these mnemonics fall back to them.
Handler select_movsd_string(const Shape& shape);
Handler select_cmpsd_string(const Shape& shape);
}  // namespace rows

}  // namespace penumbra
