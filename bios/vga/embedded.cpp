// The VGA BIOS as bytes inside the program.
#include "bios/firmware.h"

extern "C" {
extern const penumbra::u8 penumbra_vga_bios[];
extern const penumbra::u8 penumbra_vga_bios_end[];
}

namespace penumbra {

std::span<const u8> vga_bios() {
  return {penumbra_vga_bios, static_cast<std::size_t>(penumbra_vga_bios_end - penumbra_vga_bios)};
}

}  // namespace penumbra
