// A guest that writes anything anywhere: the chipset's devices together, poked at random, stay within the machine, and
// their state survives saving and loading wherever it got to.
#include <doctest/doctest.h>

#include <random>

#include "devices/fw_cfg.h"
#include "devices/i440fx.h"
#include "devices/io_apic.h"
#include "devices/local_apic.h"
#include "devices/parallel.h"
#include "devices/pci_bus.h"
#include "devices/piix3.h"
#include "devices/piix4_pm.h"
#include "devices/uart16550.h"
#include "mmu/guest_memory.h"
#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

struct NoPic : InterruptSource {
  bool pending() const override { return false; }
  u8 acknowledge() override { return 7; }
};

// A device with a large frame buffer and an I/O window.
struct Card final : PciFunction, PortHandler {
  Card() : PciFunction({.vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .interrupt_pin = 1}) {
    declare_memory_bar(0, frame);
    declare_io_bar(1, 64, *this, Width::dword);
    declare_rom(rom);
  }
  u32 port_in(u16 port, Width) override {
    CHECK(port - window_base(1) < 64);
    return 0;
  }
  void port_out(u16 port, Width, u32) override { CHECK(port - window_base(1) < 64); }
  std::vector<u8> frame = std::vector<u8>(1 << 20);
  std::vector<u8> rom = std::vector<u8>(20000, 0xCC);
};

struct Board {
  Board() {
    memory.map_rom(PhysAddr(0xE0000), std::vector<u8>(0x20000, 0xBB), "bios");
    apic.connect(io_apic);
    pci.attach(0, 0, host);
    pci.attach(1, 0, bridge);
    pci.attach(1, 3, pm);
    pci.attach(2, 0, card);
    pci.attach(3, 0, second_card);
  }
  template <class Visitor>
  void visit(Visitor& state) {
    for (Device* device :
         std::initializer_list<Device*>{&pci, &host, &bridge, &pm, &fw_cfg, &apic, &io_apic, &com, &lpt})
      device->visit(state);
  }
  void reset() {
    for (Device* device :
         std::initializer_list<Device*>{&pci, &host, &bridge, &pm, &fw_cfg, &apic, &io_apic, &com, &lpt})
      device->reset(Reset::hard);
  }
  Trace trace;
  ManualClock clock;
  PortBus ports{trace};
  GuestMemory memory{4 << 20, trace};
  RecordingLine sci, com_irq, lpt_irq;
  NoPic pic;
  Piix3 bridge{trace, [this](unsigned irq, bool level) { io_apic.set_pin(irq, level); }};
  PciBus pci{ports, memory, trace, [this](unsigned pirq, bool level) { bridge.set_pirq(pirq, level); },
             [](ResetRequest) {}};
  I440fx host{memory, trace};
  Piix4Pm pm{ports, clock, sci, trace, [] {}};
  FwCfg fw_cfg{ports, memory, trace};
  LocalApic apic{memory, clock, pic, trace, {[] {}, [] {}}};
  IoApic io_apic{memory, apic, trace};
  Uart16550 com{ports, clock, com_irq, trace, 0x3F8, "com1"};
  ParallelPort lpt{ports, lpt_irq, trace, 0x378, "lpt1"};
  Card card, second_card;
};

TEST_CASE("random pokes") {
  constexpr u16 kPorts[] = {0xCF8, 0xCFC,  0x3F8,  0x378, 0x510, 0x514, 0x518,
                            0xB2,  0xAFE0, 0xAE00, 0x600, 0x700, 0xC000};
  constexpr Width kWidths[] = {Width::byte, Width::word, Width::dword};
  for (u32 seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Board b;
    std::mt19937 random(seed);
    for (int i = 0; i < 5000; ++i) {
      const Width width = kWidths[random() % 3];
      u32 value = random() % 3 ? random() : u32{0xFFFFFFFF} << random() % 32;
      switch (random() % 8) {
        case 0: {  // one of the functions' configuration registers, with a plausible base now and then
          b.ports.out(0xCF8, Width::dword,
                      0x80000000 | (random() % 4) << 11 | (random() % 2 ? 0 : 3 << 8) | (random() & 0xFC));
          if (random() % 2) value = 0xC000u << random() % 17;
          b.ports.out(static_cast<u16>(0xCFC + random() % 4), width, value);
          break;
        }
        case 1:
          b.ports.out(static_cast<u16>(kPorts[random() % std::size(kPorts)] + random() % 16), width, value);
          break;
        case 2: b.ports.in(static_cast<u16>(kPorts[random() % std::size(kPorts)] + random() % 64), width); break;
        case 3: b.memory.access_write(PhysAddr(0xFEE00000 + (random() & 0x3F0)), Width::dword, value); break;
        case 4: {
          b.memory.access_write(PhysAddr(0xFEC00000), Width::dword, random() % 64);
          b.memory.access_write(PhysAddr(0xFEC00010), Width::dword, value);
          break;
        }
        case 5: b.clock.advance(Ticks(random() % 1'000'000)); break;
        case 6:
          b.io_apic.set_pin(random() % 24, random() % 2);
          if (b.apic.pending()) b.apic.acknowledge();
          if (random() % 16 == 0) b.apic.set_base_msr(0xFEE00900 ^ (random() % 2 ? 0 : value & 0xFFFFF800));
          break;
        case 7: {
          const u8 bytes[3] = {1, 2, 3};
          b.com.receive(bytes);
          break;
        }
      }
    }
    StateWriter saved;
    b.visit(saved);
    b.reset();
    StateReader reader(saved.bytes());
    b.visit(reader);
    StateWriter again;
    b.visit(again);
    CHECK(again.bytes() == saved.bytes());
  }
}

}  // namespace
}  // namespace penumbra
