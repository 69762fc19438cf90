// A 16550A serial port: FIFOs, prioritized interrupts, modem lines of a terminal that is always there.
// Sending takes no time: a byte written is a byte sent, so a guest that polls or counts on interrupts prints as fast as
// it runs. Receiving is paced at the programmed rate, so that interrupt handlers of guests without the FIFO keep up.
// Source: National Semiconductor PC16550D (TL/C/8652).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/platform/character_port.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class Uart16550 final : public Device, public CharacterPort, PortHandler {
 public:
  // COM1 is 3F8h with IRQ4, COM2 2F8h with IRQ3, COM3 3E8h with IRQ4, COM4 2E8h with IRQ3. `name` is for saved states.
  Uart16550(PortBus& ports, Clock& clock, IrqLine& irq, Trace& trace, u16 base, std::string name);

  std::string_view name() const override { return name_; }
  void reset(Reset kind) override;
  void visit(State& state) override;

  void send_to(Sink sink) override { sink_ = std::move(sink); }
  std::size_t room() const override { return kWaiting - waiting_.size(); }
  void receive(std::span<const u8> bytes) override;

 private:
  static constexpr std::size_t kFifo = 16;
  static constexpr std::size_t kWaiting = 1024;

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  u8 read_data();
  void write_data(u8 value);
  void write_interrupt_enable(u8 value);
  void write_fifo_control(u8 value);
  void write_modem_control(u8 value);
  u8 read_interrupt_identification();
  u8 read_line_status();
  u8 read_modem_status();

  bool fifos() const { return fcr_ & 1; }
  std::size_t depth() const { return fifos() ? kFifo : 1; }
  u8 modem_lines() const;
  u8 identification() const;
  void accept(u8 data, u8 errors);
  void top_changed();
  void character_arrived();
  void expect_arrival(Ticks after);
  void note_modem_lines(u8 before);
  std::size_t trigger() const;
  bool error_in_fifo() const;
  void restart_timeout();
  Ticks character_time() const;
  void update_interrupt();

  const u16 base_;
  const std::string name_;
  IrqLine& irq_;
  Trace& trace_;
  Clock& clock_;
  Sink sink_;

  std::array<u8, kFifo> fifo_{};         // a ring: RBR is the one at first_
  std::array<u8, kFifo> fifo_errors_{};  // LSR bits of each, until it is the one at first_
  u8 first_ = 0;
  u8 count_ = 0;
  std::vector<u8> waiting_;  // still on the wire, the oldest first
  u8 ier_ = 0;
  u8 fcr_ = 0;
  u8 lcr_ = 0;
  u8 mcr_ = 0;
  u8 msr_delta_ = 0;  // MSR bits 3-0
  u8 scr_ = 0;
  u16 divisor_ = 0;     // DLL, DLM
  u8 line_errors_ = 0;  // LSR bits 4-1, of characters that reached the top of the FIFO
  bool thre_interrupt_ = false;
  bool timed_out_ = false;
  bool interrupt_ = false;
  Timer timeout_;
  Timer arrival_;
};

}  // namespace penumbra
