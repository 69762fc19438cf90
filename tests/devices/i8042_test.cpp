// The keyboard controller: commands, status, output port, pacing, interrupts and translation.
#include "devices/i8042.h"

#include <doctest/doctest.h>

#include <deque>
#include <vector>

#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

// A device that sends what the test gives it and keeps what it receives.
class FakePs2 final : public Ps2Device {
 public:
  void receive(u8 byte) override { received.push_back(byte); }
  bool has_byte() const override { return !waiting.empty(); }
  u8 take_byte() override {
    const u8 byte = waiting.front();
    waiting.pop_front();
    return byte;
  }
  void byte_read() override { ++read; }
  void when_waiting(std::function<void()> action) override { notify = std::move(action); }
  void send(std::initializer_list<u8> bytes) {
    waiting.insert(waiting.end(), bytes);
    notify();
  }

  std::vector<u8> received;
  std::deque<u8> waiting;
  std::function<void()> notify;
  int read = 0;
};

struct Bench {
  Trace trace;
  PortBus ports{trace};
  ManualClock clock;
  FakePs2 keyboard;
  FakePs2 mouse;
  RecordingLine irq1;
  RecordingLine irq12;
  bool a20 = false;
  int resets = 0;
  I8042 controller{ports, clock, keyboard, mouse, {irq1, irq12, [this](bool on) { a20 = on; }, [this] { ++resets; }},
                   trace};

  Bench() {
    controller.reset(Reset::power_on);
    command_byte(0x03);  // both interrupts, both interfaces, no translation
  }
  void command(u8 value) { ports.out(0x64, Width::byte, value); }
  void data(u8 value) { ports.out(0x60, Width::byte, value); }
  u8 status() { return static_cast<u8>(ports.in(0x64, Width::byte)); }
  u8 read() { return static_cast<u8>(ports.in(0x60, Width::byte)); }
  bool full() { return status() & 1; }
  void command_byte(u8 value) {
    command(0x60);
    data(value);
  }
  u8 ask(u8 value) {
    command(value);
    REQUIRE(full());
    return read();
  }
  std::vector<u8> drain() {
    std::vector<u8> bytes;
    for (clock.advance(milliseconds(1)); full(); clock.advance(milliseconds(1))) bytes.push_back(read());
    return bytes;
  }
};

using Bytes = std::vector<u8>;

TEST_CASE("i8042: self test, interface tests, command byte, RAM") {
  Bench b;
  CHECK((b.status() & 0x04) == 0);
  CHECK(b.ask(0xAA) == 0x55);
  CHECK((b.status() & 0x04) == 0x04);
  CHECK(b.ask(0xA9) == 0x00);
  CHECK(b.ask(0xAB) == 0x00);
  CHECK(b.ask(0xA4) == 0xF1);
  b.command_byte(0x47);
  CHECK(b.ask(0x20) == 0x47);
  b.command(0x6A);
  b.data(0x99);
  CHECK(b.ask(0x2A) == 0x99);
  CHECK(b.ask(0x20) == 0x47);
}

TEST_CASE("i8042: status bits") {
  Bench b;
  b.command(0xAE);
  CHECK(b.status() == 0x18);
  b.data(0xF4);
  CHECK(b.status() == 0x10);
  b.mouse.send({0x55});
  b.clock.advance(milliseconds(1));
  CHECK(b.status() == 0x31);
  b.read();
  CHECK(b.status() == 0x10);
  b.command(0xC2);
  CHECK((b.status() & 0xF0) == 0xB0);
  b.command(0xC1);
  CHECK((b.status() & 0xF0) == 0x00);
  b.data(0xF4);
  CHECK(b.status() == 0x10);
}

TEST_CASE("i8042: a keyboard byte takes its time, raises IRQ1 once and lowers it when read") {
  Bench b;
  b.keyboard.send({0x1C, 0x32});
  CHECK_FALSE(b.full());
  b.clock.advance(microseconds(499));
  CHECK_FALSE(b.full());
  b.clock.advance(microseconds(1));
  CHECK(b.full());
  CHECK(b.irq1.level());
  b.clock.advance(milliseconds(10));
  CHECK(b.irq1.rises() == 1);
  CHECK(b.read() == 0x1C);
  CHECK_FALSE(b.irq1.level());
  CHECK(b.keyboard.read == 1);
  CHECK(b.read() == 0x1C);  // the buffer keeps its last byte
  CHECK(b.keyboard.read == 1);
  b.clock.advance(milliseconds(1));
  CHECK(b.irq1.rises() == 2);
  CHECK(b.read() == 0x32);
  CHECK(b.irq12.rises() == 0);
}

