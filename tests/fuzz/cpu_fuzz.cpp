// Fuzzes the processor: guest code, registers, descriptors and page tables of any content, run for a bounded number of
// instructions in every mode, with interrupts, DMA into code and a moving memory map.
#include <map>

#include "core/base/check.h"
#include "tests/support/fuzz_input.h"
#include "tests/support/fuzzed_code.h"
#include "tests/support/fuzzed_processor.h"

namespace penumbra {
namespace {

void fuzz(FuzzedProcessor& machine, FuzzInput& input) {
  machine.begin(input);
  for (unsigned turn = 0; turn < 12; ++turn) {
    write_code(input, machine.memory, FuzzedProcessor::kCode + (turn % 4) * 0x1000, 24);
    switch (input.byte() % 8) {
      case 0: machine.cpu.raise_nmi(); break;
      case 1: machine.interrupts.waiting = input.byte(); break;
      case 2: machine.memory.set_a20(input.byte() & 1); break;
      case 3: machine.cpu.set_ignne(input.byte() & 1); break;
      case 4: machine.save_and_load(); break;
      case 5: machine.cpu.halted = false; break;
      default: break;
    }
    // A repeated string instruction counts for each 4096 elements: one without end must not take the whole time.
    machine.cpu.gpr[ECX] &= 0xFFFF;
    const u64 budget = 1 + input.byte();
    const u64 before = machine.cpu.instructions();
    machine.cpu.run(budget);
    const u64 executed = machine.cpu.instructions() - before;
    CHECK_THAT(executed <= budget, "{} instructions executed of {}", executed, budget);
    machine.check();
    if (input.empty()) break;
  }
}

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A machine for each model, made once.
  static std::map<unsigned, std::unique_ptr<penumbra::FuzzedProcessor>> machines;
  if (size < 16) return 0;
  constexpr const char* kModels[] = {"486", "pentium", "p2", "p3", "p4", "p4", "p4", "p4"};
  const unsigned which = data[0] & 7;
  std::unique_ptr<penumbra::FuzzedProcessor>& machine = machines[which < 5 ? which : 4];
  if (!machine) machine = std::make_unique<penumbra::FuzzedProcessor>(kModels[which]);
  penumbra::FuzzInput input({data + 1, size - 1});
  penumbra::fuzz(*machine, input);
  return 0;
}
