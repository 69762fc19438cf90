// The 8254 timer of a PC: IRQ0, refresh, speaker, and system control port B at 61h (82371SB 2.5.2, 2.5.4).
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "core/base/log.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"
#include "devices/pit8254_counter.h"

namespace penumbra {

// Ports 40h-43h and 61h. Counters run on 14.31818 MHz / 12, that is 105/88 MHz, exactly.
//
// IRQ0 follows OUT of counter 0, except that modes 2 and 3 only give the rising edge of each period, so that a timer
// that fires late (guest time follows the host's) loses nothing: periods missed are delivered one edge at a time, four
// times as fast as they are due, unless more than a second of them has piled up.
class Pit8254 final : public Device, PortHandler {
 public:
  // A tone's frequency, or nothing for silence.
  using Speaker = std::function<void(std::optional<double> hertz)>;

  Pit8254(PortBus& ports, Clock& clock, IrqLine& irq0, Trace& trace);

  // Replaces the listener and tells it what sounds now.
  void set_speaker(Speaker speaker);

  std::string_view name() const override { return "pit8254"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

  // CLK pulses since power-on at a guest time, and the first moment at which a pulse has happened.
  static i64 tick_at(Ticks time);
  static Ticks time_of(i64 tick);

 private:
  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  void write_control(u8 value);
  void write_port_61(u8 value);
  u8 read_port_61();

  i64 tick() const { return tick_at(clock_.now()); }
  // Counter 0 was reprogrammed.
  void restart_irq0();
  // Counts the edges due until now and delivers one.
  void deliver_irq0();
  void arm();
  void update_speaker();

  Clock& clock_;
  IrqLine& irq0_;
  Trace& trace_;
  Speaker speaker_;
  Timer timer_;
  std::array<PitCounter, 3> counters_;
  u8 port_61_ = 0;  // bits 3-0 as written
  i64 next_edge_ = PitCounter::kNoTick;
  u64 backlog_ = 0;   // edges due and not yet delivered
  u32 sounding_ = 0;  // the speaker's divisor; 0: silence
};

}  // namespace penumbra
