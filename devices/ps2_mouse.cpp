// Mouse commands and packets.
#include "devices/ps2_mouse.h"

#include <algorithm>
#include <cstdlib>

#include "core/base/bits.h"

namespace penumbra {

namespace {

constexpr u8 kAck = 0xFA;
constexpr u8 kResend = 0xFE;
constexpr u8 kError = 0xFC;
constexpr u8 kSelfTestPassed = 0xAA;

enum Command : u8 {
  kScaling1To1 = 0xE6,
  kScaling2To1 = 0xE7,
  kSetResolution = 0xE8,
  kStatusRequest = 0xE9,
  kStreamMode = 0xEA,
  kReadData = 0xEB,
  kLeaveWrapMode = 0xEC,
  kWrapMode = 0xEE,
  kRemoteMode = 0xF0,
  kReadId = 0xF2,
  kSetSampleRate = 0xF3,
  kEnable = 0xF4,
  kDisable = 0xF5,
  kDefaults = 0xF6,
  kReset = 0xFF,
};

// First byte of a packet.
constexpr u8 kAlwaysOne = 0x08;
constexpr u8 kXSign = 0x10;
constexpr u8 kYSign = 0x20;
constexpr u8 kXOverflow = 0x40;
constexpr u8 kYOverflow = 0x80;

constexpr i32 kMostCounts = 255;
// What stream mode keeps of a movement that is too large for one sample.
constexpr i32 kMostPending = 64 * kMostCounts;
constexpr std::size_t kMostReplies = 8;

}  // namespace

Ps2Mouse::Ps2Mouse(Clock& clock, Trace& trace) : clock_(clock), trace_(trace), sample_(clock, [this] { report(); }) {}

void Ps2Mouse::reset(Reset) {
  set_defaults();
  identity_ = Identity::standard;
  last_rates_ = {};
  wrap_ = false;
  awaited_ = 0;
  refused_ = false;
  last_sent_ = 0;
  buttons_ = 0;
  replies_.clear();
  packet_.clear();
  sample_.cancel();
}

void Ps2Mouse::set_defaults() {
  stream_ = true;
  enabled_ = false;
  scaling_2_to_1_ = false;
  resolution_ = 2;
  sample_rate_ = 100;
  clear_motion();
}

void Ps2Mouse::clear_motion() {
  dx_ = dy_ = wheel_ = 0;
  x_overflow_ = y_overflow_ = false;
  clicked_ = 0;
  buttons_changed_ = false;
}

void Ps2Mouse::visit(State& state) {
  StateSection section(state, "ps2-mouse");
  state.field("identity", identity_);
  state.field("stream", stream_);
  state.field("wrap", wrap_);
  state.field("enabled", enabled_);
  state.field("scaling_2_to_1", scaling_2_to_1_);
  state.field("resolution", resolution_);
  state.field("sample_rate", sample_rate_);
  sample_rate_ = std::max<u8>(sample_rate_, 1);
  state.field("last_rates", last_rates_);
  state.field("awaited", awaited_);
  state.field("refused", refused_);
  state.field("last_sent", last_sent_);
  state.field("dx", dx_);
  state.field("dy", dy_);
  state.field("wheel", wheel_);
  state.field("x_overflow", x_overflow_);
  state.field("y_overflow", y_overflow_);
  state.field("buttons", buttons_);
  state.field("clicked", clicked_);
  state.field("buttons_changed", buttons_changed_);
  state.field("replies", replies_, kMostReplies);
  state.field("packet", packet_, kMostReplies);
  sample_.visit(state, "sample");
}

u8 Ps2Mouse::take_byte() {
  std::vector<u8>& queue = replies_.empty() ? packet_ : replies_;
  last_sent_ = queue.front();
  queue.erase(queue.begin());
  return last_sent_;
}

void Ps2Mouse::byte_read() {
  if (!has_byte() && !sample_.armed()) report();
}

void Ps2Mouse::receive(u8 byte) {
  trace_.line(Channel::keyboard, "mouse receives {:02x}", byte);
  // A byte from the host ends what the mouse was sending.
  replies_.clear();
  packet_.clear();
  const u8 awaited = awaited_;
  awaited_ = 0;
  if (wrap_ && byte != kLeaveWrapMode && byte != kReset) {
    replies_.push_back(byte);
  } else if (awaited && byte != kReset) {
    parameter(awaited, byte);
  } else {
    command(byte);
  }
  if (replies_.empty() || replies_[0] == kAck) refused_ = false;
  if (has_byte() && waiting_) waiting_();
}

// "Resend" the first time, "error" if the next byte is no good either.
void Ps2Mouse::refuse() {
  replies_.push_back(refused_ ? kError : kResend);
  refused_ = !refused_;
}

void Ps2Mouse::command(u8 byte) {
  if (byte == kResend) {
    replies_.push_back(last_sent_);
    return;
  }
  replies_.push_back(kAck);
  switch (byte) {
    case kScaling1To1: scaling_2_to_1_ = false; break;
    case kScaling2To1: scaling_2_to_1_ = true; break;
    case kSetResolution:
    case kSetSampleRate: awaited_ = byte; break;
    case kStatusRequest: {
      const bool left = buttons_ & 1, right = buttons_ & 2, middle = buttons_ & 4;
      replies_.push_back(static_cast<u8>((stream_ ? 0 : 0x40) | (enabled_ ? 0x20 : 0) | (scaling_2_to_1_ ? 0x10 : 0) |
                                         (left ? 4 : 0) | (middle ? 2 : 0) | (right ? 1 : 0)));
      replies_.push_back(resolution_);
      replies_.push_back(sample_rate_);
      break;
    }
    case kStreamMode:
      stream_ = true;
      clear_motion();
      break;
    case kRemoteMode:
      stream_ = false;
      clear_motion();
      break;
    case kWrapMode:
      wrap_ = true;
      clear_motion();
      break;
    case kLeaveWrapMode:
      wrap_ = false;
      clear_motion();
      break;
    case kReadData: append_packet(replies_); break;
    case kReadId: replies_.push_back(number(identity_)); break;
    case kEnable:
      enabled_ = true;
      clear_motion();
      break;
    case kDisable:
      enabled_ = false;
      clear_motion();
      break;
    case kDefaults: set_defaults(); break;
    case kReset:
      reset(Reset::hard);
      replies_ = {kAck, kSelfTestPassed, number(identity_)};
      break;
    default:
      replies_.clear();
      refuse();
      break;
  }
}

void Ps2Mouse::parameter(u8 command, u8 byte) {
  if (command == kSetResolution ? byte > 3 : byte == 0 || byte > 200) {
    refuse();
    awaited_ = refused_ ? command : 0;  // the host may try once more
    return;
  }
  if (command == kSetResolution)
    resolution_ = byte;
  else
    set_sample_rate(byte);
  replies_.push_back(kAck);
}

// Three rates in a row that make no sense otherwise are the drivers' way to ask for the wheel, and for five buttons.
void Ps2Mouse::set_sample_rate(u8 rate) {
  sample_rate_ = rate;
  last_rates_ = {last_rates_[1], last_rates_[2], rate};
  if (last_rates_ == std::array<u8, 3>{200, 100, 80})
    identity_ = Identity::wheel;
  else if (last_rates_ == std::array<u8, 3>{200, 200, 80})
    identity_ = Identity::explorer;
}

void Ps2Mouse::move(i32 dx, i32 dy, i32 wheel) {
  if (wrap_ || (stream_ && !enabled_)) return;
  const i32 most = stream_ ? kMostPending : kMostCounts;
  const auto add = [most](i32& counter, i64 amount, bool& overflow) {
    const i64 sum = counter + amount;
    counter = static_cast<i32>(std::clamp<i64>(sum, -most, most));
    overflow |= sum != counter;
  };
  bool ignored = false;
  add(dx_, dx, stream_ ? ignored : x_overflow_);
  add(dy_, -i64{dy}, stream_ ? ignored : y_overflow_);
  if (identity_ != Identity::standard) add(wheel_, wheel, ignored);
  if (!sample_.armed()) report();
}

void Ps2Mouse::button(MouseButton button, bool pressed) {
  const unsigned place = number(button);
  if (bit(buttons_, place) == pressed) return;
  buttons_ = with_bit(buttons_, place, pressed);
  if (wrap_ || (stream_ && !enabled_)) return;
  clicked_ = with_bit(clicked_, place, pressed || bit(clicked_, place));
  buttons_changed_ = true;
  if (!sample_.armed()) report();
}

void Ps2Mouse::report() {
  if (!reporting() || has_byte() || !has_news()) return;
  append_packet(packet_);
  sample_.arm(clock_.now() + seconds(1).value / sample_rate_);
  if (waiting_) waiting_();
}

// The table of the manual: small movements stay precise, larger ones are doubled.
i32 Ps2Mouse::scaled(i32 counts) const {
  if (!stream_ || !scaling_2_to_1_) return counts;
  constexpr std::array<i32, 6> kSmall{0, 1, 1, 3, 6, 9};
  const i32 size = std::abs(counts);
  const i32 result = size < 6 ? kSmall[static_cast<unsigned>(size)] : 2 * size;
  return counts < 0 ? -result : result;
}

// Takes from a counter what one packet can hold, and answers the packet's 9-bit value.
i32 Ps2Mouse::take_axis(i32& counter, bool& overflow, u8& flags, u8 sign_flag, u8 overflow_flag) {
  const i32 most = stream_ && scaling_2_to_1_ ? kMostCounts / 2 : kMostCounts;
  const i32 taken = std::clamp(counter, -most, most);
  counter -= taken;
  if (overflow) flags |= overflow_flag;
  overflow = false;
  if (taken < 0) flags |= sign_flag;
  return scaled(taken);
}

void Ps2Mouse::append_packet(std::vector<u8>& to) {
  const u8 shown = buttons_ | clicked_;
  buttons_changed_ = shown != buttons_;
  clicked_ = 0;
  u8 flags = static_cast<u8>(kAlwaysOne | shown);
  const i32 x = take_axis(dx_, x_overflow_, flags, kXSign, kXOverflow);
  const i32 y = take_axis(dy_, y_overflow_, flags, kYSign, kYOverflow);
  to.insert(to.end(), {flags, static_cast<u8>(x), static_cast<u8>(y)});
  if (identity_ == Identity::standard) return;
  const i32 z = std::clamp(wheel_, -8, 7);
  wheel_ -= z;
  // The Explorer has only four bits of wheel; its fourth and fifth button (bits 4 and 5) are never pressed here.
  to.push_back(static_cast<u8>(identity_ == Identity::wheel ? z : z & 0x0F));
}

}  // namespace penumbra
