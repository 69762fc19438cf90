// The MC146818 real-time clock with its CMOS memory (Motorola MC146818 datasheet), as a PC/AT wires it.
#pragma once

#include <array>

#include "core/base/log.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"

namespace penumbra {

// Ports 70h/71h: 128 bytes of which the first 14 are the clock and 32h is the century (BCD or binary as register B
// says); 72h/73h: 128 bytes of extended memory. The calendar starts from Clock::epoch() + now() when the machine is
// made; it is battery-backed, so a reset leaves it and the memory alone.
//
// The clock is advanced when somebody looks, second by second as the registers stand, whatever a guest wrote there;
// timers run only while an interrupt is enabled. Daylight saving (DSE) and the square wave are kept, not acted on.
class Rtc final : public Device, PortHandler {
 public:
  // `utc_offset` in seconds is added to the epoch for machines whose clock shows local time.
  Rtc(PortBus& ports, Clock& clock, IrqLine& irq8, Trace& trace, i64 utc_offset = 0);

  // CMOS memory for the board to fill; 80h-FFh are the extended bank. The clock's own registers (0-Dh) are not set so.
  void set_cmos(u8 index, u8 value);
  u8 cmos(u8 index) const { return memory_[index]; }
  // Bit 7 of port 70h.
  bool nmi_masked() const { return nmi_masked_; }

  std::string_view name() const override { return "rtc"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  struct Calendar;

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  u8 read_register(u8 index);
  void write_register(u8 index, u8 value);
  void write_a(u8 value);
  void write_b(u8 value);

  // --- time; the second is `phase_` after a multiple of a second of guest time ---

  i64 seconds_at(Ticks time) const;
  bool divider_held() const;
  bool updating(Ticks now) const;
  Ticks next_second(Ticks now) const;
  // Brings registers and flags to the present.
  void settle();
  void settle_seconds(i64 count);
  Calendar calendar() const;
  void set_calendar(const Calendar& calendar);
  u8 encode(u32 value) const;
  u32 decode(u8 value) const;
  u8 encode_hour(u32 hour) const;
  u32 decode_hour(u8 value) const;
  bool alarm_matches(i64 second_of_day) const;

  // --- interrupts ---

  // Periods of the rate selected that have passed since the phase began; the period is 0 when switched off.
  i64 period_cycles() const;
  i64 periods_at(Ticks time) const;
  Ticks time_of_period(i64 number) const;
  void update_irq();
  void arm();
  void on_timer();

  Clock& clock_;
  IrqLine& irq8_;
  Trace& trace_;
  Timer timer_;
  std::array<u8, 256> memory_{};
  u8 index_ = 0;
  u8 extended_index_ = 0;
  bool nmi_masked_ = false;
  Ticks phase_{0};           // when the divider chain began, within a second
  i64 settled_seconds_ = 0;  // of seconds_at, as far as the registers are advanced
  i64 settled_periods_ = 0;
  u64 backlog_ = 0;  // periodic interrupts that a late timer missed
};

}  // namespace penumbra