TEST_CASE("i8042: mouse bytes set their status bit and IRQ12") {
  Bench b;
  b.mouse.send({0x08});
  b.clock.advance(milliseconds(1));
  CHECK((b.status() & 0x21) == 0x21);
  CHECK(b.irq12.level());
  CHECK_FALSE(b.irq1.level());
  CHECK(b.read() == 0x08);
  CHECK_FALSE(b.irq12.level());
  CHECK(b.mouse.read == 1);
}

TEST_CASE("i8042: interrupts follow the command byte, also for a byte that waits already") {
  Bench b;
  b.command_byte(0x00);
  b.keyboard.send({0x1C});
  b.clock.advance(milliseconds(1));
  CHECK(b.full());
  CHECK_FALSE(b.irq1.level());
  b.command_byte(0x01);
  CHECK(b.irq1.level());
}

TEST_CASE("i8042: a disabled interface holds its bytes back") {
  Bench b;
  b.command(0xAD);
  CHECK((b.ask(0x20) & 0x10) == 0x10);
  b.command(0xA7);
  CHECK((b.ask(0x20) & 0x20) == 0x20);
  b.keyboard.send({0x1C});
  b.mouse.send({0x09});
  b.clock.advance(milliseconds(10));
  CHECK_FALSE(b.full());
  b.command(0xA8);
  CHECK(b.drain() == Bytes{0x09});
  b.command(0xAE);
  CHECK(b.drain() == Bytes{0x1C});
}

TEST_CASE("i8042: disabling while a byte is on its wire keeps it with the device") {
  Bench b;
  b.keyboard.send({0x1C});
  b.clock.advance(microseconds(100));
  b.command(0xAD);
  b.clock.advance(milliseconds(10));
  CHECK_FALSE(b.full());
  CHECK(b.ask(0x20) == 0x13);
  b.command(0xAE);
  CHECK(b.drain() == Bytes{0x1C});
}

TEST_CASE("i8042: data goes to the keyboard, D4h to the mouse, and both open their interfaces") {
  Bench b;
  b.command_byte(0x30);
  b.data(0xED);
  b.command(0xD4);
  b.data(0xF2);
  CHECK(b.keyboard.received == Bytes{0xED});
  CHECK(b.mouse.received == Bytes{0xF2});
  CHECK(b.ask(0x20) == 0x00);
}

TEST_CASE("i8042: D2h and D3h echo as keyboard and as mouse") {
  Bench b;
  b.command(0xD2);
  b.data(0x77);
  CHECK((b.status() & 0x21) == 0x01);
  CHECK(b.irq1.level());
  CHECK(b.read() == 0x77);
  b.command(0xD3);
  b.data(0x66);
  CHECK((b.status() & 0x21) == 0x21);
  CHECK(b.irq12.level());
  CHECK(b.read() == 0x66);
  CHECK(b.keyboard.read + b.mouse.read == 0);
}

TEST_CASE("i8042: answers wait for a full buffer and come in order, each with its edge") {
  Bench b;
  b.keyboard.send({0x1C});
  b.clock.advance(milliseconds(1));
  b.command(0xAA);
  b.command(0xAB);
  CHECK(b.read() == 0x1C);
  CHECK(b.read() == 0x55);
  CHECK(b.read() == 0x00);
  CHECK(b.irq1.rises() == 3);
  for (int i = 0; i < 1000; ++i) b.command(0xAA);  // a flood is bounded
  int answers = 0;
  for (; b.full(); ++answers) b.read();
  CHECK(answers == 17);
}

TEST_CASE("i8042: the A20 gate by output port, DDh/DFh and port 92h") {
  Bench b;
  CHECK(b.a20);
  b.command(0xD1);
  b.data(0xDD);
  CHECK_FALSE(b.a20);
  CHECK((b.ask(0xD0) & 0x03) == 0x01);
  CHECK((b.ports.in(0x92, Width::byte) & 2) == 0);
  b.ports.out(0x92, Width::byte, 0x02);
  CHECK(b.a20);
  CHECK((b.ask(0xD0) & 0x03) == 0x03);
  b.command(0xDD);
  CHECK_FALSE(b.a20);
  b.command(0xDF);
  CHECK(b.a20);
  CHECK(b.resets == 0);
}

