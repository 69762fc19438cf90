// What happens when a CHECK fails.
#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace penumbra {

void check_failed(const char* file, int line, const char* condition, const std::string& detail) {
  fmt::print(stderr, "penumbra: internal error: {}:{}: {} {}\n", file, line, condition, detail);
  std::abort();
}

}  // namespace penumbra
