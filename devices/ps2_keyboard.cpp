// Keyboard commands and the sequences that keys send.
#include "devices/ps2_keyboard.h"

#include "core/base/bits.h"
#include "devices/ps2_scan_codes.h"

namespace penumbra {

namespace {

constexpr std::size_t kBufferBytes = 16;
constexpr std::size_t kMostReplies = 4;

constexpr u8 kAck = 0xFA;
constexpr u8 kResend = 0xFE;
constexpr u8 kEcho = 0xEE;
constexpr u8 kSelfTestPassed = 0xAA;
constexpr u8 kBreak = 0xF0;
constexpr u8 kExtended = 0xE0;

enum Command : u8 {
  kSetLeds = 0xED,
  kSelectSet = 0xF0,
  kReadId = 0xF2,
  kSetTypematic = 0xF3,
  kEnable = 0xF4,
  kDefaultsAndDisable = 0xF5,
  kDefaults = 0xF6,
  kAllTypematic = 0xF7,
  kAllMakeBreak = 0xF8,
  kAllMake = 0xF9,
  kAllTypematicMakeBreak = 0xFA,
  kKeyTypematic = 0xFB,
  kKeyMakeBreak = 0xFC,
  kKeyMake = 0xFD,
  kReset = 0xFF,
};

// Bytes from here on are commands, also where a parameter is expected.
constexpr u8 kFirstCommand = 0xED;

// A key's bit among those that are down. Pause and Break are one key.
unsigned place(KeyCode key) {
  if (key == kKeyPause) key = kKeyBreak;
  return (key & 0x7F) | (key > 0xFF ? 0x80 : 0);
}

}  // namespace

void Ps2Keyboard::reset(Reset) {
  set_defaults();
  set_ = 2;
  leds_ = 0;
  scanning_ = true;
  awaited_ = 0;
  last_sent_ = 0;
  unread_ = false;
  replies_.clear();
  down_ = {};
}

// "Set Default": rate, scan code set 2, key types of set 3; the buffer is cleared.
void Ps2Keyboard::set_defaults() {
  typematic_ = 0x2B;
  set_ = 2;
  codes_.clear();
  overrun_ = false;
  set_all_types(KeyType::typematic_make_break);
  // In set 3 the modifier keys tell their release but do not repeat.
  for (const KeyCode key : {kKeyControl, kKeyLeftShift, kKeyRightShift, kKeyAlt, KeyCode{0x3A}})
    types_[find_scan_code(key)->set3] = number(KeyType::make_break);
}

void Ps2Keyboard::visit(State& state) {
  StateSection section(state, "ps2-keyboard");
  state.field("scanning", scanning_);
  state.field("set", set_);
  state.field("leds", leds_);
  state.field("typematic", typematic_);
  state.field("awaited", awaited_);
  state.field("last_sent", last_sent_);
  state.field("overrun", overrun_);
  state.field("unread", unread_);
  state.field("types", types_);
  state.field("down", down_);
  state.field("replies", replies_, kMostReplies);
  state.field("codes", codes_, kBufferBytes + 1);
}

u8 Ps2Keyboard::take_byte() {
  std::vector<u8>& queue = replies_.empty() ? codes_ : replies_;
  last_sent_ = queue.front();
  queue.erase(queue.begin());
  if (codes_.empty()) overrun_ = false;
  unread_ = true;
  return last_sent_;
}

void Ps2Keyboard::reply(u8 byte) { replies_.push_back(byte); }

void Ps2Keyboard::receive(u8 byte) {
  trace_.line(Channel::keyboard, "keyboard receives {:02x}", byte);
  replies_.clear();  // a new byte ends the answer to the last one
  const u8 awaited = awaited_;
  awaited_ = 0;
  if (!awaited || !parameter(awaited, byte)) command(byte);
  if (has_byte() && waiting_) waiting_();
}

void Ps2Keyboard::command(u8 byte) {
  switch (byte) {
    case kEcho: return reply(kEcho);
    case kResend: return reply(last_sent_);
    case kSetLeds:
    case kSelectSet:
    case kSetTypematic:
    case kKeyTypematic:
    case kKeyMakeBreak:
    case kKeyMake: awaited_ = byte; break;
    case kReadId:
      reply(kAck);
      reply(0xAB);
      return reply(0x83);
    case kEnable:
      codes_.clear();
      scanning_ = true;
      break;
    case kDefaultsAndDisable:
      set_defaults();
      scanning_ = false;
      break;
    case kDefaults: set_defaults(); break;
    case kAllTypematic: set_all_types(KeyType::typematic); break;
    case kAllMakeBreak: set_all_types(KeyType::make_break); break;
    case kAllMake: set_all_types(KeyType::make); break;
    case kAllTypematicMakeBreak: set_all_types(KeyType::typematic_make_break); break;
    case kReset:
      set_defaults();
      leds_ = 0;
      scanning_ = true;
      reply(kAck);
      return reply(kSelfTestPassed);
    default: return reply(kResend);
  }
  reply(kAck);
}

bool Ps2Keyboard::parameter(u8 command, u8 byte) {
  if (byte >= kFirstCommand) return false;
  switch (command) {
    case kSetLeds: leds_ = byte & 0x07; break;
    case kSetTypematic: typematic_ = byte & 0x7F; break;
    case kSelectSet:
      if (byte > 3) {
        reply(kResend);
        return true;
      }
      reply(kAck);
      if (byte == 0)
        reply(set_);
      else
        set_ = byte;
      codes_.clear();
      return true;
    default:  // one key's type in set 3; more keys may follow
      awaited_ = command;
      types_[byte] = number(command == kKeyTypematic   ? KeyType::typematic
                            : command == kKeyMakeBreak ? KeyType::make_break
                                                       : KeyType::make);
      break;
  }
  reply(kAck);
  return true;
}

void Ps2Keyboard::set_all_types(KeyType type) { types_.fill(number(type)); }

bool Ps2Keyboard::down(KeyCode key) const { return bit(down_[place(key) >> 3], place(key) & 7); }

void Ps2Keyboard::key(KeyCode key, bool pressed) {
  const ScanCode* row = find_scan_code(key);
  if (!row || key == kFakeShift) return;
  const bool repeat = pressed && down(key);
  u8& byte = down_[place(key) >> 3];
  byte = with_bit(byte, place(key) & 7, pressed);
  if (!scanning_) return;

  const bool shift = down(kKeyLeftShift) || down(kKeyRightShift);
  const bool control = down(kKeyControl) || down(kKeyRightControl);
  const bool alt = down(kKeyAlt) || down(kKeyRightAlt);
  if (set_ == 3) {
    key_in_set_3(row->set3, pressed, repeat);
  } else if (key == kKeyPause && !control) {
    if (pressed && !repeat) append_pause();
  } else if (key == kKeyPause || key == kKeyBreak) {
    // Break is a press and a release at once; letting go sends nothing.
    if (pressed && !repeat) {
      append(kKeyBreak, true);
      append(kKeyBreak, false);
    }
  } else if (key == kKeyPrintScreen && alt) {
    append(kKeySysRq, pressed);
  } else if (key == kKeyPrintScreen && !shift && !control) {
    if (pressed && !repeat) append(kFakeShift, true);
    append(key, pressed);
    if (!pressed) append(kFakeShift, false);
  } else {
    append(key, pressed);
  }
  queue_codes();
}

void Ps2Keyboard::key_in_set_3(u8 code, bool pressed, bool repeat) {
  if (code == 0) return;
  const KeyType type = static_cast<KeyType>(types_[code]);
  const bool repeats = type == KeyType::typematic || type == KeyType::typematic_make_break;
  const bool breaks = type == KeyType::make_break || type == KeyType::typematic_make_break;
  if (repeat && !repeats) return;
  if (!pressed && !breaks) return;
  if (!pressed) sequence_.push_back(kBreak);
  sequence_.push_back(code);
}

void Ps2Keyboard::append(KeyCode key, bool pressed) {
  if (key > 0xFF) sequence_.push_back(kExtended);
  if (set_ == 1) {
    sequence_.push_back(static_cast<u8>((key & 0x7F) | (pressed ? 0 : 0x80)));
    return;
  }
  if (!pressed) sequence_.push_back(kBreak);
  sequence_.push_back(find_scan_code(key)->set2);
}

// Ctrl and Num Lock behind E1h, pressed and released; nothing when the key is let go.
void Ps2Keyboard::append_pause() {
  if (set_ == 1)
    sequence_ = {0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5};
  else
    sequence_ = {0xE1, 0x14, 0x77, 0xE1, kBreak, 0x14, kBreak, 0x77};
}

void Ps2Keyboard::queue_codes() {
  if (sequence_.empty()) return;
  if (codes_.size() + sequence_.size() <= kBufferBytes) {
    codes_.insert(codes_.end(), sequence_.begin(), sequence_.end());
  } else if (!overrun_) {
    overrun_ = true;
    codes_.push_back(set_ == 1 ? 0xFF : 0x00);
  }
  sequence_.clear();
  if (waiting_) waiting_();
}

}  // namespace penumbra
