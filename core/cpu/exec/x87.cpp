// Placeholder rows until the x87 instructions land.
#include "core/cpu/isa_table.h"

namespace penumbra {

std::span<const Row> rows::x87() { return {}; }

}  // namespace penumbra
