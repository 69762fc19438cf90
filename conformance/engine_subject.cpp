// Choice of the engine that CPU cases run on.
#include "conformance/engine_subject.h"

#include "conformance/host_cpu.h"
#include "conformance/processor_subject.h"
#include "conformance/real_mode.h"

namespace penumbra::conformance {

std::unique_ptr<Subject> engine_subject(const Options& options) {
  if (options.self_check) return HostCpu::create();
  return processor_subject("p4", engine_named(options.engine), options.translator);
}

std::unique_ptr<RealModeSubject> real_mode_subject(const Options& options) {
  if (options.self_check) return nullptr;
  return processor_real_mode("p4", engine_named(options.engine), options.translator);
}

}  // namespace penumbra::conformance
