// Operand values weighted towards the edges: the ones that implementations get wrong.
#pragma once

#include <span>

#include "conformance/random.h"

namespace penumbra::conformance {

enum class Format : u8 { integers, single, real, extended, decimal };  // what an operand's bytes are likely read as

u32 edge_u32(Random& random);
u32 edge_single(Random& random);
u64 edge_double(Random& random);
// Ten bytes: every class of IEEE and of unsupported 80-bit numbers.
void edge_extended(Random& random, u8* to);
// Ten bytes of packed BCD, now and then with digits above 9.
void edge_decimal(Random& random, u8* to);
// Fills memory or a vector register with values of one format.
void fill(Random& random, Format format, std::span<u8> to);

}  // namespace penumbra::conformance
