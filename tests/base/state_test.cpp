// The state visitors: what is written comes back, and what does not fit is refused by name.
#include "core/base/state.h"

#include <doctest/doctest.h>

#include "core/base/error.h"

namespace penumbra {
namespace {

struct Sample {
  u8 small = 0x12;
  bool flag = true;
  std::array<u16, 3> table{1, 2, 3};
  std::vector<u8> fifo = std::vector<u8>(2, 9);

  void visit(State& state) {
    StateSection section(state, "sample", 2);
    state.field("small", small);
    state.field("flag", flag);
    state.field("table", table);
    state.field("fifo", fifo, 16);
  }
};

TEST_CASE("a saved state loads into a scrambled component") {
  Sample original;
  StateWriter writer;
  original.visit(writer);
  Sample scrambled{0, false, {7, 7, 7}, std::vector<u8>(5, 1)};
  StateReader reader(writer.bytes());
  scrambled.visit(reader);
  CHECK(scrambled.small == 0x12);
  CHECK(scrambled.flag);
  CHECK(scrambled.table == original.table);
  CHECK(scrambled.fifo == original.fifo);
}

TEST_CASE("every truncation is an error that names something, never a crash") {
  Sample original;
  StateWriter writer;
  original.visit(writer);
  for (std::size_t length = 0; length < writer.bytes().size(); ++length) {
    StateReader reader(std::span(writer.bytes()).first(length));
    Sample target;
    CHECK_THROWS_AS(target.visit(reader), ConfigError);
  }
}

TEST_CASE("the hash sees every field") {
  Sample a, b;
  b.table[2] = 4;
  StateHasher ha, hb;
  a.visit(ha);
  b.visit(hb);
  CHECK(ha.hash() != hb.hash());
}

}  // namespace
}  // namespace penumbra
