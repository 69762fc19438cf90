// The two cascaded 8259A interrupt controllers of a PC/AT with the edge/level control registers (Intel 8259A
// datasheet; 82371SB 2.5.3).
#pragma once

#include <array>
#include <memory>

#include "core/base/bits.h"
#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"

namespace penumbra {

// One 8259A. The board wires it; ICW3 is kept but does not rewire it.
class Pic8259 {
 public:
  static constexpr unsigned kNone = 8;

  // A level change at input IR0-IR7.
  void set_line(unsigned number, bool level);
  bool line(unsigned number) const { return bit(lines_, number); }
  // The INT output.
  bool interrupt() const { return requested() != kNone; }
  // INTA: the input taken, or kNone for the default IR7 that a request gone too early leaves behind. Afterwards
  // `end_acknowledge` of the same input does the automatic EOI.
  unsigned acknowledge();
  void end_acknowledge(unsigned number);
  u8 vector(unsigned number) const { return static_cast<u8>(vector_base_ | (number & 7)); }

  // `a0` is address line A0: the low or the high port.
  u8 read(bool a0);
  void write(bool a0, u8 value);
  // True if the next read is a poll, which acknowledges.
  bool polls() const { return poll_; }

  u8 level_control() const { return level_control_; }
  void set_level_control(u8 value);
  // Inputs with a slave behind them, for the special fully nested mode.
  void set_cascade(u8 inputs) { cascade_ = inputs; }

  void reset();
  void visit(State& state);

 private:
  enum class Awaits : u8 { nothing, icw2, icw3, icw4 };

  bool level_triggered(unsigned number) const { return level_triggered_all_ || bit(level_control_, number); }
  // 0 for the input of highest priority, 7 for the lowest.
  unsigned rank(unsigned number) const { return (number - lowest_ - 1u) & 7; }
  unsigned input_of_rank(unsigned rank) const { return (rank + lowest_ + 1u) & 7; }
  // The input of the highest priority among the set bits, or kNone.
  unsigned highest(u8 inputs) const;
  // The input that may interrupt now, or kNone.
  unsigned requested() const;
  void initialize(u8 icw1);
  void write_icw(u8 value);
  void write_ocw2(u8 value);
  void write_ocw3(u8 value);

  u8 lines_ = 0;
  u8 irr_ = 0;
  u8 isr_ = 0;
  u8 imr_ = 0;
  u8 level_control_ = 0;  // ELCR
  u8 vector_base_ = 0;    // ICW2
  u8 icw3_ = 0;
  u8 lowest_ = 7;  // the input of lowest priority
  u8 cascade_ = 0;
  Awaits awaits_ = Awaits::nothing;
  bool single_ = false;
  bool icw4_needed_ = false;
  bool level_triggered_all_ = false;  // ICW1 LTIM
  bool auto_eoi_ = false;
  bool rotate_in_auto_eoi_ = false;
  bool special_fully_nested_ = false;
  bool special_mask_ = false;
  bool read_isr_ = false;
  bool poll_ = false;
};

// Master at 20h, slave at A0h on the master's IR2, ELCR at 4D0h and 4D1h.
class Pic8259Pair final : public Device, public InterruptSource, PortHandler {
 public:
  // `intr` follows the master's INT output.
  Pic8259Pair(PortBus& ports, IrqLine& intr, Trace& trace);
  ~Pic8259Pair() override;

  // ISA interrupt 0-15. Line 2 is the cascade: driving it has no effect.
  IrqLine& line(unsigned irq);

  bool pending() const override { return master_.interrupt(); }
  // With nothing pending, answers the spurious vector of IRQ7 (or of IRQ15, if only the slave's request has gone).
  u8 acknowledge() override;

  std::string_view name() const override { return "pic8259"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  class Line;
  static constexpr unsigned kCascade = 2;

  void set_line(unsigned irq, bool level);
  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  // Carries the slave's INT to the master and the master's to the CPU.
  void update();

  IrqLine& intr_;
  Trace& trace_;
  Pic8259 master_;
  Pic8259 slave_;
  std::array<std::unique_ptr<Line>, 16> lines_;
};

}  // namespace penumbra
