// The PCI bus: configuration accesses, sizing, windows that collide, interrupt wires, CF9h.
#include "devices/pci_bus.h"

#include <doctest/doctest.h>

#include <vector>

#include "core/base/error.h"
#include "mmu/guest_memory.h"

namespace penumbra {
namespace {

struct Card : PciFunction, PortHandler, MmioHandler {
  Card()
      : PciFunction({.vendor = 0x1234, .device = 0x5678, .class_code = 0x020000, .interrupt_pin = 1}), frame(0x10000) {
    declare_io_bar(0, 16, *this, Width::dword);
    declare_register_bar(1, 0x1000, *this);
    declare_memory_bar(2, frame);
    rom.assign(3000, 0xAA);
    declare_rom(rom);
    own = declare_io_window(8, *this);
    declare(0x40, Width::dword, 0x11223344, 0x0000FFFF, 0x00FF0000);
  }
  u32 port_in(u16 port, Width) override { return port - (window_base(0) ? window_base(0) : window_base(own)); }
  void port_out(u16, Width, u32 value) override { last = value; }
  u32 mmio_read(PhysAddr, Width) override { return 0x600D; }
  void mmio_write(PhysAddr, Width, u32 value) override { last = value; }
  void config_written(u8 first, u8 end) override { written = {first, end}; }

  using PciFunction::declare_io_window;
  using PciFunction::place_window;
  using PciFunction::reset_pci;
  using PciFunction::set_interrupt;
  using PciFunction::visit_pci;
  std::vector<u8> frame, rom;
  unsigned own;
  u32 last = 0;
  std::pair<u8, u8> written;
};

struct Board {
  Board() { bus.attach(3, 0, card); }
  void select(u32 device, u32 function, u32 offset) {
    ports.out(0xCF8, Width::dword, 0x80000000 | device << 11 | function << 8 | offset);
  }
  u32 read(u32 offset, u32 device = 3) {
    select(device, 0, offset);
    return ports.in(0xCFC, Width::dword);
  }
  void write(u32 offset, u32 value, u32 device = 3) {
    select(device, 0, offset);
    ports.out(0xCFC, Width::dword, value);
  }
  void enable(u32 command, u32 device = 3) { write(4, command, device); }

