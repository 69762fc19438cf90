// The registers of a native string instruction. Its destination takes no segment override, so that ESI and EDI become
// host addresses for as long as it runs: the window's base, whose low half is 0, plus the guest's 32 bits.
#pragma once

#include "translator/assembler.h"
#include "translator/context.h"

namespace penumbra {

// No flag changes. The guards around the window end a run that leaves it.
inline void emit_string_setup(Assembler& a) {
  constexpr u8 kLea[] = {0x8D};
  a.load_wide(R8, context_field(&Context::window));
  a.move(RCX, RCX);  // clears the upper halves
  for (const Host r : {RSI, RDI}) {
    a.move(r, r);
    a.with_memory({.opcode = kLea, .wide = true}, r, {.base = R8, .index = r});
  }
}

inline void emit_string_end(Assembler& a) {
  a.move(RSI, RSI);
  a.move(RDI, RDI);
}

}  // namespace penumbra
