// The system BIOS image as the program sees it.
#include "bios/firmware.h"

extern "C" {
extern const penumbra::u8 penumbra_system_bios[];
extern const penumbra::u8 penumbra_system_bios_end[];
}

namespace penumbra {

std::span<const u8> system_bios() { return {penumbra_system_bios, penumbra_system_bios_end}; }

}  // namespace penumbra
