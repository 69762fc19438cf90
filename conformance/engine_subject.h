// Penumbra's engines as subjects of user-mode cases.
#pragma once

#include <memory>

#include "conformance/subject.h"
#include "conformance/suite.h"

namespace penumbra::conformance {

// What `options` ask for: an engine, or with --self-check the host CPU again.
std::unique_ptr<Subject> engine_subject(const Options& options);

}  // namespace penumbra::conformance
