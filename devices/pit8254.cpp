// Ports, the paced IRQ0 and the speaker.
#include "devices/pit8254.h"

#include <algorithm>

namespace penumbra {

namespace {

// 105 CLK pulses take 88,000 ns.
constexpr i64 kPulses = 105;
constexpr i64 kNanoseconds = 88'000;
constexpr i64 kPulsesPerSecond = 1'193'182;
constexpr double kHertz = 1e9 * kPulses / kNanoseconds;

constexpr u8 kGate2 = 0x01;
constexpr u8 kSpeakerData = 0x02;
constexpr u8 kPort61Kept = 0x0F;
constexpr u8 kRefreshToggle = 0x10;
constexpr u8 kOut2 = 0x20;
// Counter 1 as every BIOS programs it: a refresh each 15.09 us.
constexpr i64 kRefreshPulses = 18;

}  // namespace

i64 Pit8254::tick_at(Ticks time) {
  return time.value / kNanoseconds * kPulses + time.value % kNanoseconds * kPulses / kNanoseconds;
}

Ticks Pit8254::time_of(i64 tick) {
  if (tick >= INT64_MAX / kNanoseconds * kPulses) return kNever;
  return Ticks(tick / kPulses * kNanoseconds + (tick % kPulses * kNanoseconds + kPulses - 1) / kPulses);
}

Pit8254::Pit8254(PortBus& ports, Clock& clock, IrqLine& irq0, Trace& trace)
    : clock_(clock), irq0_(irq0), trace_(trace), timer_(clock, [this] { deliver_irq0(); }) {
  ports.claim({0x40, 0x43}, *this);
  ports.claim({0x61, 0x61}, *this);
}

void Pit8254::reset(Reset) {
  for (PitCounter& counter : counters_) counter.reset();
  write_port_61(0);
  restart_irq0();
}

void Pit8254::visit(State& state) {
  StateSection section(state, "pit8254");
  for (PitCounter& counter : counters_) {
    StateSection counter_section(state, "counter");
    counter.visit(state);
  }
  state.field("port_61", port_61_);
  state.field("next_edge", next_edge_);
  state.field("backlog", backlog_);
  state.field("sounding", sounding_);
  timer_.visit(state, "timer");
  if (state.loading()) set_speaker(std::move(speaker_));
}

u32 Pit8254::port_in(u16 port, Width) {
  if (port == 0x61) return read_port_61();
  if (port == 0x43) return 0xFF;  // the control word cannot be read
  return counters_[port & 3].read(tick());
}

void Pit8254::port_out(u16 port, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  if (next_edge_ <= tick()) deliver_irq0();  // what is due belongs to the old programming
  if (port == 0x61) {
    write_port_61(byte);
  } else if (port == 0x43) {
    write_control(byte);
  } else {
    counters_[port & 3].write_count(byte, tick());
    trace_.line(Channel::pit, "counter {} <- {:02x}", port & 3, byte);
    if (port == 0x40) restart_irq0();
    if (port == 0x42) update_speaker();
  }
}

// 8254 datasheet, "Control Word Format", "Counter Latch Command" and "Read-Back Command".
void Pit8254::write_control(u8 value) {
  const unsigned select = value >> 6;
  trace_.line(Channel::pit, "control <- {:02x}", value);
  if (select == 3) {
    for (unsigned i = 0; i < counters_.size(); ++i) {
      if (!(value >> (i + 1) & 1)) continue;
      if (!(value & 0x20)) counters_[i].latch_count(tick());
      if (!(value & 0x10)) counters_[i].latch_status(tick());
    }
    return;
  }
  if ((value & 0x30) == 0) return counters_[select].latch_count(tick());
  counters_[select].write_control(value, tick());
  if (select == 0) restart_irq0();
  if (select == 2) update_speaker();
}

void Pit8254::write_port_61(u8 value) {
  port_61_ = value & kPort61Kept;
  counters_[2].set_gate(value & kGate2, tick());
  update_speaker();
}

u8 Pit8254::read_port_61() {
  const i64 now = tick();
  const bool refresh = now / kRefreshPulses & 1;
  return static_cast<u8>(port_61_ | (refresh ? kRefreshToggle : 0) | (counters_[2].out(now) ? kOut2 : 0));
}

void Pit8254::restart_irq0() {
  PitCounter& counter = counters_[0];
  const i64 now = tick();
  backlog_ = 0;
  next_edge_ = counter.next_rise(now);
  irq0_.set(counter.periodic() || counter.out(now));
  arm();
}

void Pit8254::deliver_irq0() {
  PitCounter& counter = counters_[0];
  const i64 now = tick();
  if (next_edge_ <= now) {
    const i64 late = now - next_edge_;
    next_edge_ = counter.next_rise(now);
    backlog_ += counter.periodic() ? 1 + static_cast<u64>(late) / counter.initial() : 1;
  }
  if (backlog_ > 0) {
    irq0_.pulse();
    --backlog_;
  }
  if (backlog_ > kPulsesPerSecond / counter.initial()) {
    trace_.line(Channel::pit, "{} late ticks dropped", backlog_);
    backlog_ = 0;
  }
  arm();
}

void Pit8254::arm() {
  Ticks deadline = next_edge_ == PitCounter::kNoTick ? kNever : time_of(next_edge_);
  if (backlog_ > 0) {
    const i64 period = time_of(counters_[0].initial()).value;
    deadline = std::min(deadline, clock_.now() + std::max<i64>(period / 4, 1));
  }
  timer_.arm(deadline);
}

void Pit8254::set_speaker(Speaker speaker) {
  speaker_ = std::move(speaker);
  if (speaker_) speaker_(sounding_ ? std::optional(kHertz / sounding_) : std::nullopt);
}

void Pit8254::update_speaker() {
  const bool on = (port_61_ & (kGate2 | kSpeakerData)) == (kGate2 | kSpeakerData) && counters_[2].periodic();
  const u32 divisor = on ? counters_[2].programmed() : 0;
  if (divisor == sounding_) return;
  sounding_ = divisor;
  if (divisor)
    trace_.line(Channel::speaker, "{:.1f} Hz", kHertz / divisor);
  else
    trace_.line(Channel::speaker, "silence");
  if (speaker_) speaker_(divisor ? std::optional(kHertz / divisor) : std::nullopt);
}

}  // namespace penumbra
