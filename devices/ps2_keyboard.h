// A PS/2 keyboard (IBM PS/2 Technical Reference, "Keyboard (101- and 102-Key)"): scan code sets 1 to 3, commands, LEDs.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/input.h"
#include "core/platform/ps2.h"

namespace penumbra {

// Answers to commands go before scan codes. The buffer holds 16 bytes of scan codes; a key that does not fit is lost
// and leaves the overrun code once. Repeats come from the person's own keyboard; the typematic rate is only kept.
class Ps2Keyboard final : public Device, public Ps2Device, public KeyboardPort {
 public:
  explicit Ps2Keyboard(Trace& trace) : trace_(trace) {}

  // Bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock, as the guest set them.
  u8 leds() const { return leds_; }

  std::string_view name() const override { return "ps2-keyboard"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

  void receive(u8 byte) override;
  bool has_byte() const override { return !replies_.empty() || !codes_.empty(); }
  u8 take_byte() override;
  void byte_read() override { unread_ = false; }
  void when_waiting(std::function<void()> action) override { waiting_ = std::move(action); }

  void key(KeyCode key, bool pressed) override;
  bool busy() const override { return has_byte() || unread_; }

 private:
  // What a key does in scan code set 3.
  enum class KeyType : u8 { typematic_make_break, typematic, make_break, make };

  void set_defaults();
  void command(u8 byte);
  bool parameter(u8 command, u8 byte);  // false: the byte is a command itself
  void set_all_types(KeyType type);
  void reply(u8 byte);

  void key_in_set_3(u8 code, bool pressed, bool repeat);
  void append(KeyCode key, bool pressed);
  void append_pause();
  void queue_codes();
  bool down(KeyCode key) const;

  Trace& trace_;
  std::function<void()> waiting_;
  bool scanning_ = true;
  u8 set_ = 2;
  u8 leds_ = 0;
  u8 typematic_ = 0x2B;  // 10.9 repeats a second after 500 ms
  u8 awaited_ = 0;       // the command whose parameter comes next, or 0
  u8 last_sent_ = 0;
  bool overrun_ = false;
  bool unread_ = false;          // a byte is on its way to the guest
  std::array<u8, 256> types_{};  // KeyType by set 3 code
  std::array<u8, 32> down_{};    // a bit for each key: its code's low 7 bits, and bit 7 for extended keys
  std::vector<u8> replies_;
  std::vector<u8> codes_;
  std::vector<u8> sequence_;  // of the key being handled; empty between keys
};

}  // namespace penumbra
