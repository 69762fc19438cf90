// What thunks are made of, beside the assembler's own forms.
#pragma once

#include "translator/assembler.h"
#include "translator/context.h"

namespace penumbra::thunk_parts {

inline constexpr u8 kLoad[] = {0x8B}, kStore[] = {0x89}, kGroup1[] = {0x81}, kShift[] = {0xC1}, kAdd[] = {0x03},
                    kOr[] = {0x0B}, kSubtract[] = {0x2B}, kCompare[] = {0x3B}, kCompareByte[] = {0x80},
                    kGroup3[] = {0xF7};
inline constexpr unsigned kEqual = 4, kNotEqual = 5;  // conditions of Jcc

inline void push(Assembler& a, Host r) {
  if (r & 8) a.byte(0x41);
  a.byte(0x50 | (r & 7));
}
inline void pop(Assembler& a, Host r) {
  if (r & 8) a.byte(0x41);
  a.byte(0x58 | (r & 7));
}
// Group 1 with a 32-bit immediate.
inline constexpr unsigned kOrImmediate = 1, kAnd = 4, kCompareImmediate = 7;
inline void arithmetic(Assembler& a, unsigned operation, Host r, u32 immediate) {
  a.with_register({.opcode = kGroup1}, operation, r);
  a.dword(immediate);
}
inline constexpr unsigned kNegate = 3;  // group 3
inline constexpr unsigned kShiftLeft = 4, kShiftRight = 5, kShiftRightSigned = 7;
inline void shift(Assembler& a, unsigned operation, Host r, unsigned count) {
  a.with_register({.opcode = kShift}, operation, r);
  a.byte(count);
}

// RAX's flags are the guest's on the way in and out; R15 keeps RAX. Six flags: LAHF has all but OF.
inline void save_flags(Assembler& a) {
  constexpr u8 kSeto[] = {0x0F, 0x90};
  a.with_register({.opcode = kLoad, .wide = true}, R15, RAX);
  a.byte(0x9F);  // lahf
  a.with_register({.opcode = kSeto}, 0, RAX);
}
inline void set_flags(Assembler& a) {
  // 1 + 127 overflows a signed byte, 0 + 127 does not.
  a.byte(0x04);
  a.byte(0x7F);
  a.byte(0x9E);  // sahf
}
inline void restore_flags(Assembler& a) {
  set_flags(a);
  a.with_register({.opcode = kLoad, .wide = true}, RAX, R15);
}

inline constexpr unsigned kOverflowBit = 11;  // of EFLAGS
// The six flags from an image of EFLAGS in R8, without POPF, which takes long. Changes RAX and R10.
inline void load_flags(Assembler& a) {
  a.move(RAX, R8);
  shift(a, kShiftLeft, RAX, 8);
  a.move(R10, R8);
  shift(a, kShiftRight, R10, kOverflowBit);
  arithmetic(a, kAnd, R10, 1);
  a.with_register({.opcode = kOr}, RAX, R10);
  set_flags(a);
}

// R8, a linear address, becomes the host address of so many bytes there, by the software TLB. The place of the jump for
// what the TLB does not know, with R8 as it was. Changes R10, R11 and the flags.
u64 soft_address(Assembler& a, bool write, u32 bytes);
// The end of a thunk that has met such a miss, with the guest's registers and flags as they were but for R8, R10, R11
// and R15: leaves emitted code, so that the TLB is filled and the instruction begun anew. `leave` is Thunks::leave.
void leave_for_soft_miss(Assembler& a, u64 leave, bool write, u32 bytes);

}  // namespace penumbra::thunk_parts
