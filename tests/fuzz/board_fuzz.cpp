// Fuzzes the whole board: any port, memory and PCI configuration accesses in any order, with time, media changes, a
// little execution and saved states between them.
#include "tests/support/fuzzed_board.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One board for all inputs: making it anew would be most of the work.
  static penumbra::FuzzedBoard machine;
  machine.begin();
  penumbra::FuzzInput input({data, size});
  while (!input.empty()) machine.step(input);
  return 0;
}
