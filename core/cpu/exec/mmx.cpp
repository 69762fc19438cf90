// Placeholder rows until the mmx instructions land.
#include "core/cpu/isa_table.h"

namespace penumbra {

std::span<const Row> rows::mmx() { return {}; }

}  // namespace penumbra
