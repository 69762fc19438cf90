// One case of the test kernel a machine: boots the kernel with the case's name and reads the verdict from COM1.
#include "conformance/system_suite.h"

#include <fmt/format.h>

#include <span>
#include <string_view>

#include "conformance/memory_file.h"
#include "core/base/bits.h"
#include "core/machine/machine.h"

extern "C" const penumbra::u8 penumbra_system_tests[], penumbra_system_tests_end[];

namespace penumbra::conformance {
namespace {

// Start-up of the firmware and the longest case, many times over.
// A case ends well below either.
constexpr u64 kInstructions = 400'000'000;
constexpr Ticks kTime = seconds(20);
constexpr u32 kLoadAddress = 0x100000;

std::span<const u8> image() { return {penumbra_system_tests, penumbra_system_tests_end}; }

// The names in the kernel's table of cases, which its header points to (system/start.S).
std::vector<std::string> case_names() {
  const std::string_view bytes(reinterpret_cast<const char*>(image().data()), image().size());
  const std::size_t header = bytes.find("PENUMBRA-CASES");
  std::vector<std::string> names;
  const u32 first = load<u32>(&image()[header + 16]), last = load<u32>(&image()[header + 20]);
  for (u32 entry = first; entry != last; entry += 8)
    names.emplace_back(bytes.data() + (load<u32>(&image()[entry - kLoadAddress]) - kLoadAddress));
  return names;
}

// The rest of the line that begins with `start`; nothing if there is none.
std::optional<std::string> line_after(const std::string& text, const std::string& start) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) return std::nullopt;
    const std::string_view line(text.data() + at, end - at);
    if (line.starts_with(start) && (line.size() == start.size() || line[start.size()] == ' '))
      return std::string(line.substr(std::min(line.size(), start.size() + 1)));
    at = end + 1;
  }
  return std::nullopt;
}

CaseResult run_case(const std::string& name, const Options& options) {
  const MemoryFile file("system-tests", image());
  MachineConfig config;
  config.memory_bytes = u64{64} << 20;
  config.kernel = file.path();
  config.append = "case=" + name;
  config.engine = engine_named(options.engine);
  config.translator = options.translator;
  // Emitted code counts no instructions, so that time is the host's then.
  config.icount = config.engine != EngineKind::translator;
  config.no_reboot = true;
  Trace trace;
  Machine machine(config, trace);
  std::string output;
  machine.serial(0).send_to([&output](u8 byte) { output += static_cast<char>(byte); });
  std::optional<Stop> stop;
  const Ticks time = options.timeout ? seconds(options.timeout) : kTime;
  const auto in_time = [&] {
    return config.icount ? machine.instructions() < kInstructions : machine.clock().now() < time;
  };
  while (!stop && in_time()) stop = machine.run_for(milliseconds(20));

  if (line_after(output, "PASS " + name)) return passed();
  if (const auto detail = line_after(output, "FAIL " + name)) return failed(*detail);
  if (const auto reason = line_after(output, "SKIP " + name)) return skipped(*reason);
  if (!line_after(output, "RUN " + name))
    return failed(fmt::format("the kernel did not start: {} {}", stop ? stop->detail : "", output));
  if (name.starts_with("shutdown.")) {
    if (stop && stop->reason == StopReason::triple_fault) return passed();
    return failed("the processor did not shut down");
  }
  return failed(
      stop ? "stopped without a verdict: " + stop->detail
           : fmt::format("no verdict within {} instructions or {} s", kInstructions, time.value / 1'000'000'000));
}

}  // namespace

Suite system_suite(const Options&) {
  Suite suite{"cpu-system", {}};
  for (const std::string& name : case_names())
    suite.cases.push_back({name, [name](const Options& options) { return run_case(name, options); }});
  return suite;
}

}  // namespace penumbra::conformance
