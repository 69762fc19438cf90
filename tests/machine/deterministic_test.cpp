// Under --icount a run is a function of its configuration: ten machines end in the same state.
#include <doctest/doctest.h>

#include "core/machine/machine.h"

namespace penumbra {
namespace {

u64 hash_after(u64 instructions) {
  MachineConfig config;
  config.memory_bytes = 8 << 20;
  config.icount = true;
  Trace trace;
  Machine machine(config, trace);
  machine.run_instructions(instructions);
  return machine.state_hash();
}

TEST_CASE("ten runs of the firmware end with the same state hash") {
  const u64 first = hash_after(3'000'000);
  for (int n = 0; n < 9; ++n) CHECK(hash_after(3'000'000) == first);
}

TEST_CASE("lockstep compares the firmware's blocks, repeatably, and takes as many instructions as the interpreter") {
  const auto run = [](EngineKind engine, u64& hash) {
    MachineConfig config;
    config.memory_bytes = 8 << 20;
    config.icount = true;
    config.engine = engine;
    Trace trace;
    Machine machine(config, trace);
    CHECK(!machine.run_for(milliseconds(30)));
    u64 compared = 0;
    for (const EventCount& count : machine.engine_counts())
      if (std::string_view(count.name) == "lockstep: blocks compared") compared = count.total;
    CHECK((compared > 0) == (engine == EngineKind::lockstep));
    hash = machine.state_hash();
    return machine.instructions();
  };
  u64 hash = 0, first = 0, second = 0;
  const u64 interpreted = run(EngineKind::interpreter, hash);
  CHECK(run(EngineKind::lockstep, first) == interpreted);
  CHECK(run(EngineKind::lockstep, second) == interpreted);
  CHECK(first == second);
}

TEST_CASE("the hash tells different moments apart") { CHECK(hash_after(1'000'000) != hash_after(1'000'100)); }

}  // namespace
}  // namespace penumbra
