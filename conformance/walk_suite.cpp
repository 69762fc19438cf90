// Boots the kernel of conformance/mutation on both engines with the same seed and number of steps, and compares the
// checksums that it prints. What the manual determines the kernel has checked itself.
#include "conformance/walk_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <sstream>

#include "conformance/memory_file.h"
#include "core/machine/machine.h"

extern "C" const penumbra::u8 penumbra_random_walks[], penumbra_random_walks_end[];

namespace penumbra::conformance {
namespace {

struct Setting {
  const char* name;
  u32 promote = 1000;  // entries until a block becomes window code
  u32 block = 64;
  u64 cache = u64{64} << 20;
  bool forgets = false;
  u32 check = 4096;
  u32 share = 1;  // it is this many times slower
};

constexpr Setting kSettings[] = {
    {.name = "soft", .promote = ~u32{0}},
    {.name = "hot", .promote = 10},
    {.name = "window", .promote = 0, .share = 4},
    {.name = "single", .promote = 20, .block = 1, .share = 2},
    {.name = "small-cache", .promote = 20, .cache = 256 << 10, .share = 2},
    {.name = "checked", .promote = 10, .check = 1},
    {.name = "checked-window", .promote = 0, .check = 1, .share = 4},
    {.name = "forget", .promote = 0, .forgets = true, .share = 200},
};

struct Walk {
  const char* name;  // as the kernel's command line has it
  u64 steps, quick_steps;
  unsigned seeds;
};

struct Trail {
  std::vector<std::string> lines;
  std::string report;  // the engine's own
  std::string stopped;
};

Trail follow(const Walk& walk, u64 seed, u64 steps, const Setting* setting, MmuKind mmu) {
  const MemoryFile file("random-walks", {penumbra_random_walks, penumbra_random_walks_end});
  MachineConfig config;
  config.memory_bytes = u64{64} << 20;
  config.kernel = file.path();
  config.append = fmt::format("walk={} seed={} steps={}", walk.name, seed, steps);
  config.no_reboot = true;
  if (setting) {
    config.engine = EngineKind::translator;
    config.translator.mmu = mmu;
    config.translator.promote_after = setting->promote;
    config.translator.block_instructions = setting->block;
    config.translator.code_bytes = setting->cache;
    config.translator.forget_always = setting->forgets;
    config.translator.check_after = setting->check;
  } else {
    config.icount = true;
  }
  Trace trace;
  Machine machine(config, trace);
  std::string output;
  machine.debug_console().send_to([&output](u8 byte) { output += static_cast<char>(byte); });
  std::optional<Stop> stop;
  while (!stop) stop = machine.run_for(milliseconds(20));
  Trail trail;
  for (const EventCount& one : machine.engine_counts())
    if (one.total && !one.name.starts_with("instructions"))
      trail.report += fmt::format("{}{} {}", trail.report.empty() ? "" : ", ", one.name, one.total);
  if (stop->reason != StopReason::debug_exit) trail.stopped = stop->detail;
  std::istringstream all(output);
  // The firmware may have said something before.
  for (std::string line; std::getline(all, line);)
    if (line.starts_with("step ") || line.starts_with("WRONG ") || line.starts_with("END "))
      trail.lines.push_back(line);
  return trail;
}

// Empty if the walk went to its end as the manual has it.
std::string complaint(const char* engine, const Trail& trail) {
  std::string text;
  for (const std::string& line : trail.lines)
    if (line.starts_with("WRONG ") && text.size() < 2000) text += fmt::format("\n    {}: {}", engine, line);
  if (!text.empty()) return text;
  if (trail.lines.empty() || !trail.lines.back().starts_with("END right"))
    return fmt::format("\n    {}: ended early, after \"{}\": {}", engine, trail.lines.empty() ? "" : trail.lines.back(),
                       trail.stopped);
  return {};
}

CaseResult run_case(const Walk& walk, const Setting& setting, unsigned number, const Options& options) {
  if (options.self_check) return skipped("compares engines with each other already");
  const u64 steps = options.cases ? options.cases : options.quick ? walk.quick_steps : walk.steps / setting.share;
  const u64 seed = options.seed + number;
  const Trail interpreted = follow(walk, seed, steps, nullptr, options.translator.mmu);
  const Trail translated = follow(walk, seed, steps, &setting, options.translator.mmu);
  std::string wrong = complaint("interpreter", interpreted) + complaint("translator", translated);
  const auto [a, b] = std::mismatch(interpreted.lines.begin(), interpreted.lines.end(), translated.lines.begin(),
                                    translated.lines.end());
  const auto line = [](const Trail& trail, auto at) { return at == trail.lines.end() ? std::string("nothing") : *at; };
  if (a != interpreted.lines.end() || b != translated.lines.end())
    wrong += fmt::format("\n    interpreter: {}\n    translator:  {}", line(interpreted, a), line(translated, b));
  if (!wrong.empty()) return failed(fmt::format("seed {}, {} steps:{}", seed, steps, wrong));
  return passed(fmt::format("seed {}, {} steps; {}", seed, steps, translated.report));
}

Suite walk_suite(const char* name, const Walk& walk) {
  Suite suite{name, {}};
  unsigned number = 0;
  for (const Setting& setting : kSettings)
    for (unsigned n = 0; n < walk.seeds; ++n, ++number)
      suite.cases.push_back(
          {fmt::format("{}/{}", setting.name, n),
           [&walk, &setting, number](const Options& options) { return run_case(walk, setting, number, options); },
           n == 0 && !setting.forgets, 1800});
  return suite;
}

}  // namespace

Suite cpu_mutation_suite(const Options&) {
  static constexpr Walk kWalk{"code", 4'000, 40, 4};
  return walk_suite("cpu-mutation", kWalk);
}

Suite cpu_paging_suite(const Options&) {
  static constexpr Walk kWalk{"paging", 4'000, 60, 4};
  return walk_suite("cpu-paging", kWalk);
}

}  // namespace penumbra::conformance
