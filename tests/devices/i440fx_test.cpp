// The host bridge: identity, PAM over ROM, the SMRAM lock, RAM in the row boundaries.
#include "devices/i440fx.h"

#include <doctest/doctest.h>

#include <vector>

#include "mmu/guest_memory.h"

namespace penumbra {
namespace {

struct Board {
  explicit Board(u64 ram = 1 << 20) : memory(ram, trace), bridge(memory, trace) {
    const std::vector<u8> rom(0x40000, 0x55);
    memory.map_rom(PhysAddr(0xC0000), rom, "rom");
  }
  u8 at(u32 address) { return memory.load<u8>(PhysAddr(address)); }
  Trace trace;
  GuestMemory memory;
  I440fx bridge;
};

TEST_CASE("the host bridge says what it is") {
  Board b;
  CHECK(b.bridge.config_read(0, Width::dword) == 0x12378086);
  CHECK(b.bridge.config_read(8, Width::dword) == 0x06000002);
  CHECK(b.bridge.config_read(0x2C, Width::dword) == 0x11001AF4);
}

TEST_CASE("each PAM half rules its own range") {
  Board b;
  for (u32 index = 1; index < 14; ++index) {
    const u8 reg = static_cast<u8>(0x59 + index / 2);
    const u32 first = index == 1 ? 0xF0000 : 0xC0000 + (index - 2) * 0x4000;
    const u32 last = first + (index == 1 ? 0xFFFF : 0x3FFF);
    CAPTURE(index);
    b.bridge.config_write(reg, Width::byte, index & 1 ? 0x30 : 0x03);
    for (const u32 at : {first, last}) {
      b.memory.store<u8>(PhysAddr(at), 7);
      CHECK(b.at(at) == 7);
    }
    CHECK(b.at(first - 1) != 7);
    b.bridge.config_write(reg, Width::byte, index & 1 ? 0x10 : 0x01);  // read-only
    b.memory.store<u8>(PhysAddr(first), 8);
    CHECK(b.at(first) == 7);
    b.bridge.config_write(reg, Width::byte, 0);
    CHECK(b.at(first) == 0x55);
    CHECK(b.at(last) == 0x55);
  }
}

TEST_CASE("a reset uncovers the ROM") {
  Board b;
  b.bridge.config_write(0x59, Width::dword, 0x33333330);
  b.memory.store<u8>(PhysAddr(0xF0000), 1);
  CHECK(b.at(0xF0000) == 1);
  b.bridge.reset(Reset::hard);
  CHECK(b.at(0xF0000) == 0x55);
  CHECK(b.bridge.config_read(0x59, Width::byte) == 0);
}

TEST_CASE("SMRAM locks until reset") {
  Board b;
  b.bridge.config_write(0x72, Width::byte, 0x4A);
  CHECK(b.bridge.config_read(0x72, Width::byte) == 0x4A);
  b.bridge.config_write(0x72, Width::byte, 0x5A);
  CHECK(b.bridge.config_read(0x72, Width::byte) == 0x1A);
  b.bridge.config_write(0x72, Width::byte, 0x4A);
  CHECK(b.bridge.config_read(0x72, Width::byte) == 0x1A);
  b.bridge.reset(Reset::hard);
  CHECK(b.bridge.config_read(0x72, Width::byte) == 0x02);
  b.bridge.config_write(0x72, Width::byte, 0x48);
  CHECK(b.bridge.config_read(0x72, Width::byte) == 0x4A);
}

TEST_CASE("row boundaries tell the RAM's size") {
  Board b(u64{160} << 20);
  CHECK(b.bridge.config_read(0x60, Width::byte) == 16);
  CHECK(b.bridge.config_read(0x61, Width::byte) == 20);
  CHECK(b.bridge.config_read(0x67, Width::byte) == 20);
}

TEST_CASE("saving, resetting and loading brings the map back") {
  Board b;
  b.bridge.config_write(0x59, Width::byte, 0x30);
  b.bridge.config_write(0x72, Width::byte, 0x1A);
  b.memory.store<u8>(PhysAddr(0xFFFF0), 0xEA);
  StateWriter saved;
  b.bridge.visit(saved);
  b.bridge.reset(Reset::hard);
  CHECK(b.at(0xFFFF0) == 0x55);
  StateReader reader(saved.bytes());
  b.bridge.visit(reader);
  CHECK(b.at(0xFFFF0) == 0xEA);
  b.bridge.config_write(0x72, Width::byte, 0x02);
  CHECK(b.bridge.config_read(0x72, Width::byte) == 0x1A);
}

}  // namespace
}  // namespace penumbra
