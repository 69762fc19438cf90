// The mouse: commands, packets of all three kinds, modes, sampling.
#include "devices/ps2_mouse.h"

#include <doctest/doctest.h>

#include <vector>

namespace penumbra {
namespace {

using Bytes = std::vector<u8>;

struct Bench {
  Trace trace;
  ManualClock clock;
  Ps2Mouse mouse{clock, trace};

  Bench() { mouse.reset(Reset::power_on); }
  // What is sent now, without letting time pass.
  Bytes drain() {
    Bytes bytes;
    while (mouse.has_byte()) {
      bytes.push_back(mouse.take_byte());
      mouse.byte_read();
    }
    return bytes;
  }
  Bytes send(std::initializer_list<u8> bytes) {
    Bytes answers;
    for (const u8 byte : bytes) {
      mouse.receive(byte);
      const Bytes some = drain();
      answers.insert(answers.end(), some.begin(), some.end());
    }
    return answers;
  }
  Bytes next_sample() {
    clock.advance(milliseconds(10));
    return drain();
  }
  Bytes become_wheel() { return send({0xF3, 200, 0xF3, 100, 0xF3, 80, 0xF2}); }
  Bytes become_explorer() { return send({0xF3, 200, 0xF3, 200, 0xF3, 80, 0xF2}); }
};

TEST_CASE("mouse: reset, identity, status") {
  Bench b;
  CHECK(b.send({0xFF}) == Bytes{0xFA, 0xAA, 0x00});
  CHECK(b.send({0xF2}) == Bytes{0xFA, 0x00});
  CHECK(b.send({0xE9}) == Bytes{0xFA, 0x00, 0x02, 100});
  b.send({0xE8, 0x03, 0xF3, 40, 0xE7, 0xF4});
  CHECK(b.send({0xE9}) == Bytes{0xFA, 0x30, 0x03, 40});
  b.mouse.button(MouseButton::left, true);
  b.mouse.button(MouseButton::middle, true);
  CHECK(b.send({0xF5, 0xF0, 0xE6, 0xE9}) == Bytes{0xFA, 0xFA, 0xFA, 0xFA, 0x46, 0x03, 40});
  CHECK(b.send({0xF6, 0xE9}) == Bytes{0xFA, 0xFA, 0x06, 0x02, 100});
  b.mouse.button(MouseButton::right, true);
  b.mouse.button(MouseButton::left, false);
  b.mouse.button(MouseButton::middle, false);
  CHECK(b.send({0xE9}) == Bytes{0xFA, 0x01, 0x02, 100});
}

TEST_CASE("mouse: bad bytes are refused, twice in a row is an error; FEh repeats") {
  Bench b;
  CHECK(b.send({0x00}) == Bytes{0xFE});
  CHECK(b.send({0x00}) == Bytes{0xFC});
  CHECK(b.send({0x00}) == Bytes{0xFE});
  CHECK(b.send({0xE8, 0x04, 0x01}) == Bytes{0xFA, 0xFE, 0xFA});
  CHECK(b.send({0xE8, 0x04, 0x05, 0xE9}) == Bytes{0xFA, 0xFE, 0xFC, 0xFA, 0x00, 0x01, 100});
  CHECK(b.send({0xF3, 0x00}) == Bytes{0xFA, 0xFE});
  CHECK(b.send({0xFF}) == Bytes{0xFA, 0xAA, 0x00});  // also where a parameter is expected
  CHECK(b.send({0xFE}) == Bytes{0x00});
}

TEST_CASE("mouse: nothing is reported until enabled, and old movement is forgotten then") {
  Bench b;
  b.mouse.move(5, 5, 0);
  CHECK(b.next_sample() == Bytes{});
  CHECK(b.send({0xF4}) == Bytes{0xFA});
  CHECK(b.next_sample() == Bytes{});
  b.mouse.move(5, 3, 0);
  CHECK(b.drain() == Bytes{0x28, 5, 0xFD});
}

TEST_CASE("mouse: signs: right and up are positive") {
  Bench b;
  b.send({0xF4});
  b.mouse.move(-1, -2, 0);
  CHECK(b.drain() == Bytes{0x18, 0xFF, 0x02});
}

TEST_CASE("mouse: packets keep the sample rate and gather what happens between") {
  Bench b;
  b.send({0xF3, 40, 0xF4});
  b.mouse.move(1, 0, 0);
  CHECK(b.drain() == Bytes{0x08, 1, 0});
  b.mouse.move(2, 0, 0);
  b.mouse.move(3, 0, 0);
  CHECK(b.drain() == Bytes{});
  b.clock.advance(milliseconds(24));
  CHECK(b.drain() == Bytes{});
  b.clock.advance(milliseconds(1));
  CHECK(b.drain() == Bytes{0x08, 5, 0});
  b.clock.advance(seconds(1));
  CHECK(b.drain() == Bytes{});
}

TEST_CASE("mouse: a guest that reads late gets one packet with everything in the next") {
  Bench b;
  b.send({0xF4});
  b.mouse.move(1, 0, 0);
  b.clock.advance(seconds(1));
  b.mouse.move(7, 0, 0);
  b.clock.advance(seconds(1));
  CHECK(b.drain() == Bytes{0x08, 1, 0, 0x08, 7, 0});
}

TEST_CASE("mouse: a large movement is spread over samples without loss") {
  Bench b;
  b.send({0xF4});
  b.mouse.move(600, -300, 0);
  CHECK(b.drain() == Bytes{0x08, 255, 255});
  CHECK(b.next_sample() == Bytes{0x08, 255, 45});
  CHECK(b.next_sample() == Bytes{0x08, 90, 0});
  CHECK(b.next_sample() == Bytes{});
  b.mouse.move(-256, 0, 0);
  CHECK(b.drain() == Bytes{0x18, 0x01, 0});
  CHECK(b.next_sample() == Bytes{0x18, 0xFF, 0});
  for (int i = 0; i < 100; ++i) b.mouse.move(INT32_MAX, INT32_MIN, INT32_MIN);
  int packets = 0;
  for (b.drain(); !b.next_sample().empty();) ++packets;
  CHECK(packets <= 64);
}

TEST_CASE("mouse: remote mode answers on demand and overflows") {
  Bench b;
  CHECK(b.send({0xF0}) == Bytes{0xFA});
  b.mouse.move(10, 20, 0);
  b.mouse.move(1, 2, 0);
  CHECK(b.next_sample() == Bytes{});
  CHECK(b.send({0xEB}) == Bytes{0xFA, 0x28, 11, 0xEA});
  CHECK(b.send({0xEB}) == Bytes{0xFA, 0x08, 0, 0});
  b.mouse.move(200, 0, 0);
  b.mouse.move(200, 300, 0);
  CHECK(b.send({0xEB}) == Bytes{0xFA, 0x08 | 0x40 | 0x80 | 0x20, 255, 0x01});
  CHECK(b.send({0xEB}) == Bytes{0xFA, 0x08, 0, 0});
  b.mouse.move(255, -255, 0);
  CHECK(b.send({0xEB}) == Bytes{0xFA, 0x08, 255, 255});
  b.mouse.button(MouseButton::right, true);
  CHECK(b.send({0xEB}) == Bytes{0xFA, 0x0A, 0, 0});
  CHECK(b.send({0xEA, 0xF4}) == Bytes{0xFA, 0xFA});
  b.mouse.move(1, 0, 0);
  CHECK(b.drain() == Bytes{0x0A, 1, 0});
}

TEST_CASE("mouse: wrap mode echoes all but EC and FF") {
  Bench b;
  CHECK(b.send({0xEE, 0x12, 0xF4, 0xEE, 0xFE}) == Bytes{0xFA, 0x12, 0xF4, 0xEE, 0xFE});
  b.mouse.move(1, 1, 0);
  CHECK(b.drain() == Bytes{});
  CHECK(b.send({0xEC}) == Bytes{0xFA});
  CHECK(b.send({0xF2}) == Bytes{0xFA, 0x00});
  b.send({0xEE});
  CHECK(b.send({0xFF}) == Bytes{0xFA, 0xAA, 0x00});
  CHECK(b.send({0x12}) == Bytes{0xFE});
}

TEST_CASE("mouse: 2:1 scaling in stream mode only") {
  Bench b;
  b.send({0xE7, 0xF4});
  const std::array<std::array<u8, 2>, 8> table{{{1, 1}, {2, 1}, {3, 3}, {4, 6}, {5, 9}, {6, 12}, {7, 14}, {100, 200}}};
  for (const auto& [moved, shown] : table) {
    b.mouse.move(moved, 0, 0);
    b.clock.advance(milliseconds(10));
    CHECK(b.drain() == Bytes{0x08, shown, 0});
  }
  b.mouse.move(-3, 0, 0);
  b.clock.advance(milliseconds(10));
  CHECK(b.drain() == Bytes{0x18, 0xFD, 0});
  b.mouse.move(200, 0, 0);  // 127 and 73, doubled
  CHECK(b.drain() == Bytes{0x08, 254, 0});
  CHECK(b.next_sample() == Bytes{0x08, 146, 0});
  b.send({0xF0});
  b.mouse.move(100, 0, 0);
  CHECK(b.send({0xEB}) == Bytes{0xFA, 0x08, 100, 0});
}

TEST_CASE("mouse: buttons, and a click too short to sample") {
  Bench b;
  b.send({0xF4});
  b.mouse.button(MouseButton::left, true);
  CHECK(b.drain() == Bytes{0x09, 0, 0});
  b.mouse.button(MouseButton::left, true);
  b.mouse.button(MouseButton::left, false);
  CHECK(b.next_sample() == Bytes{0x08, 0, 0});
  b.mouse.button(MouseButton::middle, true);
  b.mouse.button(MouseButton::middle, false);
  CHECK(b.next_sample() == Bytes{0x0C, 0, 0});
  CHECK(b.next_sample() == Bytes{0x08, 0, 0});
  CHECK(b.next_sample() == Bytes{});
}

TEST_CASE("mouse: the wheel after 200, 100, 80") {
  Bench b;
  b.send({0xF4});
  b.mouse.move(0, 0, 1);
  CHECK(b.next_sample() == Bytes{});  // a standard mouse has none
  CHECK(b.become_wheel() == Bytes{0xFA, 0xFA, 0xFA, 0xFA, 0xFA, 0xFA, 0xFA, 0x03});
  b.send({0xF3, 100, 0xF4});
  b.mouse.move(1, 0, 1);
  CHECK(b.drain() == Bytes{0x08, 1, 0, 1});
  b.mouse.move(0, 0, -1);
  CHECK(b.next_sample() == Bytes{0x08, 0, 0, 0xFF});
  b.mouse.move(0, 0, 10);
  CHECK(b.next_sample() == Bytes{0x08, 0, 0, 7});
  CHECK(b.next_sample() == Bytes{0x08, 0, 0, 3});
  b.mouse.move(0, 0, -9);
  CHECK(b.next_sample() == Bytes{0x08, 0, 0, 0xF8});
  CHECK(b.next_sample() == Bytes{0x08, 0, 0, 0xFF});
  b.send({0xFF});
  CHECK(b.send({0xF2}) == Bytes{0xFA, 0x00});
}

TEST_CASE("mouse: the Explorer's packet after 200, 200, 80") {
  Bench b;
  CHECK(b.become_explorer().back() == 0x04);
  b.send({0xF3, 100, 0xF4});
  b.mouse.move(0, 0, -1);
  CHECK(b.drain() == Bytes{0x08, 0, 0, 0x0F});
}

TEST_CASE("mouse: rates that only look like the request change nothing") {
  Bench b;
  CHECK(b.send({0xF3, 200, 0xF3, 80, 0xF3, 100, 0xF2}).back() == 0x00);
  CHECK(b.send({0xF3, 200, 0xF3, 100, 0xF3, 60, 0xF2}).back() == 0x00);
}

TEST_CASE("mouse: a command cuts a packet short, and the rest never comes") {
  Bench b;
  b.send({0xF4});
  b.mouse.move(1, 2, 0);
  b.mouse.take_byte();
  b.mouse.receive(0xF5);
  CHECK(b.drain() == Bytes{0xFA});
}

TEST_CASE("mouse: state is saved, scrambled and loaded") {
  Bench b;
  b.become_wheel();
  b.send({0xE8, 0x01, 0xE7, 0xF4});
  b.mouse.button(MouseButton::right, true);
  b.mouse.take_byte();
  b.mouse.move(300, -400, 5);
  b.mouse.button(MouseButton::left, true);
  b.mouse.button(MouseButton::left, false);
  StateWriter saved;
  b.mouse.visit(saved);
  b.mouse.reset(Reset::power_on);
  b.mouse.receive(0xE9);
  StateReader reader(saved.bytes());
  b.mouse.visit(reader);
  StateWriter again;
  b.mouse.visit(again);
  CHECK(saved.bytes() == again.bytes());
  CHECK(b.drain() == Bytes{0, 0, 0});  // the rest of the packet
  b.clock.advance(milliseconds(20));
  CHECK(b.drain().size() == 4);
}

}  // namespace
}  // namespace penumbra
