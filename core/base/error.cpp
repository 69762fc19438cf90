// Building errors from the host's errno.
#include "core/base/error.h"

#include <cerrno>
#include <cstring>

namespace penumbra {

HostError host_error(std::string_view what) { return HostError(fmt::format("{}: {}", what, std::strerror(errno))); }

}  // namespace penumbra