TEST_CASE("i8042: resets by FEh, by the output port and by port 92h's rising bit") {
  Bench b;
  b.command(0xFF);
  CHECK(b.resets == 0);
  b.command(0xFE);
  CHECK(b.resets == 1);
  b.command(0xF0);
  CHECK(b.resets == 2);
  b.command(0xD1);
  b.data(0x02);
  CHECK(b.resets == 3);
  b.ports.out(0x92, Width::byte, 0x03);
  CHECK(b.resets == 4);
  b.ports.out(0x92, Width::byte, 0x03);
  CHECK(b.resets == 4);
  b.ports.out(0x92, Width::byte, 0x02);
  b.ports.out(0x92, Width::byte, 0x03);
  CHECK(b.resets == 5);
}

TEST_CASE("i8042: the output port shows the interrupts") {
  Bench b;
  CHECK((b.ask(0xD0) & 0x30) == 0);
  b.mouse.send({0x08});
  b.clock.advance(milliseconds(1));
  b.command(0xD0);
  CHECK(b.read() == 0x08);
  CHECK((b.read() & 0xCC) == 0xCC);
}

TEST_CASE("i8042: translation: make, break, extended, and what passes unchanged") {
  Bench b;
  b.command_byte(0x41);
  b.keyboard.send({0x1C, 0xF0, 0x1C});
  CHECK(b.drain() == Bytes{0x1E, 0x9E});
  b.keyboard.send({0xE0, 0x75, 0xE0, 0xF0, 0x75});
  CHECK(b.drain() == Bytes{0xE0, 0x48, 0xE0, 0xC8});
  b.keyboard.send({0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77});
  CHECK(b.drain() == Bytes{0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5});
  b.keyboard.send({0xFA, 0xAA, 0xEE, 0xFE, 0xFC, 0xFD});
  CHECK(b.drain() == Bytes{0xFA, 0xAA, 0xEE, 0xFE, 0xFC, 0xFD});
  b.keyboard.send({0xFA, 0xAB, 0x83});
  CHECK(b.drain() == Bytes{0xFA, 0xAB, 0x41});
  b.keyboard.send({0x00});
  CHECK(b.drain() == Bytes{0xFF});
  b.keyboard.send({0x83, 0x84, 0xF0, 0x84});
  CHECK(b.drain() == Bytes{0x41, 0x54, 0xD4});
}

TEST_CASE("i8042: every byte read is told to its device, with translation too") {
  Bench b;
  b.command_byte(0x41);
  b.keyboard.send({0xF0, 0x1C});
  b.drain();
  CHECK(b.keyboard.read == 2);
}

TEST_CASE("i8042: without translation everything passes") {
  Bench b;
  b.keyboard.send({0xE0, 0xF0, 0x75, 0x83});
  CHECK(b.drain() == Bytes{0xE0, 0xF0, 0x75, 0x83});
}

TEST_CASE("i8042: unknown commands and a password change nothing") {
  Bench b;
  for (const u8 command : {0x00, 0x1F, 0x40, 0x5F, 0x80, 0x9F, 0xB0, 0xBF, 0xE5}) b.command(command);
  b.command(0xA5);
  for (const u8 byte : {0x1C, 0x32, 0x00}) b.data(byte);
  CHECK_FALSE(b.full());
  CHECK(b.keyboard.received.empty());
  CHECK(b.ask(0x20) == 0x03);
  b.data(0xF4);
  CHECK(b.keyboard.received == Bytes{0xF4});
}

TEST_CASE("i8042: a hard reset keeps the system flag, power-on clears it") {
  Bench b;
  b.ask(0xAA);
  b.command(0xDD);
  b.controller.reset(Reset::hard);
  CHECK((b.status() & 0x04) == 0x04);
  CHECK(b.a20);
  b.controller.reset(Reset::power_on);
  CHECK((b.status() & 0x04) == 0);
}

TEST_CASE("i8042: state is saved, scrambled and loaded") {
  Bench b;
  b.command_byte(0x43);
  b.keyboard.send({0x1C, 0x32});
  b.clock.advance(milliseconds(1));
  b.command(0xAA);
  b.command(0xDD);
  b.command(0xD4);
  StateWriter saved;
  b.controller.visit(saved);
  b.controller.reset(Reset::power_on);
  b.ports.out(0x92, Width::byte, 0x03);
  StateReader reader(saved.bytes());
  b.controller.visit(reader);
  CHECK_FALSE(b.a20);
  StateWriter again;
  b.controller.visit(again);
  CHECK(saved.bytes() == again.bytes());
  b.data(0xF4);
  CHECK(b.mouse.received == Bytes{0xF4});
  CHECK(b.read() == 0x1E);
  CHECK(b.read() == 0x55);
}

}  // namespace
}  // namespace penumbra
