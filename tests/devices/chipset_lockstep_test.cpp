// Random guests: a chipset is programmed at random, its state moved into a second one, and both must go on alike. What
// `visit` forgets shows up as a difference; what a guest should not be able to do shows up as a crash.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "devices/dma8237.h"
#include "devices/i8042.h"
#include "devices/pic8259.h"
#include "devices/pit8254.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/rtc.h"

namespace penumbra {
namespace {

class NullLine final : public IrqLine {
 public:
  void set(bool) override {}
};

// The PC's fixed chips, wired as a board does.
struct Chipset {
  Trace trace;
  PortBus ports{trace};
  ManualClock clock;
  GuestMemory memory{u64{1} << 20, trace};
  NullLine intr;
  Pic8259Pair pic{ports, intr, trace};
  Pit8254 pit{ports, clock, pic.line(0), trace};
  Rtc rtc{ports, clock, pic.line(8), trace};
  Dma8237 dma{ports, memory, trace};
  Ps2Keyboard keyboard{trace};
  Ps2Mouse mouse{clock, trace};
  I8042 controller{ports, clock, keyboard, mouse, {pic.line(1), pic.line(12), [](bool) {}, [] {}}, trace};
  std::vector<Device*> devices{&pic, &pit, &rtc, &dma, &keyboard, &mouse, &controller};

  Chipset() {
    for (Device* device : devices) device->reset(Reset::power_on);
  }
  std::vector<u8> save() {
    StateWriter writer;
    for (Device* device : devices) device->visit(writer);
    return writer.bytes();
  }
  void load(const std::vector<u8>& bytes) {
    StateReader reader(bytes);
    for (Device* device : devices) device->visit(reader);
  }
  std::string printed() {
    StatePrinter printer;
    for (Device* device : devices) device->visit(printer);
    return printer.text();
  }
};

constexpr u16 kPorts[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0A, 0x0B, 0x0C,  0x0D,  0x0E, 0x0F,
                          0x20, 0x21, 0x20, 0x21, 0xA0, 0xA1, 0xA0, 0xA1, 0x40, 0x41, 0x42,  0x43,  0x43, 0x43,
                          0x60, 0x64, 0x60, 0x64, 0x60, 0x64, 0x61, 0x70, 0x71, 0x70, 0x71,  0x72,  0x73, 0x80,
                          0x81, 0x83, 0x87, 0x8B, 0x92, 0xC4, 0xC6, 0xD0, 0xD2, 0xD4, 0x4D0, 0x4D1, 0xD6, 0xD8};

// One random thing that a guest, a person or time does; the same for the same numbers. Answers what the guest saw.
u64 act(Chipset& c, u64 what, u64 value) {
  const u16 port = kPorts[value % std::size(kPorts)];
  const u8 byte = static_cast<u8>(value >> 16);
  switch (what % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      // Register numbers and commands are more telling than any byte.
      c.ports.out(port, Width::byte, port == 0x70 ? byte & 0x0F : byte);
      return 0;
    case 5:
    case 6:
    case 7:
    case 8: return c.ports.in(port, Width::byte);
    case 9: c.keyboard.key(byte & 0x7F, value & 0x100); return c.keyboard.busy();
    case 10:
      c.mouse.move(static_cast<i8>(byte), static_cast<i8>(value >> 24), static_cast<i8>(value >> 32) / 32);
      c.mouse.button(static_cast<MouseButton>(value >> 40 & 1), value >> 41 & 1);
      return 0;
    case 11: return c.pic.pending() ? c.pic.acknowledge() : 0;
    case 12: {
      std::array<u8, 64> bytes{};
      DmaChannel& channel = c.dma.channel(1 + byte % 3);
      const std::size_t moved = value & 0x100 ? channel.to_memory(bytes) : channel.from_memory(bytes);
      return moved << 8 | bytes[0] << 1 | channel.terminal_count();
    }
    case 13: c.clock.advance(microseconds(static_cast<i64>(value >> 8 & 0xFFFF))); return 0;
    case 14:
      c.clock.set_now(c.clock.now() + static_cast<i64>(value >> 8 & 0xFFFFFF));  // a late host
      c.clock.run_due();
      return 0;
    default:
      c.clock.advance(Ticks(static_cast<i64>(value >> 8 & 0xFFF)));
      c.pic.line(3 + byte % 3).set(value & 0x100);
      return c.pic.pending();
  }
}

TEST_CASE("chipset: a loaded state goes on exactly as the original") {
  ManualClock random;
  for (int round = 0; round < 40; ++round) {
    auto original = std::make_unique<Chipset>();
    for (int i = 0; i < 400; ++i) {
      const u64 what = random.random();
      act(*original, what, random.random());
    }
    auto copy = std::make_unique<Chipset>();
    for (int i = 0; i < 100; ++i) {  // scrambled
      const u64 what = random.random() % 13;
      act(*copy, what, random.random());
    }
    copy->clock.set_now(original->clock.now());
    std::vector<u8> ram(1 << 20);
    original->memory.read(PhysAddr(0), ram);
    copy->memory.write(PhysAddr(0), ram);
    copy->load(original->save());
    REQUIRE(copy->printed() == original->printed());
    for (int i = 0; i < 400; ++i) {
      const u64 what = random.random();
      const u64 value = random.random();
      const u64 expected = act(*original, what, value);
      const u64 found = act(*copy, what, value);
      REQUIRE_MESSAGE(found == expected, "round ", round, " step ", i, " kind ", what % 16, " port ",
                      kPorts[value % std::size(kPorts)]);
    }
    REQUIRE(copy->printed() == original->printed());
  }
}

TEST_CASE("chipset: a damaged saved state is refused or run, never a crash or a loop without end") {
  ManualClock random;
  Chipset source;
  for (int i = 0; i < 300; ++i) {
    const u64 what = random.random();
    act(source, what, random.random());
  }
  const std::vector<u8> good = source.save();
  int loaded = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<u8> bytes = good;
    for (u64 flips = 1 + random.random() % 8; flips > 0; --flips)
      bytes[random.random() % bytes.size()] ^= static_cast<u8>(1u << random.random() % 8);
    Chipset target;
    target.clock.set_now(source.clock.now());
    try {
      target.load(bytes);
    } catch (const ConfigError&) {
      continue;
    }
    ++loaded;
    for (int i = 0; i < 100; ++i) {
      const u64 what = random.random();
      act(target, what, random.random());
    }
  }
  CHECK(loaded > 20);
}

TEST_CASE("chipset: no interrupt is taken that is masked, and one that is pending has a vector of its own") {
  ManualClock random;
  Chipset c;
  for (const auto& [port, value] : std::vector<std::pair<u16, u8>>{
           {0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x01}, {0xA0, 0x11}, {0xA1, 0x28}, {0xA1, 0x02}, {0xA1, 1}})
    c.ports.out(port, Width::byte, value);
  for (int i = 0; i < 20000; ++i) {
    const u64 value = random.random();
    switch (value % 5) {
      case 0: c.pic.line(value >> 8 & 15).set(value >> 16 & 1); break;
      case 1: c.ports.out(value & 0x100 ? 0x21 : 0xA1, Width::byte, static_cast<u8>(value >> 16)); break;
      case 2:
        // End of interrupt, rotation, priorities; never an ICW1.
        c.ports.out(value & 0x100 ? 0x20 : 0xA0, Width::byte, value >> 16 & 0xE7);
        break;
      case 3: c.ports.out(value & 0x100 ? 0x20 : 0xA0, Width::byte, value & 0x200 ? 0x68 : 0x48); break;
      default:
        if (!c.pic.pending()) break;
        const u8 master_mask = static_cast<u8>(c.ports.in(0x21, Width::byte));
        const u8 slave_mask = static_cast<u8>(c.ports.in(0xA1, Width::byte));
        const u8 vector = c.pic.acknowledge();
        REQUIRE(vector >= 0x20);
        REQUIRE(vector < 0x30);
        REQUIRE(vector != 0x22);
        if (vector < 0x28)
          REQUIRE_FALSE(bit(master_mask, vector & 7));
        else
          REQUIRE_FALSE((bit(slave_mask, vector & 7) || bit(master_mask, 2)));
        break;
    }
  }
}

// A guest's keyboard driver behind both controllers.
struct Driver {
  Chipset c;
  std::vector<u8> got;

