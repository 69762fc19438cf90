// The keyboard: commands, the three scan code sets, and what the controller's translation makes of every key.
#include "devices/ps2_keyboard.h"

#include <doctest/doctest.h>

#include <vector>

#include "devices/i8042.h"
#include "devices/ps2_scan_codes.h"
#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

using Bytes = std::vector<u8>;

struct Bench {
  Trace trace;
  Ps2Keyboard keyboard{trace};

  Bench() { keyboard.reset(Reset::power_on); }
  Bytes drain() {
    Bytes bytes;
    while (keyboard.has_byte()) {
      bytes.push_back(keyboard.take_byte());
      keyboard.byte_read();
    }
    return bytes;
  }
  Bytes send(std::initializer_list<u8> bytes) {
    Bytes answers;
    for (const u8 byte : bytes) {
      keyboard.receive(byte);
      const Bytes some = drain();
      answers.insert(answers.end(), some.begin(), some.end());
    }
    return answers;
  }
  Bytes press(KeyCode key) {
    keyboard.key(key, true);
    return drain();
  }
  Bytes release(KeyCode key) {
    keyboard.key(key, false);
    return drain();
  }
};

// Every key there is, by the codes of set 1.
std::vector<KeyCode> all_keys() {
  std::vector<KeyCode> keys;
  for (u32 code = 1; code < 0x80; ++code)
    for (const u32 prefix : {0u, 0xE000u})
      if (const KeyCode key = static_cast<KeyCode>(prefix | code); find_scan_code(key) && key != kFakeShift)
        keys.push_back(key);
  return keys;
}

TEST_CASE("keyboard: commands and their answers") {
  Bench b;
  CHECK(b.send({0xFF}) == Bytes{0xFA, 0xAA});
  CHECK(b.send({0xEE}) == Bytes{0xEE});
  CHECK(b.send({0xF2}) == Bytes{0xFA, 0xAB, 0x83});
  CHECK(b.send({0xED, 0x05}) == Bytes{0xFA, 0xFA});
  CHECK(b.keyboard.leds() == 0x05);
  CHECK(b.send({0xF3, 0x00}) == Bytes{0xFA, 0xFA});
  CHECK(b.send({0xF0, 0x00}) == Bytes{0xFA, 0xFA, 0x02});
  CHECK(b.send({0xF0, 0x01, 0xF0, 0x00}) == Bytes{0xFA, 0xFA, 0xFA, 0xFA, 0x01});
  CHECK(b.send({0xF0, 0x04}) == Bytes{0xFA, 0xFE});
  CHECK(b.send({0xF6}) == Bytes{0xFA});
  CHECK(b.send({0xF0, 0x00}) == Bytes{0xFA, 0xFA, 0x02});
  for (const u8 byte : {0x00, 0x55, 0xEC, 0xEF, 0xF1}) CHECK(b.send({byte}) == Bytes{0xFE});
}

TEST_CASE("keyboard: FEh repeats the last byte") {
  Bench b;
  b.send({0xF2});
  CHECK(b.send({0xFE}) == Bytes{0x83});
  CHECK(b.send({0xFE}) == Bytes{0x83});
}

TEST_CASE("keyboard: a command in place of a parameter is a command") {
  Bench b;
  CHECK(b.send({0xED, 0xF2}) == Bytes{0xFA, 0xFA, 0xAB, 0x83});
  CHECK(b.send({0x02}) == Bytes{0xFE});
  CHECK(b.keyboard.leds() == 0);
}

TEST_CASE("keyboard: F5h stops scanning, F4h starts it, both forget what waited") {
  Bench b;
  b.keyboard.key(0x1E, true);
  CHECK(b.send({0xF5}) == Bytes{0xFA});
  CHECK(b.press(0x30) == Bytes{});
  CHECK(b.send({0xF4}) == Bytes{0xFA});
  CHECK(b.press(0x30) == Bytes{0x32});
}

TEST_CASE("keyboard: answers go before scan codes") {
  Bench b;
  b.keyboard.key(0x1E, true);
  b.keyboard.receive(0xED);
  CHECK(b.drain() == Bytes{0xFA, 0x1C});
}

