// Penumbra's processor as a subject, with memory and nothing else, in protected or in real mode.
#pragma once

#include <memory>

#include "conformance/real_mode.h"
#include "conformance/subject.h"

namespace penumbra::conformance {

// `model` as in `--cpu`: "p4". `translated`: by the translator, else by the interpreter.
std::unique_ptr<Subject> processor_subject(const char* model, bool translated);
std::unique_ptr<RealModeSubject> processor_real_mode(const char* model, bool translated);

}  // namespace penumbra::conformance
