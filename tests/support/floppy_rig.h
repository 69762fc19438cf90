// A floppy controller with hand-cranked time, and the port accesses of a driver.
#pragma once

#include "core/base/bits.h"
#include "devices/floppy_82077.h"
#include "tests/support/fake_dma.h"
#include "tests/support/fake_medium.h"
#include "tests/support/recording_line.h"

namespace penumbra {

struct FloppyRig {
  // Drive A holds an image of that size; sector n starts with its number.
  explicit FloppyRig(std::size_t bytes = 1'474'560) : store(bytes) {
    store.number_sectors(512);
    fdc.attach(0, std::make_unique<FakeMedium>(store));
    fdc.reset(Reset::power_on);
  }

  u8 in(u16 port) { return static_cast<u8>(ports.in(port, Width::byte)); }
  void out(u16 port, u32 value) { ports.out(port, Width::byte, value); }
  u8 msr() { return in(0x3F4); }

  // Resets, takes the four statuses, sets the data rate, and recalibrates drive A: what a BIOS does.
  void start(DataRate rate = DataRate::k500) {
    out(0x3F2, 0x00);
    out(0x3F2, 0x1C);
    clock.advance(milliseconds(1));
    for (int i = 0; i < 4; ++i) run({0x08});
    out(0x3F7, static_cast<u32>(rate));
    run({0x03, 0xAF, 0x02});
    recalibrate(0);
  }
  void recalibrate(u8 drive) {
    run({0x07, drive});
    clock.advance(milliseconds(20));
    run({0x08});
  }
  void seek(u8 drive, u8 cylinder) {
    run({0x0F, drive, cylinder});
    clock.advance(milliseconds(20));
    run({0x08});
  }
  void send(std::initializer_list<u8> bytes) {
    for (const u8 byte : bytes) out(0x3F5, byte);
  }
  // Reads result bytes as long as the controller offers them.
  std::vector<u8> result() {
    std::vector<u8> bytes;
    while ((msr() & 0xF0) == 0xD0 && bytes.size() < 32) bytes.push_back(in(0x3F5));
    return bytes;
  }
  // A command, all of its time, and its result.
  std::vector<u8> run(std::initializer_list<u8> bytes) {
    send(bytes);
    for (int i = 0; i < 4000 && (msr() & 0xD0) == 0x10; ++i) clock.advance(microseconds(50));
    return result();
  }
  std::vector<u8> read(u8 c, u8 h, u8 r, std::size_t bytes, u8 eot = 18, u8 opcode = 0xE6) {
    dma.program(bytes);
    return run({opcode, static_cast<u8>(h << 2), c, h, r, 2, eot, 0x1B, 0xFF});
  }
  u32 number_at(std::size_t sector) const { return load<u32>(&dma.memory[sector * 512]); }

  Trace trace;
  PortBus ports{trace};
  ManualClock clock;
  RecordingLine irq;
  FakeDma dma;
  FakeStore store;
  Floppy82077 fdc{ports, irq, dma, clock, trace};
};

}  // namespace penumbra