TEST_CASE("keyboard: set 2 and set 1, plain and extended") {
  Bench b;
  CHECK(b.press(0x1E) == Bytes{0x1C});
  CHECK(b.press(0x1E) == Bytes{0x1C});
  CHECK(b.release(0x1E) == Bytes{0xF0, 0x1C});
  CHECK(b.press(0xE048) == Bytes{0xE0, 0x75});
  CHECK(b.release(0xE048) == Bytes{0xE0, 0xF0, 0x75});
  b.send({0xF0, 0x01});
  CHECK(b.press(0x1E) == Bytes{0x1E});
  CHECK(b.release(0x1E) == Bytes{0x9E});
  CHECK(b.press(0xE048) == Bytes{0xE0, 0x48});
  CHECK(b.release(0xE048) == Bytes{0xE0, 0xC8});
}

TEST_CASE("keyboard: Pause, Break, Print Screen and SysRq in set 2") {
  Bench b;
  CHECK(b.press(kKeyPause) == Bytes{0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77});
  CHECK(b.press(kKeyPause) == Bytes{});
  CHECK(b.release(kKeyPause) == Bytes{});
  CHECK(b.press(kKeyPrintScreen) == Bytes{0xE0, 0x12, 0xE0, 0x7C});
  CHECK(b.press(kKeyPrintScreen) == Bytes{0xE0, 0x7C});
  CHECK(b.release(kKeyPrintScreen) == Bytes{0xE0, 0xF0, 0x7C, 0xE0, 0xF0, 0x12});
  b.press(kKeyControl);
  CHECK(b.press(kKeyPause) == Bytes{0xE0, 0x7E, 0xE0, 0xF0, 0x7E});
  CHECK(b.release(kKeyPause) == Bytes{});
  CHECK(b.press(kKeyPrintScreen) == Bytes{0xE0, 0x7C});
  CHECK(b.release(kKeyPrintScreen) == Bytes{0xE0, 0xF0, 0x7C});
  b.release(kKeyControl);
  b.press(kKeyRightAlt);
  CHECK(b.press(kKeyPrintScreen) == Bytes{0x84});
  CHECK(b.release(kKeyPrintScreen) == Bytes{0xF0, 0x84});
}

TEST_CASE("keyboard: Pause is not the right Ctrl key") {
  Bench b;
  b.press(kKeyPause);
  CHECK(b.press(kKeyPrintScreen) == Bytes{0xE0, 0x12, 0xE0, 0x7C});
}

TEST_CASE("keyboard: set 3 and its key types") {
  Bench b;
  b.send({0xF0, 0x03});
  CHECK(b.press(0x1E) == Bytes{0x1C});
  CHECK(b.release(0x1E) == Bytes{0xF0, 0x1C});
  CHECK(b.press(0xE048) == Bytes{0x63});
  CHECK(b.press(kKeyPause) == Bytes{0x62});
  CHECK(b.press(kKeyLeftShift) == Bytes{0x12});
  CHECK(b.press(kKeyLeftShift) == Bytes{});  // make/break
  CHECK(b.release(kKeyLeftShift) == Bytes{0xF0, 0x12});
  CHECK(b.send({0xF7}) == Bytes{0xFA});
  CHECK(b.press(0x1F) == Bytes{0x1B});
  CHECK(b.press(0x1F) == Bytes{0x1B});
  CHECK(b.release(0x1F) == Bytes{});
  CHECK(b.send({0xF9}) == Bytes{0xFA});
  CHECK(b.press(0x1F) == Bytes{0x1B});
  CHECK(b.press(0x1F) == Bytes{});
  CHECK(b.send({0xFC, 0x1B, 0x23, 0xF4}) == Bytes{0xFA, 0xFA, 0xFA, 0xFA});
  CHECK(b.release(0x1F) == Bytes{0xF0, 0x1B});
  b.press(0x20);
  CHECK(b.release(0x20) == Bytes{0xF0, 0x23});
  b.press(0x21);
  CHECK(b.release(0x21) == Bytes{});
  CHECK(b.send({0xFA}) == Bytes{0xFA});
  b.press(0x21);
  CHECK(b.press(0x21) == Bytes{0x2B});
  CHECK(b.release(0x21) == Bytes{0xF0, 0x2B});
}