  Driver() {
    for (const auto& [port, value] : std::vector<std::pair<u16, u8>>{
             {0x20, 0x11}, {0x21, 0x08}, {0x21, 0x04}, {0x21, 0x01}, {0x21, 0xFD}, {0x64, 0x60}, {0x60, 0x01}})
      c.ports.out(port, Width::byte, value);
  }
  void serve() {
    while (c.pic.pending()) {
      CHECK(c.pic.acknowledge() == 0x09);
      if (c.ports.in(0x64, Width::byte) & 1) got.push_back(static_cast<u8>(c.ports.in(0x60, Width::byte)));
      c.ports.out(0x20, Width::byte, 0x20);
    }
  }
};

TEST_CASE("chipset: a driver with interrupts gets every byte typed, however late it is") {
  for (const i64 delay : {1, 100, 499, 500, 501, 3000}) {
    Driver d;
    int typed = 0;
    for (int i = 0; i < 100; ++i) {
      if (!d.c.keyboard.busy()) {
        d.c.keyboard.key(0x1E, i & 1);
        typed += i & 1 ? 1 : 2;
      }
      d.c.clock.advance(microseconds(delay));
      d.serve();
    }
    for (int i = 0; i < 20; ++i) {
      d.c.clock.advance(microseconds(delay + 500));
      d.serve();
    }
    CHECK(static_cast<int>(d.got.size()) == typed);
  }
}

TEST_CASE("chipset: a driver that polls with interrupts off, then turns them on, loses and repeats nothing") {
  Driver d;
  d.c.keyboard.key(0x1E, true);
  d.c.keyboard.key(0x30, true);
  d.c.keyboard.key(0x2E, true);
  d.c.clock.advance(milliseconds(1));
  CHECK(d.c.ports.in(0x60, Width::byte) == 0x1C);  // polled away while the interrupt waits
  CHECK_FALSE(d.c.pic.pending());
  d.c.clock.advance(milliseconds(1));
  d.serve();
  d.c.clock.advance(milliseconds(1));
  d.serve();
  CHECK(d.got == std::vector<u8>{0x32, 0x21});
}

}  // namespace
}  // namespace penumbra
