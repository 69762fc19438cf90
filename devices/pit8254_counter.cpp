// Counting, mode by mode (8254 datasheet, "Mode Definitions").
#include "devices/pit8254_counter.h"

#include <algorithm>

namespace penumbra {

namespace {

constexpr u8 kLowOnly = 1;
constexpr u8 kHighOnly = 2;

constexpr i64 kBcdModulus = 10'000;
constexpr i64 kBinaryModulus = 0x10000;

u16 to_bcd(u32 value) {
  return static_cast<u16>(value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 | value / 1000 % 10 << 12);
}

u32 from_bcd(u32 value) {
  return (value & 0xF) + (value >> 4 & 0xF) * 10 + (value >> 8 & 0xF) * 100 + (value >> 12) * 1000;
}

}  // namespace

void PitCounter::write_control(u8 control, i64 tick) {
  idle_value_ = value(tick);
  control_ = control & 0x3F;
  mode_ = control >> 1 & 7;
  if (mode_ > 5) mode_ -= 4;  // the datasheet's don't-care bit
  phase_ = Phase::idle;
  pending_ = false;
  load_at_ = kNoTick;
  count_written_ = false;
  write_high_ = false;
  read_high_ = false;
  count_latched_ = false;
  status_latched_ = false;
}

void PitCounter::write_count(u8 byte, i64 tick) {
  settle(tick);
  u32 count;
  if (access() == kLowOnly) {
    count = byte;
  } else if (access() == kHighOnly) {
    count = u32{byte} << 8;
  } else if (!write_high_) {
    low_byte_ = byte;
    write_high_ = true;
    // Mode 0: "writing the first byte disables counting".
    if (mode_ == 0 && phase_ == Phase::counting) {
      held_ = std::max<i64>(tick - start_, 0);
      phase_ = Phase::paused;
    }
    return;
  } else {
    count = u32{byte} << 8 | low_byte_;
    write_high_ = false;
  }
  if (bcd()) count = from_bcd(count);
  reload_ = count ? count : static_cast<u32>(bcd() ? kBcdModulus : kBinaryModulus);
  count_written_ = true;
  load_count(tick);
}

void PitCounter::load_count(i64 tick) {
  switch (mode_) {
    case 0:
    case 4: start(tick + 1); break;
    case 1:
    case 5:
      pending_ = true;  // until a trigger
      break;
    default:
      if (phase_ == Phase::idle || (phase_ == Phase::counting && tick < start_)) {
        start(tick + 1);
      } else {
        pending_ = true;
        load_at_ = phase_ == Phase::counting ? next_boundary(tick) : kNoTick;
      }
      break;
  }
}

void PitCounter::start(i64 at) {
  start_ = at;
  initial_ = reload_;
  pending_ = false;
  load_at_ = kNoTick;
  held_ = 0;
  const bool gate_stops = mode_ != 1 && mode_ != 5;
  phase_ = gate_stops && !gate_ ? Phase::paused : Phase::counting;
}

i64 PitCounter::next_boundary(i64 tick) const {
  const i64 count = initial_;
  const i64 into = std::max<i64>(tick - start_, 0) % count;
  const i64 cycle = std::max(tick, start_) - into;
  if (mode_ == 3 && into < high_half(count) && high_half(count) < count) return cycle + high_half(count);
  return cycle + count;
}

void PitCounter::settle(i64 tick) {
  if (!pending_ || load_at_ > tick) return;
  // Mode 3 changes also between the halves: then the new count's low half comes first.
  const bool low_half = mode_ == 3 && (load_at_ - start_) % i64{initial_} != 0;
  start(low_half ? load_at_ - high_half(reload_) : load_at_);
}

void PitCounter::set_gate(bool level, i64 tick) {
  if (level == gate_) return;
  settle(tick);
  gate_ = level;
  switch (mode_) {
    case 1:
    case 5:
      if (level && count_written_) start(tick + 1);
      break;
    case 0:
    case 4:
      if (!level && phase_ == Phase::counting) {
        held_ = std::max<i64>(tick - start_, 0);
        phase_ = Phase::paused;
      } else if (level && phase_ == Phase::paused && !(mode_ == 0 && write_high_)) {
        start_ = std::max(start_, tick - held_);
        phase_ = Phase::counting;
      }
      break;
    default:
      if (phase_ == Phase::idle) break;
      if (level) {
        start(tick + 1);
      } else {
        held_ = std::max<i64>(tick - start_, 0);
        phase_ = Phase::paused;
        if (pending_) load_at_ = kNoTick;
      }
      break;
  }
}

bool PitCounter::out(i64 tick) {
  settle(tick);
  const i64 passed = elapsed(tick);
  const i64 count = initial_;
  switch (mode_) {
    case 0: return phase_ != Phase::idle && !write_high_ && passed >= count;
    case 1: return phase_ == Phase::idle || passed < 0 || passed >= count;
    case 2: return phase_ != Phase::counting || passed < 0 || passed % count != count - 1;
    case 3: return phase_ != Phase::counting || passed < 0 || passed % count < high_half(count);
    default: return phase_ != Phase::counting || passed != count;
  }
}

i64 PitCounter::next_rise(i64 tick) {
  settle(tick);
  if (phase_ != Phase::counting) return kNoTick;
  const i64 count = initial_;
  if (!periodic()) {
    const i64 rise = start_ + count + (mode_ >= 4 ? 1 : 0);
    return rise > tick ? rise : kNoTick;
  }
  if (pending_ && mode_ == 3 && (load_at_ - start_) % count != 0) return reload_ > 1 ? load_at_ + reload_ / 2 : kNoTick;
  if (count == 1) return pending_ && reload_ > 1 ? load_at_ + reload_ : kNoTick;  // OUT never changes
  const i64 cycles = tick < start_ ? 0 : (tick - start_) / count;
  return start_ + (cycles + 1) * count;
}

u16 PitCounter::value(i64 tick) {
  settle(tick);
  if (phase_ == Phase::idle) return idle_value_;
  const i64 passed = std::max<i64>(elapsed(tick), 0);
  const i64 count = initial_;
  const i64 modulus = bcd() ? kBcdModulus : kBinaryModulus;
  i64 left;
  if (mode_ == 2) {
    left = count - passed % count;
  } else if (mode_ == 3) {
    // Steps of two from the even number at or below the count, through each half.
    const i64 into = passed % count;
    const i64 half = into < high_half(count) ? into : into - high_half(count);
    left = (count & ~i64{1}) - 2 * half;
  } else {
    left = (count - passed % modulus + modulus) % modulus;
  }
  const u32 shown = static_cast<u32>(left % modulus);
  return bcd() ? to_bcd(shown) : static_cast<u16>(shown);
}

void PitCounter::latch_count(i64 tick) {
  if (count_latched_) return;  // the first one holds until it is read
  latched_count_ = value(tick);
  count_latched_ = true;
}

void PitCounter::latch_status(i64 tick) {
  if (status_latched_) return;
  const bool level = out(tick);
  const bool null_count = !count_written_ || pending_ || tick < start_;
  latched_status_ = static_cast<u8>(control_ | (null_count ? 0x40 : 0) | (level ? 0x80 : 0));
  status_latched_ = true;
}

u8 PitCounter::read(i64 tick) {
  if (status_latched_) {
    status_latched_ = false;
    return latched_status_;
  }
  const u16 count = count_latched_ ? latched_count_ : value(tick);
  const bool high = access() == kHighOnly || (access() != kLowOnly && read_high_);
  const bool two_bytes = access() != kLowOnly && access() != kHighOnly;
  if (two_bytes) read_high_ = !read_high_;
  if (!two_bytes || high) count_latched_ = false;
  return static_cast<u8>(high ? count >> 8 : count);
}

void PitCounter::reset() {
  const bool gate = gate_;
  *this = PitCounter();
  gate_ = gate;
}

void PitCounter::visit(State& state) {
  state.field("control", control_);
  state.field("mode", mode_);
  state.field("gate", gate_);
  state.field("reload", reload_);
  state.field("count_written", count_written_);
  state.field("write_high", write_high_);
  state.field("low_byte", low_byte_);
  state.field("read_high", read_high_);
  state.field("count_latched", count_latched_);
  state.field("status_latched", status_latched_);
  state.field("latched_count", latched_count_);
  state.field("latched_status", latched_status_);
  state.field("phase", phase_);
  state.field("idle_value", idle_value_);
  state.field("start", start_);
  state.field("initial", initial_);
  state.field("held", held_);
  state.field("pending", pending_);
  state.field("load_at", load_at_);
  // A damaged saved state must not divide by zero.
  initial_ = std::max(initial_, 1u);
  reload_ = std::max(reload_, 1u);
}

}  // namespace penumbra
