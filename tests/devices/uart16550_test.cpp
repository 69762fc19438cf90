// The serial port: sending, receiving at the line's pace, FIFO levels and timeouts, interrupt priorities, loopback.
#include "devices/uart16550.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

constexpr i64 kByteTime = 10 * 1'000'000'000ll / 115200;  // 8N1

struct Board {
  Board() {
    uart.send_to([this](u8 byte) { sent += static_cast<char>(byte); });
    out(3, 0x83);
    out(0, 1);
    out(1, 0);
    out(3, 0x03);
  }
  void out(u16 at, u32 value) { ports.out(static_cast<u16>(0x3F8 + at), Width::byte, value); }
  u32 in(u16 at) { return ports.in(static_cast<u16>(0x3F8 + at), Width::byte); }
  void feed(std::string_view text) { uart.receive({reinterpret_cast<const u8*>(text.data()), text.size()}); }
  void wait_bytes(i64 count) { clock.advance(Ticks(count * (kByteTime + 1))); }
  std::string drain() {
    std::string text;
    while (in(5) & 1) text += static_cast<char>(in(0));
    return text;
  }
  Trace trace;
  PortBus ports{trace};
  ManualClock clock;
  RecordingLine irq;
  std::string sent;
  Uart16550 uart{ports, clock, irq, trace, 0x3F8, "com1"};
};

TEST_CASE("bytes written are sent, and the transmitter is always empty") {
  Board b;
  for (const char c : std::string_view("hello")) {
    CHECK((b.in(5) & 0x60) == 0x60);
    b.out(0, static_cast<u8>(c));
  }
  CHECK(b.sent == "hello");
}

TEST_CASE("DLAB shows the divisor latches and nothing else moves") {
  Board b;
  b.out(1, 0x05);
  b.out(3, 0x83);
  b.out(0, 0x34);
  b.out(1, 0x12);
  CHECK(b.in(0) == 0x34);
  CHECK(b.in(1) == 0x12);
  b.out(3, 0x03);
  CHECK(b.in(1) == 0x05);
  CHECK(b.sent.empty());
  b.out(7, 0xA5);
  CHECK(b.in(7) == 0xA5);
}

TEST_CASE("IIR tells the FIFOs from a chip without") {
  Board b;
  CHECK(b.in(2) == 0x01);
  b.out(2, 0x01);
  CHECK(b.in(2) == 0xC1);
  b.out(2, 0x00);
  CHECK(b.in(2) == 0x01);
}

TEST_CASE("the THRE interrupt: on enabling, gone when IIR is read, back with an edge after each byte") {
  Board b;
  b.out(4, 0x0B);
  b.out(1, 0x02);
  CHECK(b.irq.level());
  CHECK(b.in(2) == 0x02);
  CHECK_FALSE(b.irq.level());
  CHECK(b.in(2) == 0x01);
  const int rises = b.irq.rises();
  b.out(0, 'x');
  CHECK(b.irq.rises() == rises + 1);
  b.out(0, 'y');
  CHECK(b.irq.rises() == rises + 2);
  b.out(1, 0x00);
  CHECK_FALSE(b.irq.level());
}

TEST_CASE("no interrupt passes without OUT2") {
  Board b;
  b.out(4, 0x03);
  b.out(1, 0x02);
  CHECK_FALSE(b.irq.level());
  b.out(4, 0x0B);
  CHECK(b.irq.level());
  b.out(4, 0x1B);
  CHECK_FALSE(b.irq.level());
}

TEST_CASE("without FIFOs bytes come one at a time, no faster than the line") {
  Board b;
  b.out(4, 0x0B);
  b.out(1, 0x01);
  b.feed("abc");
  CHECK((b.in(5) & 1) == 0);
  b.wait_bytes(1);
  CHECK(b.irq.level());
  CHECK(b.in(2) == 0x04);
  b.wait_bytes(10);  // nothing is overrun meanwhile
  CHECK(b.in(0) == 'a');
  CHECK_FALSE(b.irq.level());
  CHECK((b.in(5) & 1) == 0);
  b.wait_bytes(1);
  CHECK(b.in(0) == 'b');
  b.wait_bytes(1);
  CHECK(b.in(0) == 'c');
  CHECK((b.in(5) & 3) == 0);
}

TEST_CASE("the programmed rate is the pace") {
  Board b;
  b.out(3, 0x83);
  b.out(0, 12);  // 9600 baud
  b.out(3, 0x03);
  b.feed("a");
  b.clock.advance(Ticks(kByteTime * 12 - 1000));
  CHECK((b.in(5) & 1) == 0);
  b.clock.advance(Ticks(2000));
  CHECK((b.in(5) & 1) == 1);
}