TEST_CASE("keyboard: a full buffer loses whole keys and says so once") {
  Bench b;
  for (int i = 0; i < 40; ++i) b.keyboard.key(0x1E, true);
  Bytes bytes = b.drain();
  REQUIRE(bytes.size() == 17);
  CHECK(bytes[15] == 0x1C);
  CHECK(bytes[16] == 0x00);
  CHECK(b.press(0x1E) == Bytes{0x1C});
  for (int i = 0; i < 15; ++i) b.keyboard.key(0x1E, true);
  b.keyboard.key(0xE048, true);  // two bytes, one place
  bytes = b.drain();
  CHECK(bytes.back() == 0x00);
  CHECK(bytes.size() == 16);
}

TEST_CASE("keyboard: busy until the guest has read") {
  Bench b;
  CHECK_FALSE(b.keyboard.busy());
  b.keyboard.key(0x1E, true);
  CHECK(b.keyboard.busy());
  b.keyboard.take_byte();
  CHECK(b.keyboard.busy());
  b.keyboard.byte_read();
  CHECK_FALSE(b.keyboard.busy());
}

TEST_CASE("keyboard: codes that are no keys send nothing") {
  Bench b;
  for (const KeyCode key : {0x0000, 0x0059, 0x007F, 0x00AA, 0xE000, 0xE02A, 0xE0FF, 0xFFFF, 0xE11C}) {
    CHECK(b.press(key) == Bytes{});
    CHECK(b.release(key) == Bytes{});
  }
}

TEST_CASE("keyboard: every key through the controller's translation is the same key in set 1") {
  Trace trace;
  PortBus ports(trace);
  ManualClock clock;
  RecordingLine irq1, irq12;
  Ps2Keyboard keyboard(trace), unused(trace);
  I8042 controller(ports, clock, keyboard, unused, {irq1, irq12, [](bool) {}, [] {}}, trace);
  controller.reset(Reset::power_on);
  Bench direct;
  direct.send({0xF0, 0x01});
  std::vector<KeyCode> keys = all_keys();
  keys.push_back(kKeyPause);
  CHECK(keys.size() >= 110);
  for (const KeyCode key : keys) {
    for (const bool pressed : {true, false}) {
      keyboard.key(key, pressed);
      Bytes bytes;
      for (clock.advance(milliseconds(1)); ports.in(0x64, Width::byte) & 1; clock.advance(milliseconds(1)))
        bytes.push_back(static_cast<u8>(ports.in(0x60, Width::byte)));
      CHECK_MESSAGE(bytes == (pressed ? direct.press(key) : direct.release(key)), "key ", key);
      CHECK_FALSE(keyboard.busy());
    }
  }
}

TEST_CASE("keyboard: no two keys share a code in any set") {
  for (const u8 set : {1, 2, 3}) {
    Bench b;
    b.send({0xF0, set});
    std::vector<Bytes> seen;
    for (const KeyCode key : all_keys()) {
      if (key == kKeyBreak || key == kKeySysRq) continue;  // second codes of Pause and Print Screen
      const Bytes bytes = b.press(key);
      b.release(key);
      if (set == 3 && bytes.empty()) continue;
      CHECK_MESSAGE(std::count(seen.begin(), seen.end(), bytes) == 0, "key ", key, " in set ", int{set});
      seen.push_back(bytes);
    }
  }
}

TEST_CASE("keyboard: state is saved, scrambled and loaded") {
  Bench b;
  b.send({0xED, 0x07, 0xF3, 0x20, 0xF0, 0x03, 0xFD, 0x1C, 0xF4});
  b.keyboard.key(0x1F, true);
  b.keyboard.receive(0xED);
  b.keyboard.take_byte();
  StateWriter saved;
  b.keyboard.visit(saved);
  b.keyboard.reset(Reset::power_on);
  b.keyboard.key(0xE048, true);
  StateReader reader(saved.bytes());
  b.keyboard.visit(reader);
  StateWriter again;
  b.keyboard.visit(again);
  CHECK(saved.bytes() == again.bytes());
  CHECK(b.drain() == Bytes{0x1B});
}

}  // namespace
}  // namespace penumbra
