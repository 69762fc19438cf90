// Choice of the engine that CPU cases run on.
#include "conformance/engine_subject.h"

#include "conformance/host_cpu.h"
#include "conformance/real_mode.h"

namespace penumbra::conformance {

std::unique_ptr<Subject> engine_subject(const Options& options) {
  if (options.self_check) return HostCpu::create();
  return nullptr;
}

std::unique_ptr<RealModeSubject> real_mode_subject(const Options&) { return nullptr; }

}  // namespace penumbra::conformance
