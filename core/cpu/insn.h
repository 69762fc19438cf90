// One decoded guest instruction, condensed from Zydis' result to what execution needs, and the block it stands in.
#pragma once

#include "core/base/types.h"
#include "core/cpu/cpu_state.h"

namespace penumbra {

class Cpu;
struct Insn;

// Executes one instruction and then, by a tail call, the next one of the block. See exec/handlers.h.
using Handler = void (*)(Cpu&, const Insn*);

enum class Repeat : u8 { none, rep, repne };

struct Insn {
  Handler handler = nullptr;
  u32 immediate = 0;  // sign-extended to the operand's width; branch displacement; far pointer's offset
  u32 displacement = 0;
  // Byte offsets into CpuState::gpr; 8-bit registers point at their byte. The ninth register is always 0.
  u8 base = 32, index = 32;
  u8 scale = 0;           // a shift count
  u8 segment = DS;        // of the memory operand
  u8 dst = 32, src = 32;  // first and second register operand; x87, MMX, XMM, control and segment registers by number
  u8 length = 0;
  u8 operand_bits = 32;  // operand size attribute, 16 or 32 (8 for byte forms)
  u16 offset = 0;        // of the first byte, from the block's start
  u16 immediate2 = 0;    // ENTER's level, far pointer's selector
  u8 repeat : 2 = 0;     // Repeat
  u8 address16 : 1 = 0;  // 16-bit address size
  u8 memory : 1 = 0;     // has an explicit memory operand
  u8 lock : 1 = 0;
  u8 ends : 1 = 0;                 // this form ends its block though its row does not
  u8 position = 0;                 // its number in the block
  u16 opcode = 0;                  // the x87's 11-bit opcode (FOP)
  u32 address_mask = 0xFFFF'FFFF;  // FFFFh for a 16-bit address size

  Repeat repetition() const { return static_cast<Repeat>(repeat); }
};
static_assert(sizeof(Insn) == 40);

// What a block's decoding assumed; part of its key.
namespace mode_key {
inline constexpr u8 kCode32 = 1;  // CS.D
inline constexpr u8 kUser = 2;    // CPL 3: keeps links between blocks within one privilege
inline constexpr u8 kSingle = 4;  // one instruction only
}  // namespace mode_key

struct Block;

// A remembered successor. Right only while the page map epoch and the branch's own EIP are what they were.
struct Link {
  Block* target = nullptr;
  u32 from_eip = 0;
  u32 epoch = 0;
};

// A straight run of instructions in one page (or one instruction across two), followed by a pseudo-instruction that
// leaves the block where no branch does.
struct Block {
  static constexpr unsigned kMostInsns = 32;

  u64 physical = 0;  // of the first byte
  u32 bytes = 0;
  u16 count = 0;  // instructions, without the pseudo-instruction
  u8 mode = 0;
  bool valid = false;             // in the cache, and not invalidated since
  bool straddles = false;         // its bytes reach into second_page
  u64 second_page = 0;            // physical page address
  Block* next = nullptr;          // in the hash chain
  Block* next_in_page = nullptr;  // of the page of the first byte
  Link taken, fallthrough;
  Insn* insns = nullptr;  // count + 1 of them
};

}  // namespace penumbra
