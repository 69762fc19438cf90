// The PCI-to-ISA bridge: identity and interrupt routing.
#include "devices/piix3.h"

#include <doctest/doctest.h>

#include <array>

namespace penumbra {
namespace {

struct Board {
  Trace trace;
  std::array<bool, 16> irq{};
  int calls = 0;
  Piix3 bridge{trace, [this](unsigned n, bool level) {
                 irq[n] = level;
                 ++calls;
               }};
};

TEST_CASE("the bridge is a multifunction device") {
  Board b;
  CHECK(b.bridge.config_read(0, Width::dword) == 0x70008086);
  CHECK(b.bridge.config_read(0x0E, Width::byte) == 0x80);
  CHECK(b.bridge.config_read(0x0A, Width::word) == 0x0601);
  CHECK(b.bridge.config_read(0x60, Width::dword) == 0x80808080);
}

TEST_CASE("a PIRQ reaches the interrupt it is routed to, and moves with the route") {
  Board b;
  b.bridge.set_pirq(1, true);
  CHECK(b.calls == 0);
  b.bridge.config_write(0x61, Width::byte, 10);
  CHECK(b.irq[10]);
  b.bridge.config_write(0x61, Width::byte, 11);
  CHECK_FALSE(b.irq[10]);
  CHECK(b.irq[11]);
  b.bridge.config_write(0x61, Width::byte, 0x8B);
  CHECK_FALSE(b.irq[11]);
}

TEST_CASE("wires routed to one interrupt share it") {
  Board b;
  b.bridge.config_write(0x60, Width::dword, 0x0B0B0A0A);
  b.bridge.set_pirq(0, true);
  b.bridge.set_pirq(1, true);
  CHECK(b.calls == 1);
  b.bridge.set_pirq(0, false);
  CHECK(b.irq[10]);
  b.bridge.set_pirq(1, false);
  CHECK_FALSE(b.irq[10]);
}

TEST_CASE("reserved routes reach nothing") {
  for (const u32 route : {0u, 1u, 2u, 8u, 13u}) {
    Board b;
    b.bridge.config_write(0x60, Width::byte, route);
    b.bridge.set_pirq(0, true);
    CHECK(b.calls == 0);
  }
}

TEST_CASE("a reset drops what was routed; saved state brings it back without driving lines") {
  Board b;
  b.bridge.config_write(0x62, Width::byte, 5);
  b.bridge.set_pirq(2, true);
  StateWriter saved;
  b.bridge.visit(saved);
  b.bridge.reset(Reset::hard);
  CHECK_FALSE(b.irq[5]);
  CHECK(b.bridge.config_read(0x62, Width::byte) == 0x80);
  const int calls = b.calls;
  StateReader reader(saved.bytes());
  b.bridge.visit(reader);
  CHECK(b.calls == calls);
  b.bridge.set_pirq(2, false);
  CHECK(b.calls == calls + 1);
}

}  // namespace
}  // namespace penumbra
