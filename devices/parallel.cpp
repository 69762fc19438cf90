// The three registers of the port.
#include "devices/parallel.h"

namespace penumbra {

namespace {

// Control, as software writes it: the cable inverts STROBE#, AUTOFD# and SELECTIN#.
constexpr u8 kStrobe = 1 << 0;
constexpr u8 kInterruptEnable = 1 << 4;
constexpr u8 kControlUnused = 0xE0;  // read as ones
// Status: not busy, ACK# high, paper, selected, no fault; the three unused bits read as ones.
constexpr u8 kPrinterReady = 0xDF;

}  // namespace

ParallelPort::ParallelPort(PortBus& ports, IrqLine& irq, Trace& trace, u16 base, std::string name)
    : base_(base), name_(std::move(name)), irq_(irq), trace_(trace) {
  ports.claim({base, static_cast<u16>(base + 2)}, *this);
}

void ParallelPort::reset(Reset) {
  data_ = control_ = 0;
  irq_.set(false);
}

void ParallelPort::visit(State& state) {
  StateSection section(state, name_);
  state.field("data", data_);
  state.field("control", control_);
}

u32 ParallelPort::port_in(u16 port, Width) {
  switch (port - base_) {
    case 0: return data_;
    case 1: return kPrinterReady;
    default: return control_ | kControlUnused;
  }
}

void ParallelPort::port_out(u16 port, Width, u32 value) {
  if (port == base_) data_ = static_cast<u8>(value);
  if (port == base_ + 2) write_control(static_cast<u8>(value & ~kControlUnused));
}

// The byte is printed and acknowledged at STROBE's leading edge. While enabled, the interrupt follows ACK#, which rests
// high: its pulse ends in the rising edge that the 8259 takes.
void ParallelPort::write_control(u8 value) {
  const bool strobe = (value & kStrobe) && !(control_ & kStrobe);
  control_ = value;
  if (strobe) {
    trace_.line(Channel::parallel, "{}: printed {:02x}", name_, data_);
    if (sink_) sink_(data_);
    if (control_ & kInterruptEnable) irq_.pulse();
  }
  if (!(control_ & kInterruptEnable)) irq_.set(false);
}

}  // namespace penumbra
