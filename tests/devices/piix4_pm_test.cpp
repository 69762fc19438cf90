// Power management: the PM timer, the SCI, soft-off, the APM port, SMBus probes.
#include "devices/piix4_pm.h"

#include <doctest/doctest.h>

#include "devices/pci_bus.h"
#include "mmu/guest_memory.h"
#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

struct Board {
  Board() {
    bus.attach(1, 3, pm);
    place();
  }
  void place() {
    pm.config_write(0x40, Width::dword, 0x601);
    pm.config_write(0x80, Width::byte, 1);
  }
  u32 in(u16 port, Width width = Width::word) { return ports.in(port, width); }
  void out(u16 port, u32 value, Width width = Width::word) { ports.out(port, width, value); }

  Trace trace;
  PortBus ports{trace};
  GuestMemory memory{1 << 20, trace};
  ManualClock clock;
  PciBus bus{ports, memory, trace, [](unsigned, bool) {}, [](ResetRequest) {}};
  RecordingLine sci;
  int off = 0;
  Piix4Pm pm{ports, clock, sci, trace, [this] { ++off; }};
};

TEST_CASE("the function stands where its base register says, while PMREGMISC lets it") {
  Board b;
  CHECK(b.pm.config_read(0, Width::dword) == 0x71138086);
  CHECK(b.pm.config_read(0x40, Width::dword) == 0x601);
  CHECK(b.in(0x604) == 0);
  b.pm.config_write(0x40, Width::dword, 0xB000);
  CHECK(b.in(0x604) == 0xFFFF);
  CHECK(b.in(0xB004) == 0);
  b.pm.config_write(0x80, Width::byte, 0);
  CHECK(b.in(0xB004) == 0xFFFF);
}

TEST_CASE("the PM timer counts 3.579545 MHz in 24 bits") {
  Board b;
  CHECK(b.in(0x608, Width::dword) == 0);
  b.clock.advance(seconds(1));
  CHECK(b.in(0x608, Width::dword) == 3579545);
  b.clock.advance(seconds(9));
  CHECK(b.in(0x608, Width::dword) == (35795450 & 0xFFFFFF));
  CHECK(b.in(0x609, Width::byte) == (35795450 >> 8 & 0xFF));
}

TEST_CASE("TMR_STS follows the top bit's changes and interrupts if enabled") {
  Board b;
  b.clock.advance(seconds(2));
  CHECK((b.in(0x600) & 1) == 0);
  b.clock.advance(seconds(1));  // 2^23 ticks are 2.34 s
  CHECK((b.in(0x600) & 1) == 1);
  b.out(0x600, 1);
  CHECK((b.in(0x600) & 1) == 0);
  b.out(0x604, 1);
  b.out(0x602, 1);
  CHECK_FALSE(b.sci.level());
  b.clock.advance(seconds(2));
  CHECK(b.sci.level());
  b.out(0x600, 1);
  CHECK_FALSE(b.sci.level());
  b.clock.advance(seconds(3));
  CHECK(b.sci.rises() == 2);
}

TEST_CASE("the power button interrupts only an ACPI system that listens") {
  Board b;
  b.pm.power_button();
  CHECK(b.in(0x600) == 0x100);
  b.out(0x602, 0x100);
  CHECK_FALSE(b.sci.level());
  b.out(0xB2, 0xF1, Width::byte);
  CHECK(b.in(0x604) == 1);
  CHECK(b.sci.level());
  b.out(0x601, 1, Width::byte);
  CHECK_FALSE(b.sci.level());
  b.out(0xB2, 0xF0, Width::byte);
  CHECK(b.in(0x604) == 0);
  b.out(0xB3, 0x5A, Width::byte);
  CHECK(b.in(0xB2) == 0x5AF0);
}

TEST_CASE("soft-off is sleep type 0; other sleeps wake at once") {
  Board b;
  b.out(0x604, 0x0400);
  CHECK(b.off == 0);
  b.out(0x604, 0x2400);
  CHECK(b.off == 0);
  CHECK((b.in(0x600) & 0x8000) != 0);
  CHECK(b.in(0x604) == 0x0400);
  b.out(0x604, 0x2000);
  CHECK(b.off == 1);
}

TEST_CASE("general-purpose events show in both places") {
  Board b;
  b.out(0xAFE2, 0xFFFF);
  CHECK(b.in(0x60E) == 0xFFFF);
  CHECK(b.in(0xAFE0, Width::dword) == 0xFFFF0000);
  CHECK(b.in(0xAE0C, Width::dword) == 0);
  CHECK_FALSE(b.sci.level());
}

TEST_CASE("firmware's release of the global lock sets GBL_STS") {
  Board b;
  b.out(0x628, 2, Width::dword);
  CHECK(b.in(0x600) == 0x20);
  CHECK(b.in(0x628, Width::dword) == 0);
}

TEST_CASE("SMM counts as initialized") {
  Board b;
  CHECK((b.pm.config_read(0x58, Width::dword) >> 25 & 1) == 1);
}

TEST_CASE("an SMBus transfer ends in a device error") {
  Board b;
  b.pm.config_write(0x90, Width::dword, 0x701);
  b.pm.config_write(0xD2, Width::byte, 9);
  CHECK(b.in(0x700, Width::byte) == 0);
  b.out(0x704, 0xA1, Width::byte);
  b.out(0x702, 0x48, Width::byte);
  CHECK(b.in(0x700, Width::byte) == 4);
  CHECK(b.in(0x702, Width::byte) == 8);
  b.out(0x700, 0xFF, Width::byte);
  CHECK(b.in(0x700, Width::byte) == 0);
}

TEST_CASE("saving, resetting and loading brings everything back") {
  Board b;
  b.out(0x604, 1);
  b.out(0x602, 0x101);
  b.out(0x634, 0x12345678, Width::dword);
  b.clock.advance(seconds(1));
  b.pm.power_button();
  StateWriter saved;
  b.pm.visit(saved);
  b.pm.reset(Reset::hard);
  CHECK(b.in(0x604) == 0xFFFF);
  CHECK_FALSE(b.clock.next_deadline() != kNever);
  StateReader reader(saved.bytes());
  b.pm.visit(reader);
  CHECK(b.in(0x604) == 1);
  CHECK(b.in(0x600, Width::dword) == 0x01010100);
  CHECK(b.in(0x634, Width::dword) == 0x12345678);
  CHECK(b.clock.next_deadline() != kNever);
  StateWriter again;
  b.pm.visit(again);
  CHECK(again.bytes() == saved.bytes());
}

}  // namespace
}  // namespace penumbra
