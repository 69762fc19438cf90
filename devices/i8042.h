// The keyboard controller of a PC/AT (IBM PS/2 Technical Reference, "Keyboard and Auxiliary Device Controller") and
// system control port A at 92h.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "core/base/log.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"
#include "core/platform/ps2.h"

namespace penumbra {

// Ports 60h, 64h and 92h. A device's byte takes half a millisecond on its wire; the controller's own answers come at
// once. IRQ1 and IRQ12 are high from the moment the output buffer is filled until port 60h is read, so each byte gives
// an edge. Port 92h and the output port hold one and the same A20 gate: the last writer decides.
class I8042 final : public Device, PortHandler {
 public:
  struct Lines {
    IrqLine& irq1;
    IrqLine& irq12;
    std::function<void(bool on)> a20;
    std::function<void()> reset;  // the CPU's reset line was pulsed; may reset the whole board before it returns
  };

  I8042(PortBus& ports, Clock& clock, Ps2Device& keyboard, Ps2Device& mouse, Lines lines, Trace& trace);

  std::string_view name() const override { return "i8042"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  enum class Source : u8 { controller, keyboard, mouse };

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  u8 read_data();
  u8 status() const;
  void write_data(u8 value);
  void write_command(u8 command);
  void write_parameter(u8 command, u8 value);
  void write_command_byte(u8 value);
  u8 output_port() const;
  void write_output_port(u8 value);
  void write_port_92(u8 value);
  void set_a20(bool on);

  u8& command_byte() { return ram_[0]; }
  bool enabled(u8 disable_bit) const { return !(ram_[0] & disable_bit); }
  // An answer of the controller itself, or a byte that a command wants to see as if a device had sent it.
  void respond(u8 value, Source as = Source::controller);
  // Fills the empty output buffer, or starts the wire's delay.
  void serve();
  void receive_from_devices();
  bool receive_from_keyboard();
  void fill(u8 value, Source source);
  void update_irqs();

  Clock& clock_;
  Ps2Device& keyboard_;
  Ps2Device& mouse_;
  Lines lines_;
  Trace& trace_;
  Timer wire_;

  std::array<u8, 32> ram_{};  // the controller's memory; byte 0 is the command byte
  u8 output_ = 0;             // the output buffer
  bool output_full_ = false;
  bool output_from_mouse_ = false;   // as the status register says
  bool output_from_device_ = false;  // a device is to be told when it is read
  bool last_was_command_ = false;
  u8 awaited_ = 0;             // the command whose parameter comes next at 60h, or 0
  u8 input_poll_ = 0;          // status bits 7-4 shown by C1h and C2h, with bit 0 set while they are
  bool break_prefix_ = false;  // F0h was swallowed by the translation
  bool a20_ = true;
  u8 port_92_ = 0;
  std::vector<u16> responses_;  // waiting for the buffer; the source in the high byte
};

}  // namespace penumbra
