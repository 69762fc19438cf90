// The I/O APIC: registers, edges, levels with remote IRR, masks.
#include "devices/io_apic.h"

#include <doctest/doctest.h>

#include <vector>

namespace penumbra {
namespace {

struct Bus : ApicReceiver {
  bool deliver(const ApicMessage& message) override {
    if (taking) got.push_back(message);
    return taking;
  }
  std::vector<ApicMessage> got;
  bool taking = true;
};

struct Board {
  void select(u32 index) { memory.access_write(PhysAddr(0xFEC00000), Width::dword, index); }
  u32 read(u32 index) {
    select(index);
    return memory.access_read(PhysAddr(0xFEC00010), Width::dword);
  }
  void write(u32 index, u32 value) {
    select(index);
    memory.access_write(PhysAddr(0xFEC00010), Width::dword, value);
  }
  void entry(u32 pin, u32 low, u32 high = 0) {
    write(0x11 + 2 * pin, high);
    write(0x10 + 2 * pin, low);
  }
  void end(u8 vector) { static_cast<EndOfInterruptListener&>(apic).end_of_interrupt(vector); }

  Trace trace;
  GuestMemory memory{1 << 20, trace};
  Bus bus;
  IoApic apic{memory, bus, trace};
};

TEST_CASE("identity, version and entries after reset") {
  Board b;
  CHECK(b.read(1) == 0x00170011);
  CHECK(b.read(0) == 0);
  b.write(0, 0xFFFFFFFF);
  CHECK(b.read(0) == 0x0F000000);
  CHECK(b.read(2) == 0x0F000000);
  for (u32 pin = 0; pin < 24; ++pin) {
    CHECK(b.read(0x10 + 2 * pin) == 0x10000);
    CHECK(b.read(0x11 + 2 * pin) == 0);
  }
  b.write(0x40, 0x1234);  // beyond the last entry
  CHECK(b.read(0x40) == 0);
  b.entry(23, 0xFFFFFFFF, 0xFFFFFFFF);
  CHECK(b.read(0x3E) == 0x1AFFF);
  CHECK(b.read(0x3F) == 0xFF000000);
  CHECK(b.memory.access_read(PhysAddr(0xFEC00000), Width::dword) == 0x3F);
}

TEST_CASE("an edge becomes one message with the entry's contents") {
  Board b;
  b.entry(2, 0x0931, 0x05000000);
  b.apic.set_pin(2, true);
  b.apic.set_pin(2, true);
  REQUIRE(b.bus.got.size() == 1);
  const ApicMessage m = b.bus.got[0];
  CHECK(m.vector == 0x31);
  CHECK(m.delivery == ApicDelivery::lowest_priority);
  CHECK(m.logical);
  CHECK(m.destination == 5);
  CHECK_FALSE(m.level_triggered);
  b.apic.set_pin(2, false);
  b.apic.set_pin(2, true);
  CHECK(b.bus.got.size() == 2);
}

TEST_CASE("an edge on a masked pin is lost, a level is not") {
  Board b;
  b.entry(4, 0x10041);
  b.apic.set_pin(4, true);
  b.entry(4, 0x00041);
  CHECK(b.bus.got.empty());
  b.entry(5, 0x18042);
  b.apic.set_pin(5, true);
  CHECK(b.bus.got.empty());
  b.entry(5, 0x08042);
  CHECK(b.bus.got.size() == 1);
}

TEST_CASE("a level is sent again at EOI while it lasts, and not before") {
  Board b;
  b.entry(10, 0x8055);
  b.apic.set_pin(10, true);
  CHECK(b.read(0x24) == 0xC055);
  b.apic.set_pin(10, false);
  b.apic.set_pin(10, true);
  CHECK(b.bus.got.size() == 1);
  b.end(0x54);
  CHECK(b.bus.got.size() == 1);
  b.end(0x55);
  CHECK(b.bus.got.size() == 2);
  b.apic.set_pin(10, false);
  b.end(0x55);
  CHECK(b.bus.got.size() == 2);
  CHECK(b.read(0x24) == 0x8055);
}

TEST_CASE("a level that nobody took is sent again when the entry is written") {
  Board b;
  b.bus.taking = false;
  b.entry(10, 0x8055);
  b.apic.set_pin(10, true);
  CHECK(b.read(0x24) == 0x8055);
  b.bus.taking = true;
  b.entry(10, 0x8055);
  CHECK(b.bus.got.size() == 1);
}

TEST_CASE("switching an entry to edge clears remote IRR") {
  Board b;
  b.entry(10, 0x8055);
  b.apic.set_pin(10, true);
  b.entry(10, 0x10055);
  b.entry(10, 0x18055);
  CHECK(b.read(0x24) == 0x18055);
}

TEST_CASE("saving, resetting and loading") {
  Board b;
  b.entry(10, 0x8055, 0x01000000);
  b.apic.set_pin(10, true);
  b.write(0, 0x02000000);
  StateWriter saved;
  b.apic.visit(saved);
  b.apic.reset(Reset::hard);
  CHECK(b.read(0x24) == 0x10000);
  b.apic.set_pin(10, false);
  StateReader reader(saved.bytes());
  b.apic.visit(reader);
  CHECK(b.read(0x24) == 0xC055);
  CHECK(b.read(0) == 0x02000000);
  b.end(0x55);
  CHECK(b.bus.got.size() == 2);
}

}  // namespace
}  // namespace penumbra
