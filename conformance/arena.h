// Where a user-mode case lives: the same linear addresses for every subject, so that addresses in results compare.
#pragma once

#include <array>

#include "core/base/types.h"

namespace penumbra::conformance {

// Two read-only pages of code, filled with HLT outside of the case's own bytes; what surrounds them is not mapped.
inline constexpr u32 kCodeBase = 0x1000'0000;
inline constexpr u32 kCodeBytes = 2 * kPageSize;
// Two writable pages and a read-only one; what surrounds them is not mapped.
inline constexpr u32 kDataBase = 0x2000'0000;
inline constexpr u32 kDataWritable = 2 * kPageSize;
inline constexpr u32 kDataBytes = 3 * kPageSize;
// The host harness keeps its own two pages here, with a good distance around them that no case may touch.
inline constexpr u32 kHarnessBase = 0x5A5A'0000;
inline constexpr u32 kHarnessKeepAway = 0x10'0000;

// HLT is privileged: at CPL 3 it ends a case with #GP(0) wherever control flow arrives.
inline constexpr u8 kTerminator = 0xF4;

// The bytes at kDataBase, before a run and after it.
struct Arena {
  alignas(64) std::array<u8, kDataBytes> bytes{};
};

}  // namespace penumbra::conformance
