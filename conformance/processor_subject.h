// Penumbra's processor as a subject, with memory and nothing else, in protected or in real mode.
#pragma once

#include <memory>

#include "conformance/real_mode.h"
#include "conformance/subject.h"
#include "core/machine/config.h"

namespace penumbra::conformance {

// `model` as in `--cpu`: "p4".
std::unique_ptr<Subject> processor_subject(const char* model, EngineKind engine);
std::unique_ptr<RealModeSubject> processor_real_mode(const char* model, EngineKind engine);

}  // namespace penumbra::conformance
