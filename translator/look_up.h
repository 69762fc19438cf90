// An indirect branch: the lookup table asked by emitted code.
#pragma once

#include "translator/assembler.h"

namespace penumbra {

enum class Flow : u8 { jump, call };
// Where CS has a base, its linear address is looked up, and its EIP compared as well.
enum class Lookup : u8 { flat, based };

// Goes to the guest address in R8, by a host jump or call, where the table knows it. Returns the place of the jump for
// the other case, to be bound to code that leaves with R8 as EIP. No flag changes. Polls on the way.
u64 emit_look_up(Assembler& a, Flow flow, Lookup kind);

// Whether the poll at this host address is that of a look-up: then what the guest is about to execute is at R8.
bool is_look_up_poll(const u8* poll);

}  // namespace penumbra
