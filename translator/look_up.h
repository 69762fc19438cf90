// An indirect branch: the lookup table asked by emitted code.
#pragma once

#include <array>

#include "translator/assembler.h"

namespace penumbra {

enum class Flow : u8 { jump, call };
// Where CS has a base, its linear address is looked up, and its EIP compared as well.
enum class Lookup : u8 { flat, based };

// Goes to the guest address in R8, by a host jump or call, where the table knows it and polls are left. Returns the
// places of the jumps for the other cases, to be bound to code that leaves with R8 as EIP. No flag changes.
std::array<u64, 2> emit_look_up(Assembler& a, Flow flow, Lookup kind);

}  // namespace penumbra
