// How emitted code reaches guest memory.
#pragma once

#include <string_view>

#include "core/base/types.h"

namespace penumbra {

enum class MmuKind : u8 {
  windows,    // blocks that run often reach memory through windows: by GS, or by a register where that is cheaper
  registers,  // the same, always by a register
  soft,       // all memory through the software TLB
};

// As a person writes them.
inline constexpr const char* kMmuNames = "windows registers soft";
constexpr MmuKind mmu_named(std::string_view name) {
  return name == "soft" ? MmuKind::soft : name == "registers" ? MmuKind::registers : MmuKind::windows;
}

}  // namespace penumbra