TEST_CASE("the FIFO interrupts at its trigger level") {
  for (const auto& [fcr, level] : {std::pair{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xC1, 14}}) {
    Board b;
    b.out(4, 0x0B);
    b.out(2, static_cast<u32>(fcr));
    b.out(1, 0x01);
    b.feed("0123456789abcdefXY");
    b.wait_bytes(level - 1);
    CHECK_FALSE(b.irq.level());
    b.wait_bytes(1);
    CHECK(b.irq.level());
    CHECK(b.in(2) == 0xC4);
    b.wait_bytes(20);
    CHECK(b.drain() == "0123456789abcdef");
    b.wait_bytes(2);
    CHECK(b.drain() == "XY");
  }
}

TEST_CASE("bytes below the trigger level interrupt after four character times") {
  Board b;
  b.out(4, 0x0B);
  b.out(2, 0xC1);
  b.out(1, 0x01);
  b.feed("ab");
  b.wait_bytes(2);
  b.clock.advance(Ticks(3 * kByteTime));
  CHECK_FALSE(b.irq.level());
  b.clock.advance(Ticks(2 * kByteTime));
  CHECK(b.irq.level());
  CHECK(b.in(2) == 0xCC);
  CHECK(b.in(0) == 'a');
  CHECK_FALSE(b.irq.level());
  b.clock.advance(Ticks(5 * kByteTime));
  CHECK(b.in(2) == 0xCC);
  CHECK(b.in(0) == 'b');
  b.clock.advance(Ticks(5 * kByteTime));
  CHECK(b.in(2) == 0xC1);
}

TEST_CASE("loopback: data, overrun, modem lines and their deltas") {
  Board b;
  b.out(4, 0x10);
  b.in(6);
  b.out(0, 'q');
  CHECK(b.in(5) == 0x61);
  b.out(0, 'r');
  CHECK(b.in(5) == 0x63);
  CHECK(b.in(5) == 0x61);
  CHECK(b.in(0) == 'r');
  CHECK(b.sent.empty());
  b.out(4, 0x1A);  // RTS, OUT2
  CHECK(b.in(6) == 0x99);
  CHECK(b.in(6) == 0x90);
  b.out(4, 0x15);  // DTR, OUT1: RI's leading edge is no delta
  CHECK(b.in(6) == 0x6B);
  b.out(4, 0x11);
  CHECK(b.in(6) == 0x24);
  b.out(4, 0x03);
  CHECK((b.in(6) & 0xF0) == 0xB0);
}

TEST_CASE("a full FIFO keeps its contents when it is overrun") {
  Board b;
  b.out(2, 0x01);
  b.out(4, 0x10);
  for (int i = 0; i < 18; ++i) b.out(0, static_cast<u32>('a' + i));
  CHECK(b.in(5) == 0x63);
  CHECK(b.drain() == "abcdefghijklmnop");
  b.out(0, 'z');
  b.out(2, 0x03);
  CHECK((b.in(5) & 1) == 0);
}

TEST_CASE("a break shows with its character, behind those before it") {
  Board b;
  b.out(2, 0x01);
  b.out(4, 0x10);
  b.out(0, 'a');
  b.out(3, 0x43);
  CHECK(b.in(5) == 0xE1);
  CHECK(b.in(0) == 'a');
  CHECK(b.in(5) == 0xF1);
  CHECK(b.in(5) == 0x61);
  CHECK(b.in(0) == 0);
}

TEST_CASE("interrupts are identified by priority") {
  Board b;
  b.out(4, 0x10);
  b.in(6);
  b.out(1, 0x0F);
  b.out(0, 'a');
  b.out(0, 'b');   // overrun
  b.out(4, 0x12);  // CTS changes
  CHECK(b.in(2) == 0x06);
  b.in(5);
  CHECK(b.in(2) == 0x04);
  b.in(0);
  CHECK(b.in(2) == 0x02);
  CHECK(b.in(2) == 0x00);
  b.in(6);
  CHECK(b.in(2) == 0x01);
}

TEST_CASE("the host learns how much the port takes, and no more is taken") {
  Board b;
  const std::string much(5000, 'x');
  const std::size_t room = b.uart.room();
  b.feed(much);
  CHECK(b.uart.room() == 0);
  b.out(2, 0x01);
  std::size_t got = 0;
  for (int i = 0; i < 500; ++i) {
    b.wait_bytes(16);
    got += b.drain().size();
  }
  CHECK(got == room);
  CHECK(b.uart.room() == room);
}

TEST_CASE("saving, resetting and loading") {
  Board b;
  b.out(4, 0x0B);
  b.out(2, 0xC1);
  b.out(1, 0x05);
  b.out(7, 0x77);
  b.feed("abcde");
  b.wait_bytes(3);
  StateWriter saved;
  b.uart.visit(saved);
  b.drain();
  b.uart.reset(Reset::hard);
  CHECK(b.in(1) == 0);
  b.wait_bytes(10);
  StateReader reader(saved.bytes());
  b.uart.visit(reader);
  StateWriter again;
  b.uart.visit(again);
  CHECK(again.bytes() == saved.bytes());
  CHECK(b.in(7) == 0x77);
  b.wait_bytes(20);
  CHECK(b.in(2) == 0xCC);
  CHECK(b.drain() == "abcde");
}

}  // namespace
}  // namespace penumbra
