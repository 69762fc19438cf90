// The clock's registers, its calendar and its three interrupts.
#include "devices/rtc.h"

#include <algorithm>

#include "core/base/bits.h"

namespace penumbra {

namespace {

enum Register : u8 {
  kSeconds = 0x0,
  kSecondsAlarm = 0x1,
  kMinutes = 0x2,
  kMinutesAlarm = 0x3,
  kHours = 0x4,
  kHoursAlarm = 0x5,
  kWeekday = 0x6,
  kDay = 0x7,
  kMonth = 0x8,
  kYear = 0x9,
  kA = 0xA,
  kB = 0xB,
  kC = 0xC,
  kD = 0xD,
  kCentury = 0x32,
};

constexpr u8 kUip = 0x80;          // A: update in progress
constexpr u8 kDividerHeld = 0x60;  // A: DV = 11x
constexpr u8 kSet = 0x80;          // B
constexpr u8 kPeriodic = 0x40;     // PIE in B, PF in C; the same for the next two
constexpr u8 kAlarm = 0x20;
constexpr u8 kUpdate = 0x10;
constexpr u8 kSquareWave = 0x08;
constexpr u8 kBinary = 0x04;
constexpr u8 k24Hours = 0x02;
constexpr u8 kIrqf = 0x80;  // C
constexpr u8 kVrt = 0x80;   // D: the battery is good
constexpr u8 kAlarmDontCare = 0xC0;

constexpr i64 kSecond = 1'000'000'000;
constexpr i64 kHertz = 32'768;
constexpr i64 kSecondsADay = 86'400;
// Datasheet, "Update Cycle": UIP comes 244 us before an update of 1,984 us (32.768 kHz time base).
constexpr i64 kUpdateNanoseconds = 2'228'000;

constexpr i64 floor_divide(i64 a, i64 b) { return a / b - (a % b < 0 ? 1 : 0); }

// Days since 1970-01-01 of a date of the Gregorian calendar; the year starts in March here, so that the leap day is its
// last.
constexpr i64 days_from_date(i64 year, u32 month, u32 day) {
  const i64 y = month <= 2 ? year - 1 : year;
  const i64 months = month <= 2 ? month + 9 : month - 3;
  return y * 365 + floor_divide(y, 4) - floor_divide(y, 100) + floor_divide(y, 400) + (months * 153 + 2) / 5 + day - 1 -
         719'468;
}
static_assert(days_from_date(1970, 1, 1) == 0 && days_from_date(2000, 3, 1) == 11'017);

}  // namespace

struct Rtc::Calendar {
  i64 days = 0;  // since 1970-01-01
  i64 second_of_day = 0;
  i64 weekday = 1;  // 1 to 7, Sunday first; a register of its own

