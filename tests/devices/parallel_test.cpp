// The parallel port: strobing bytes out, acknowledge interrupts, what probes read.
#include "devices/parallel.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

struct Board {
  Board() {
    port.send_to([this](u8 byte) { printed += static_cast<char>(byte); });
  }
  void out(u16 at, u32 value) { ports.out(at, Width::byte, value); }
  u32 in(u16 at) { return ports.in(at, Width::byte); }
  void print(char c) {
    out(0x378, static_cast<u8>(c));
    out(0x37A, (in(0x37A) & 0x1F) | 1);
    out(0x37A, in(0x37A) & 0x1E);
  }
  Trace trace;
  PortBus ports{trace};
  RecordingLine irq;
  std::string printed;
  ParallelPort port{ports, irq, trace, 0x378, "lpt1"};
};

TEST_CASE("a byte is printed once for each strobe") {
  Board b;
  b.print('O');
  b.print('K');
  b.out(0x37A, 1);
  b.out(0x37A, 1);
  CHECK(b.printed == "OKK");
  CHECK(b.irq.rises() == 0);
}

TEST_CASE("the printer is ready and registers read back") {
  Board b;
  CHECK(b.in(0x379) == 0xDF);
  b.out(0x378, 0x5A);
  CHECK(b.in(0x378) == 0x5A);
  b.out(0x37A, 0xFE);
  CHECK(b.in(0x37A) == 0xFE);
  b.out(0x37A, 0x0C);
  CHECK(b.in(0x37A) == 0xEC);
}

TEST_CASE("each acknowledge is an edge while interrupts are enabled") {
  Board b;
  b.out(0x37A, 0x1C);
  CHECK(b.irq.rises() == 0);
  b.print('a');
  b.print('b');
  CHECK(b.irq.rises() == 2);
  b.out(0x37A, 0x0C);
  CHECK_FALSE(b.irq.level());
}

TEST_CASE("saving, resetting and loading") {
  Board b;
  b.out(0x378, 0x42);
  b.out(0x37A, 0x1D);
  StateWriter saved;
  b.port.visit(saved);
  b.port.reset(Reset::hard);
  CHECK(b.in(0x378) == 0);
  StateReader reader(saved.bytes());
  b.port.visit(reader);
  CHECK(b.in(0x378) == 0x42);
  CHECK(b.in(0x37A) == 0xFD);
}

}  // namespace
}  // namespace penumbra
