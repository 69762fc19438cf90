// Numbers and sizes as people write them. The parsers throw ConfigError saying what was expected; the caller puts the
// option's name in front.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/types.h"

namespace penumbra {

// Decimal, or hexadecimal with 0x; nothing if it is something else.
std::optional<u64> number_of(std::string_view text);
// The same between `least` and `most`.
u64 parse_number(std::string_view text, u64 least, u64 most);

// Bytes: a number followed by K, M or G (also KiB, KB ...); without a suffix, MiB as with QEMU's -m.
// From 1 MiB to 60 GiB, a multiple of 4 KiB.
u64 parse_memory_size(std::string_view text);

}  // namespace penumbra
