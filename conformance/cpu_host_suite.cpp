#include "conformance/cpu_host_suite.h"
namespace penumbra::conformance {
Suite cpu_host_suite(const Options&) { return {"cpu-host", {}}; }
}  // namespace penumbra::conformance
