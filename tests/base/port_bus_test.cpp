// The port bus: claims, conflicts, and the splitting of wide accesses.
#include "core/platform/port_bus.h"

#include <doctest/doctest.h>

#include <string>

namespace penumbra {
namespace {

struct Echo : PortHandler {
  u32 port_in(u16 port, Width width) override {
    log += fmt::format("i{:x}.{} ", port, bytes_of(width));
    return port & 0xFF;
  }
  void port_out(u16 port, Width width, u32 value) override {
    log += fmt::format("o{:x}.{}={:x} ", port, bytes_of(width), value);
  }
  std::string log;
};

TEST_CASE("an access wider than the handler takes becomes several, lowest first") {
  Trace trace;
  PortBus bus(trace);
  Echo echo;
  bus.claim({0x60, 0x63}, echo);
  CHECK(bus.in(0x60, Width::dword) == 0x63626160);
  bus.out(0x60, Width::word, 0x1234);
  CHECK(echo.log == "i60.1 i61.1 i62.1 i63.1 o60.1=34 o61.1=12 ");
}

TEST_CASE("an access that leaves the range reads all ones beyond it") {
  Trace trace;
  PortBus bus(trace);
  Echo echo;
  bus.claim({0x70, 0x71}, echo, Width::dword);
  CHECK(bus.in(0x70, Width::dword) == 0xFFFF0070);
  CHECK(bus.in(0x71, Width::word) == 0xFF71);
  CHECK(bus.in(0xFFFF, Width::dword) == 0xFFFFFFFF);
}

TEST_CASE("a movable claim gives way to what is there") {
  Trace trace;
  PortBus bus(trace);
  Echo fixed, moved;
  bus.claim({0x80, 0x80}, fixed);
  CHECK_FALSE(bus.try_claim({0x7F, 0x82}, moved, Width::dword));
  CHECK(bus.try_claim({0x90, 0x9F}, moved, Width::dword));
  bus.release({0x90, 0x9F}, moved);
  CHECK(bus.in(0x90, Width::byte) == 0xFF);
}

}  // namespace
}  // namespace penumbra
