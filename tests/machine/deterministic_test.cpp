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

TEST_CASE("the hash tells different moments apart") { CHECK(hash_after(1'000'000) != hash_after(1'000'100)); }

}  // namespace
}  // namespace penumbra