  Trace trace;
  PortBus ports{trace};
  GuestMemory memory{1 << 20, trace};
  std::vector<std::pair<unsigned, bool>> pirqs;
  std::vector<ResetRequest> resets;
  PciBus bus{ports, memory, trace,
             [this](unsigned n, bool level) {
               pirqs.push_back({n, level});
             },
             [this](ResetRequest r) { resets.push_back(r); }};
  Card card;
};

TEST_CASE("configuration space is read in every width, and nobody answers elsewhere") {
  Board b;
  CHECK(b.read(0) == 0x56781234);
  CHECK(b.read(8) == 0x02000000);
  CHECK(b.read(0x2C) == 0x11001AF4);
  b.select(3, 0, 0);
  CHECK(b.ports.in(0xCFE, Width::word) == 0x5678);
  CHECK(b.ports.in(0xCFD, Width::byte) == 0x12);
  CHECK(b.ports.in(0xCFD, Width::word) == 0x7812);
  CHECK(b.ports.in(0xCF8, Width::dword) == 0x80001800);
  CHECK(b.read(0, 4) == 0xFFFFFFFF);
  b.select(3, 1, 0);
  CHECK(b.ports.in(0xCFC, Width::word) == 0xFFFF);
  b.ports.out(0xCF8, Width::dword, 0x80011800);  // bus 1
  CHECK(b.ports.in(0xCFC, Width::dword) == 0xFFFFFFFF);
  b.ports.out(0xCF8, Width::dword, 0x00001800);  // not enabled
  CHECK(b.ports.in(0xCFC, Width::dword) == 0xFFFFFFFF);
  b.ports.out(0xCF8, Width::byte, 0x55);  // no part of CONFADD
  CHECK(b.ports.in(0xCF8, Width::dword) == 0x00001800);
}

TEST_CASE("masks hold and ones clear") {
  Board b;
  b.write(0, 0);
  CHECK(b.read(0) == 0x56781234);
  b.write(0x40, 0xFF20FFFF);
  CHECK(b.read(0x40) == 0x1102FFFF);
  CHECK(b.card.written == std::pair<u8, u8>{0x40, 0x43});
  b.select(3, 0, 0x40);
  b.ports.out(0xCFD, Width::byte, 0x77);
  CHECK(b.read(0x40) == 0x110277FF);
  CHECK(b.card.written == std::pair<u8, u8>{0x41, 0x41});
}

TEST_CASE("BARs answer their size") {
  Board b;
  for (u32 offset = 0x10; offset <= 0x24; offset += 4) b.write(offset, 0xFFFFFFFF);
  b.write(0x30, 0xFFFFFFFE);
  CHECK(b.read(0x10) == 0xFFFFFFF1);
  CHECK(b.read(0x14) == 0xFFFFF000);
  CHECK(b.read(0x18) == 0xFFFF0008);
  CHECK(b.read(0x1C) == 0);
  CHECK(b.read(0x30) == 0xFFFFF000);
}

TEST_CASE("an I/O window appears, moves and goes with the command register") {
  Board b;
  b.write(0x10, 0xC001);
  CHECK(b.ports.in(0xC004, Width::byte) == 0xFF);
  b.enable(1);
  CHECK(b.ports.in(0xC004, Width::byte) == 4);
  b.write(0x10, 0xD000);
  CHECK(b.ports.in(0xC004, Width::byte) == 0xFF);
  CHECK(b.ports.in(0xD008, Width::byte) == 8);
  b.enable(0);
  CHECK(b.ports.in(0xD008, Width::byte) == 0xFF);
}

TEST_CASE("memory windows: registers, frame buffer, ROM") {
  Board b;
  b.write(0x14, 0xE0000000);
  b.write(0x18, 0xE1000000);
  b.write(0x30, 0xE2000001);
  b.enable(2);
  CHECK(b.memory.access_read(PhysAddr(0xE0000010), Width::word) == 0x600D);
  b.memory.store<u32>(PhysAddr(0xE1000004), 42);
  CHECK(load<u32>(&b.card.frame[4]) == 42);
  CHECK(b.memory.load<u16>(PhysAddr(0xE2000BB6)) == 0xAAAA);
  CHECK(b.memory.load<u8>(PhysAddr(0xE2000BB8)) == 0xFF);
  b.write(0x30, 0xE2000000);
  CHECK(b.memory.load<u16>(PhysAddr(0xE2000000)) == 0xFFFF);
  b.enable(0);
  CHECK(b.memory.kind(Ppn(0xE0000)) == PageKind::absent);
  CHECK(b.memory.kind(Ppn(0xE1000)) == PageKind::absent);
}

TEST_CASE("a window on top of RAM, ROM, other ports or the end of the space is not mapped") {
  Board b;
  const std::vector<u8> bios(0x10000, 0xBB);
  b.memory.map_rom(PhysAddr(0xFFFF0000), bios, "bios");
  b.memory.store<u32>(PhysAddr(0x8000), 7);
  b.enable(3);
  for (const u32 base : {0x8000u, 0xF0000u, 0xFFFF0000u, 0xFFFE8000u, 0u, 0xFFFFFFFFu}) {
    b.write(0x18, base);
    b.write(0x14, base);
    b.card.frame.assign(0x10000, 0x99);
    CHECK(b.memory.load<u32>(PhysAddr(0x8000)) == 7);
    CHECK(b.memory.load<u32>(PhysAddr(0xFFFFFFF0)) == 0xBBBBBBBB);
  }
  for (const u32 base : {0xCF0u, 0u, 0xFFF0u, 0x10000u, 0xFFFFFFF0u, 0x1CF00CF0u}) {
    b.write(0x10, base);
    CHECK(b.card.windows()[0].mapped_at == std::nullopt);
    CHECK(b.read(0) == 0x56781234);
  }
}

TEST_CASE("of two windows in one place the lower function's stands, and the other follows when it leaves") {
  Board b;
  Card second;
  b.bus.attach(4, 0, second);
  b.write(0x10, 0xC000, 4);
  b.enable(1, 4);
  CHECK(second.windows()[0].mapped_at == 0xC000u);
  b.write(0x10, 0xC000);
  b.enable(1);
  CHECK(b.card.windows()[0].mapped_at == 0xC000u);
  CHECK(second.windows()[0].mapped_at == std::nullopt);
  b.write(0x10, 0xC100);
  CHECK(second.windows()[0].mapped_at == 0xC000u);
}

TEST_CASE("a chip's own window needs no command bit") {
  Board b;
  b.card.place_window(b.card.own, 0x600);
  CHECK(b.ports.in(0x603, Width::byte) == 3);
  b.card.place_window(b.card.own, 0xFFFC);  // would leave the port space
  CHECK(b.ports.in(0xFFFD, Width::byte) == 0xFF);
  CHECK(b.ports.in(0x603, Width::byte) == 0xFF);
}

TEST_CASE("INTx# wires rotate with the device number and are shared") {
  CHECK(PciBus::pirq_of(1, 1) == 0);
  CHECK(PciBus::pirq_of(1, 4) == 3);
  CHECK(PciBus::pirq_of(2, 1) == 1);
  CHECK(PciBus::pirq_of(3, 1) == 2);
  Board b;
  Card other;
  b.bus.attach(7, 0, other);  // the same wire as device 3
  b.card.set_interrupt(true);
  other.set_interrupt(true);
  b.card.set_interrupt(false);
  other.set_interrupt(false);
  CHECK(b.pirqs == std::vector<std::pair<unsigned, bool>>{{2, true}, {2, false}});
}

TEST_CASE("CF9h resets on the rising edge of RCPU") {
  Board b;
  b.ports.out(0xCF9, Width::byte, 2);
  CHECK(b.resets.empty());
  b.ports.out(0xCF9, Width::byte, 6);
  b.ports.out(0xCF9, Width::byte, 6);
  REQUIRE(b.resets.size() == 1);
  CHECK(b.resets[0] == ResetRequest::machine);
  CHECK(b.ports.in(0xCF9, Width::byte) == 6);
  b.ports.out(0xCF9, Width::byte, 0);
  b.ports.out(0xCF9, Width::byte, 4);
  CHECK(b.resets.back() == ResetRequest::cpu);
  CHECK(b.ports.in(0xCF8, Width::dword) == 0);
}

TEST_CASE("saving, resetting and loading brings registers and windows back") {
  Board b;
  b.write(0x10, 0xC000);
  b.write(0x14, 0xE0000000);
  b.enable(3);
  b.card.place_window(b.card.own, 0x600);
  b.card.set_interrupt(true);
  b.select(3, 0, 0x40);
  StateWriter saved;
  b.bus.visit(saved);
  b.card.visit_pci(saved);
  b.bus.reset(Reset::hard);
  b.card.reset_pci();
  CHECK(b.card.windows()[0].mapped_at == std::nullopt);
  CHECK_FALSE(b.card.interrupt());
  StateReader reader(saved.bytes());
  b.bus.visit(reader);
  b.card.visit_pci(reader);
  CHECK(b.ports.in(0xCF8, Width::dword) == 0x80001840);
  CHECK(b.ports.in(0xC00F, Width::byte) == 15);
  CHECK(b.card.windows()[b.card.own].mapped_at == 0x600u);
  CHECK(b.memory.access_read(PhysAddr(0xE0000000), Width::word) == 0x600D);
  CHECK(b.card.interrupt());
  StateWriter again;
  b.bus.visit(again);
  b.card.visit_pci(again);
  CHECK(again.bytes() == saved.bytes());
}

}  // namespace
}  // namespace penumbra
