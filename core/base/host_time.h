// The host's clock.
#pragma once

#include "core/base/types.h"

namespace penumbra {

// Nanoseconds since some moment before the process began, never less than before.
i64 host_nanoseconds();

}  // namespace penumbra