  void add_seconds(i64 count) {
    const i64 total = second_of_day + count;
    const i64 passed = floor_divide(total, kSecondsADay);
    second_of_day = total - passed * kSecondsADay;
    days += passed;
    weekday = (weekday - 1 + passed % 7 + 7) % 7 + 1;
  }
};

Rtc::Rtc(PortBus& ports, Clock& clock, IrqLine& irq8, Trace& trace, i64 utc_offset)
    : clock_(clock), irq8_(irq8), trace_(trace), timer_(clock, [this] { on_timer(); }) {
  memory_[kA] = 0x26;
  memory_[kB] = k24Hours;
  memory_[kD] = kVrt;
  settled_seconds_ = seconds_at(clock_.now());
  settled_periods_ = periods_at(clock_.now());
  Calendar start{0, 0, 5};  // 1970-01-01 was a Thursday
  start.add_seconds(clock_.epoch() + utc_offset + settled_seconds_);
  set_calendar(start);
  ports.claim({0x70, 0x73}, *this);
}

void Rtc::set_cmos(u8 index, u8 value) {
  if (index > kD) memory_[index] = value;
}

// Datasheet, "RESET": interrupt enables and flags go, time and memory stay.
void Rtc::reset(Reset) {
  settle();
  memory_[kB] &= static_cast<u8>(~(kPeriodic | kAlarm | kUpdate | kSquareWave));
  memory_[kC] = 0;
  index_ = 0;
  extended_index_ = 0;
  nmi_masked_ = false;
  backlog_ = 0;
  update_irq();
}

void Rtc::visit(State& state) {
  StateSection section(state, "rtc");
  state.field("memory", memory_);
  state.field("index", index_);
  state.field("extended_index", extended_index_);
  state.field("nmi_masked", nmi_masked_);
  state.field("phase", phase_);
  state.field("settled_seconds", settled_seconds_);
  state.field("settled_periods", settled_periods_);
  state.field("backlog", backlog_);
  timer_.visit(state, "timer");
}

u32 Rtc::port_in(u16 port, Width) {
  switch (port) {
    case 0x71: return read_register(index_);
    case 0x73: return memory_[0x80 | extended_index_];
    default: return 0xFF;  // the index registers cannot be read
  }
}

void Rtc::port_out(u16 port, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  switch (port) {
    case 0x70:
      index_ = byte & 0x7F;
      nmi_masked_ = byte & 0x80;
      break;
    case 0x71: write_register(index_, byte); break;
    case 0x72: extended_index_ = byte & 0x7F; break;
    default: memory_[0x80 | extended_index_] = byte; break;
  }
}

u8 Rtc::read_register(u8 index) {
  settle();
  if (index == kA) return static_cast<u8>(memory_[kA] | (updating(clock_.now()) ? kUip : 0));
  if (index != kC) return memory_[index];
  update_irq();
  const u8 flags = memory_[kC];
  memory_[kC] = 0;
  update_irq();
  return flags;
}

void Rtc::write_register(u8 index, u8 value) {
  settle();
  trace_.line(Channel::rtc, "{:02x} <- {:02x}", index, value);
  switch (index) {
    case kA: return write_a(value);
    case kB: return write_b(value);
    case kC:
    case kD: return;  // read only
    case kSeconds:
      memory_[index] = value & 0x7F;  // bit 7 is read only
      break;
    default: memory_[index] = value; break;
  }
  if (index < kA) arm();
}

void Rtc::write_a(u8 value) {
  const bool was_held = divider_held();
  memory_[kA] = value & 0x7F;
  const Ticks now = clock_.now();
  if (was_held && !divider_held()) {
    // "The first update cycle begins one-half second later."
    phase_ = Ticks((now.value + kSecond / 2) % kSecond);
    settled_seconds_ = seconds_at(now);
  }
  settled_periods_ = periods_at(now);
  backlog_ = 0;
  arm();
}

void Rtc::write_b(u8 value) {
  if (value & kSet) value &= static_cast<u8>(~kUpdate);  // "UIE is cleared by the SET bit going high"
  if (!(value & kPeriodic)) backlog_ = 0;
  memory_[kB] = value;
  update_irq();
}

i64 Rtc::seconds_at(Ticks time) const { return floor_divide(time - phase_, kSecond); }

bool Rtc::divider_held() const { return (memory_[kA] & kDividerHeld) == kDividerHeld; }

Ticks Rtc::next_second(Ticks now) const { return phase_ + (seconds_at(now) + 1) * kSecond; }

bool Rtc::updating(Ticks now) const {
  return !divider_held() && !(memory_[kB] & kSet) && next_second(now) - now <= kUpdateNanoseconds;
}

void Rtc::settle() {
  const Ticks now = clock_.now();
  const i64 second = seconds_at(now);
  const i64 passed = second - settled_seconds_;
  settled_seconds_ = second;
  if (divider_held()) return;
  if (passed > 0 && !(memory_[kB] & kSet)) settle_seconds(passed);
  const i64 period = periods_at(now);
  const i64 missed = period - settled_periods_;
  settled_periods_ = period;
  if (missed <= 0) return;
  memory_[kC] |= kPeriodic;
  if (!(memory_[kB] & kPeriodic)) return;
  backlog_ += static_cast<u64>(missed - 1);
  if (backlog_ > static_cast<u64>(kHertz / period_cycles())) backlog_ = 0;  // more than a second
}

void Rtc::settle_seconds(i64 count) {
  Calendar now = calendar();
  for (i64 i = 1; i <= std::min(count, kSecondsADay) && !(memory_[kC] & kAlarm); ++i)
    if (alarm_matches((now.second_of_day + i) % kSecondsADay)) memory_[kC] |= kAlarm;
  now.add_seconds(count);
  set_calendar(now);
  memory_[kC] |= kUpdate;
}

u8 Rtc::encode(u32 value) const {
  return static_cast<u8>(memory_[kB] & kBinary ? value : value / 10 << 4 | value % 10);
}

u32 Rtc::decode(u8 value) const { return memory_[kB] & kBinary ? value : (value >> 4) * 10u + (value & 0xF); }

u8 Rtc::encode_hour(u32 hour) const {
  if (memory_[kB] & k24Hours) return encode(hour);
  return static_cast<u8>(encode(hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? 0x80 : 0));
}

u32 Rtc::decode_hour(u8 value) const {
  if (memory_[kB] & k24Hours) return decode(value);
  return decode(value & 0x7F) % 12 + (value & 0x80 ? 12 : 0);
}

// What a guest wrote may be no date at all; the nearest one is good enough then.
Rtc::Calendar Rtc::calendar() const {
  const i64 year = decode(memory_[kCentury]) * 100 + decode(memory_[kYear]);
  const u32 month = std::clamp(decode(memory_[kMonth]), 1u, 12u);
  const u32 day = std::max(decode(memory_[kDay]), 1u);
  Calendar result{days_from_date(year, month, day), 0, 1 + (memory_[kWeekday] + 6) % 7};
  const i64 hour = std::min(decode_hour(memory_[kHours]), 23u);
  const i64 minute = std::min(decode(memory_[kMinutes]), 59u);
  result.second_of_day = hour * 3600 + minute * 60 + std::min(decode(memory_[kSeconds]), 59u);
  return result;
}

void Rtc::set_calendar(const Calendar& calendar) {
  // Years have 365.2425 days on average; the estimate is never too small.
  i64 year = floor_divide(calendar.days * 400, 146'097) + 1970 + 1;
  while (days_from_date(year, 1, 1) > calendar.days) --year;
  u32 month = 12;
  while (days_from_date(year, month, 1) > calendar.days) --month;
  const i64 day = calendar.days - days_from_date(year, month, 1) + 1;
  const u32 second = static_cast<u32>(calendar.second_of_day);
  memory_[kSeconds] = encode(second % 60);
  memory_[kMinutes] = encode(second / 60 % 60);
  memory_[kHours] = encode_hour(second / 3600);
  memory_[kWeekday] = static_cast<u8>(calendar.weekday);
  memory_[kDay] = encode(static_cast<u32>(day));
  memory_[kMonth] = encode(month);
  memory_[kYear] = encode(static_cast<u32>(year % 100));
  memory_[kCentury] = encode(static_cast<u32>(year / 100 % 100));
}

bool Rtc::alarm_matches(i64 second_of_day) const {
  const u32 second = static_cast<u32>(second_of_day);
  const auto matches = [this](u8 alarm, u8 value) {
    return (memory_[alarm] & kAlarmDontCare) == kAlarmDontCare || memory_[alarm] == value;
  };
  return matches(kSecondsAlarm, encode(second % 60)) && matches(kMinutesAlarm, encode(second / 60 % 60)) &&
         matches(kHoursAlarm, encode_hour(second / 3600));
}

// Datasheet, table "Periodic Interrupt Rate": the two fastest selections repeat 256 and 128 Hz.
i64 Rtc::period_cycles() const {
  const unsigned rate = memory_[kA] & 0xF;
  if (rate == 0) return 0;
  return i64{1} << (rate <= 2 ? rate + 6 : rate - 1);
}

i64 Rtc::periods_at(Ticks time) const {
  if (period_cycles() == 0 || divider_held()) return 0;
  const i64 since = time - phase_ + kSecond;  // the phase may lie half a second ahead
  const i64 cycles = since / kSecond * kHertz + since % kSecond * kHertz / kSecond;
  return cycles / period_cycles();
}

Ticks Rtc::time_of_period(i64 number) const {
  const i64 cycles = number * period_cycles();
  return phase_ + (cycles / kHertz - 1) * kSecond + (cycles % kHertz * kSecond + kHertz - 1) / kHertz;
}

void Rtc::update_irq() {
  const bool request = memory_[kC] & memory_[kB] & (kPeriodic | kAlarm | kUpdate);
  memory_[kC] = static_cast<u8>((memory_[kC] & ~kIrqf) | (request ? kIrqf : 0));
  irq8_.set(request);
  arm();
}

void Rtc::arm() {
  const Ticks now = clock_.now();
  Ticks deadline = kNever;
  const u8 control = memory_[kB];
  if (!divider_held()) {
    if ((control & kPeriodic) && period_cycles() != 0) {
      deadline = time_of_period(settled_periods_ + 1);
      // A missed interrupt comes once the guest is done with the one before.
      if (backlog_ > 0 && !(memory_[kC] & kPeriodic))
        deadline = std::min(deadline, now + period_cycles() * kSecond / kHertz / 4);
    }
    if ((control & (kAlarm | kUpdate)) && !(control & kSet)) deadline = std::min(deadline, next_second(now));
  }
  timer_.arm(deadline);
}

void Rtc::on_timer() {
  settle();
  if (backlog_ > 0 && !(memory_[kC] & kPeriodic)) {
    --backlog_;
    memory_[kC] |= kPeriodic;
  }
  update_irq();
}

}  // namespace penumbra
