// Choice of the engine that user-mode cases run on.
#include "conformance/engine_subject.h"

namespace penumbra::conformance {

std::unique_ptr<Subject> engine_subject(const Options&) { return nullptr; }

}  // namespace penumbra::conformance
