// The isolation boundary: emitted code is decoded again, and every access to memory must be one of those allowed.
#pragma once

#include <span>

#include "core/base/types.h"
#include "translator/thunks.h"

namespace penumbra {

// CHECKs that each instruction of emitted code addresses memory only through GS with 32-bit addresses (the window),
// through R13 inside of the Context, or by the lookup table's own form; and that none leaves for somewhere else.
void verify_emitted(std::span<const u8> code, u64 at, const Thunks& thunks);

}  // namespace penumbra
