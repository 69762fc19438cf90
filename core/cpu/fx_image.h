// The x87's and SSE's state as FXSAVE lays it out in 32-bit code (SDM 1, table 10-2).
#pragma once

#include "core/cpu/cpu_state.h"

namespace penumbra {

// What FXSAVE writes outside of 64-bit mode; the rest of its 512 bytes is reserved or untouched.
inline constexpr u32 kFxWritten = 288;

// The x87 part: bytes 0 to 23 and 32 to 159. Other bytes are left as they are.
void store_fx_x87(const X87State& x87, u8* image);
// The same part of an image. Reserved bits of the control word are ignored.
void load_fx_x87(X87State& x87, const u8* image);

}  // namespace penumbra
