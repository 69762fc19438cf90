// Fuzzes saved states: a good one of the whole board with bytes changed, then accesses to whatever was loaded.
#include "core/base/error.h"
#include "tests/support/fuzzed_board.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static penumbra::FuzzedBoard machine;
  machine.begin();
  static const std::vector<penumbra::u8> good = [] {
    penumbra::StateWriter writer;
    machine.board.visit(writer);
    return writer.bytes();
  }();
  penumbra::FuzzInput input({data, size});
  std::vector<penumbra::u8> bytes = good;
  for (int changes = input.byte() % 8; changes >= 0; --changes) {
    // Most of a state is the frame buffer and RAM-like blobs; what matters stands in front or behind, so half of the
    // changes look for the value of a scalar there.
    std::size_t at = input.dword() % bytes.size();
    for (std::size_t n = 0; n < 4096 && at + 12 < bytes.size(); ++n, ++at)
      if (bytes[at] == 's' && bytes[at + 1] > 0 && bytes[at + 1] < 40) {
        at += 2u + bytes[at + 1];
        break;
      }
    if (at + 8 <= bytes.size())
      for (penumbra::u8 n = input.byte() % 4; n < 4; ++n) bytes[at + n] = input.byte();
  }
  try {
    penumbra::StateReader reader(bytes);
    machine.board.visit(reader);
  } catch (const penumbra::ConfigError&) {
  }
  while (!input.empty()) machine.step(input);
  return 0;
}
