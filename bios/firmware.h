// The firmware that the build makes and carries inside the program.
#pragma once

#include <span>

#include "core/base/types.h"

namespace penumbra {

// The system BIOS: 128 KiB that end at 4 GiB and show again at E0000h-FFFFFh (bios/README.md).
std::span<const u8> system_bios();

// The VGA BIOS: an option ROM for C0000h, its length in its third byte in units of 512.
std::span<const u8> vga_bios();

}  // namespace penumbra
