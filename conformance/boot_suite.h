// Suite `boot`: real media booted by `penumbra run`, without a window, with our BIOS and with SeaBIOS.
#pragma once

#include "conformance/suite.h"

namespace penumbra::conformance {

Suite boot_suite(const Options& options);

}  // namespace penumbra::conformance
