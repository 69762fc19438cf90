// The serial port's registers.
#include "devices/uart16550.h"

#include <algorithm>

#include "core/base/bits.h"

namespace penumbra {

namespace {

// IER
constexpr u8 kReceived = 1 << 0;
constexpr u8 kTransmitterEmpty = 1 << 1;
constexpr u8 kLineStatus = 1 << 2;
constexpr u8 kModemStatus = 1 << 3;
// IIR, by priority
constexpr u8 kIdLineStatus = 0x06;
constexpr u8 kIdReceived = 0x04;
constexpr u8 kIdTimeout = 0x0C;
constexpr u8 kIdTransmitterEmpty = 0x02;
constexpr u8 kIdModemStatus = 0x00;
constexpr u8 kIdNone = 0x01;
constexpr u8 kIdFifos = 0xC0;
// FCR
constexpr u8 kFifoEnable = 1 << 0;
constexpr u8 kReceiverReset = 1 << 1;
constexpr u8 kFifoKept = 0xC9;
// LCR
constexpr u8 kParityEnable = 1 << 3;
constexpr u8 kTwoStopBits = 1 << 2;
constexpr u8 kBreak = 1 << 6;
constexpr u8 kDivisorAccess = 1 << 7;
// MCR
constexpr u8 kDtr = 1 << 0;
constexpr u8 kRts = 1 << 1;
constexpr u8 kOut1 = 1 << 2;
constexpr u8 kOut2 = 1 << 3;
constexpr u8 kLoop = 1 << 4;
// LSR
constexpr u8 kDataReady = 1 << 0;
constexpr u8 kOverrun = 1 << 1;
constexpr u8 kBreakReceived = 1 << 4;
constexpr u8 kTransmitterIdle = 0x60;  // THRE and TEMT: a byte written is a byte sent
constexpr u8 kErrorInFifo = 1 << 7;
constexpr u8 kCharacterErrors = 0x1C;
// MSR
constexpr u8 kCts = 1 << 4;
constexpr u8 kDsr = 1 << 5;
constexpr u8 kRi = 1 << 6;
constexpr u8 kDcd = 1 << 7;

constexpr i64 kHighestRate = 115200;  // baud at divisor 1: 1.8432 MHz / 16

}  // namespace

Uart16550::Uart16550(PortBus& ports, Clock& clock, IrqLine& irq, Trace& trace, u16 base, std::string name)
    : base_(base),
      name_(std::move(name)),
      irq_(irq),
      trace_(trace),
      clock_(clock),
      timeout_(clock,
               [this] {
                 timed_out_ = true;
                 update_interrupt();
               }),
      arrival_(clock, [this] { character_arrived(); }) {
  ports.claim({base, static_cast<u16>(base + 7)}, *this);
  reset(Reset::power_on);
}

// Bytes on the wire are not the chip's, and arrive after the reset.
void Uart16550::reset(Reset) {
  first_ = count_ = 0;
  fifo_errors_ = {};
  ier_ = fcr_ = lcr_ = mcr_ = msr_delta_ = scr_ = line_errors_ = 0;
  divisor_ = 12;
  thre_interrupt_ = timed_out_ = false;
  timeout_.cancel();
  expect_arrival(clock_.now());
  update_interrupt();
}

void Uart16550::visit(State& state) {
  StateSection section(state, name_);
  state.field("fifo", fifo_);
  state.field("fifo_errors", fifo_errors_);
  state.field("first", first_);
  state.field("count", count_);
  state.field("waiting", waiting_, kWaiting);
  state.field("IER", ier_);
  state.field("FCR", fcr_);
  state.field("LCR", lcr_);
  state.field("MCR", mcr_);
  state.field("msr_delta", msr_delta_);
  state.field("SCR", scr_);
  state.field("divisor", divisor_);
  state.field("line_errors", line_errors_);
  state.field("thre_interrupt", thre_interrupt_);
  state.field("timed_out", timed_out_);
  state.field("interrupt", interrupt_);
  timeout_.visit(state, "timeout");
  arrival_.visit(state, "arrival");
  first_ %= kFifo;
  count_ = std::min<u8>(count_, kFifo);
}

// --- the wire ---

Ticks Uart16550::character_time() const {
  const int data_bits = 5 + (lcr_ & 3);
  const int frame = 1 + data_bits + bool(lcr_ & kParityEnable) + (lcr_ & kTwoStopBits ? 2 : 1);
  return Ticks(frame * std::max<i64>(divisor_, 1) * 1'000'000'000 / kHighestRate);
}

void Uart16550::receive(std::span<const u8> bytes) {
  const std::size_t taken = std::min(bytes.size(), room());
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  expect_arrival(clock_.now());
}

// The sender waits while the receiver is full or in loopback, as one does that minds RTS: nothing is lost.
void Uart16550::expect_arrival(Ticks after) {
  if (arrival_.armed() || waiting_.empty() || count_ >= depth() || (mcr_ & kLoop)) return;
  arrival_.arm(after + character_time().value);
}

void Uart16550::character_arrived() {
  if (waiting_.empty() || count_ >= depth() || (mcr_ & kLoop)) return;
  const u8 data = waiting_.front();
  waiting_.erase(waiting_.begin());
  accept(data, 0);
  expect_arrival(clock_.now());
}

// A character enters the receiver; without room it is the FIFO's contents that stay, or the register's that go.
void Uart16550::accept(u8 data, u8 errors) {
  if (count_ >= depth()) {
    line_errors_ |= kOverrun;
    if (!fifos()) fifo_[first_] = data;
  } else {
    const std::size_t last = (first_ + count_) % kFifo;
    fifo_[last] = data;
    fifo_errors_[last] = errors;
    if (++count_ == 1) top_changed();
  }
  restart_timeout();
  update_interrupt();
}

void Uart16550::top_changed() {
  if (!count_) return;
  line_errors_ |= fifo_errors_[first_];
  fifo_errors_[first_] = 0;
}

// Four character times without a character coming or being read, while some wait (section 8.4, FIFO interrupt mode).
void Uart16550::restart_timeout() {
  timed_out_ = false;
  if (fifos() && count_)
    timeout_.arm(clock_.now() + 4 * character_time().value);
  else
    timeout_.cancel();
}

// --- interrupts ---

std::size_t Uart16550::trigger() const {
  constexpr std::array<u8, 4> kLevels = {1, 4, 8, 14};
  return fifos() ? kLevels[fcr_ >> 6] : 1;
}

u8 Uart16550::identification() const {
  if ((ier_ & kLineStatus) && line_errors_) return kIdLineStatus;
  if ((ier_ & kReceived) && count_ >= trigger()) return kIdReceived;
  if ((ier_ & kReceived) && timed_out_) return kIdTimeout;
  if ((ier_ & kTransmitterEmpty) && thre_interrupt_) return kIdTransmitterEmpty;
  if ((ier_ & kModemStatus) && msr_delta_) return kIdModemStatus;
  return kIdNone;
}

// On a PC, OUT2 connects the interrupt to the bus, and loopback forces the pin OUT2 to inactive.
void Uart16550::update_interrupt() {
  const bool level = identification() != kIdNone && (mcr_ & (kOut2 | kLoop)) == kOut2;
  if (level == interrupt_) return;
  interrupt_ = level;
  irq_.set(level);
}

// --- registers ---

u32 Uart16550::port_in(u16 port, Width) {
  switch (port - base_) {
    case 0: return lcr_ & kDivisorAccess ? divisor_ & 0xFF : read_data();
    case 1: return lcr_ & kDivisorAccess ? divisor_ >> 8 : ier_;
    case 2: return read_interrupt_identification();
    case 3: return lcr_;
    case 4: return mcr_;
    case 5: return read_line_status();
    case 6: return read_modem_status();
    default: return scr_;
  }
}

void Uart16550::port_out(u16 port, Width, u32 wide) {
  const u8 value = static_cast<u8>(wide);
  switch (port - base_) {
    case 0:
      if (lcr_ & kDivisorAccess)
        divisor_ = static_cast<u16>((divisor_ & 0xFF00) | value);
      else
        write_data(value);
      break;
    case 1:
      if (lcr_ & kDivisorAccess)
        divisor_ = static_cast<u16>((divisor_ & 0xFF) | value << 8);
      else
        write_interrupt_enable(value);
      break;
    case 2: write_fifo_control(value); break;
    case 3: {
      const bool break_begins = (value & kBreak) && !(lcr_ & kBreak);
      lcr_ = value;
      if (break_begins && (mcr_ & kLoop)) accept(0, kBreakReceived);
      trace_.line(Channel::serial, "{}: LCR {:02x}, divisor {}", name_, lcr_, divisor_);
      break;
    }
    case 4: write_modem_control(value); break;
    case 7: scr_ = value; break;
    default: break;  // LSR and MSR are for factory tests only
  }
}

u8 Uart16550::read_data() {
  const u8 data = fifo_[first_];
  if (!count_) return data;
  --count_;
  if (fifos()) first_ = static_cast<u8>((first_ + 1) % kFifo);
  top_changed();
  restart_timeout();
  expect_arrival(clock_.now());
  update_interrupt();
  return data;
}

// Writing takes the THRE interrupt away; the byte being sent at once brings it back, which the 8259 sees as an edge.
void Uart16550::write_data(u8 value) {
  thre_interrupt_ = false;
  update_interrupt();
  if (mcr_ & kLoop) {
    accept(value & static_cast<u8>(0xFF >> (3 - (lcr_ & 3))), 0);
  } else {
    trace_.line(Channel::serial, "{}: sent {:02x}", name_, value);
    if (sink_) sink_(value);
  }
  thre_interrupt_ = true;
  update_interrupt();
}

void Uart16550::write_interrupt_enable(u8 value) {
  if ((value & kTransmitterEmpty) && !(ier_ & kTransmitterEmpty)) thre_interrupt_ = true;
  ier_ = value & 0x0F;
  update_interrupt();
}

void Uart16550::write_fifo_control(u8 value) {
  const bool switched = (value ^ fcr_) & kFifoEnable;
  if (switched || (value & kReceiverReset)) {
    first_ = count_ = 0;
    fifo_errors_ = {};
  }
  fcr_ = value & kFifoEnable ? value & kFifoKept : 0;
  restart_timeout();
  expect_arrival(clock_.now());
  update_interrupt();
}

void Uart16550::write_modem_control(u8 value) {
  const u8 before = modem_lines();
  mcr_ = value & 0x1F;
  note_modem_lines(before);
  expect_arrival(clock_.now());
  update_interrupt();
}

// MSR bits 7-4: what is plugged in is there, ready and clear to send; in loopback, MCR's own outputs.
u8 Uart16550::modem_lines() const {
  if (!(mcr_ & kLoop)) return kDcd | kDsr | kCts;
  u8 lines = 0;
  if (mcr_ & kRts) lines |= kCts;
  if (mcr_ & kDtr) lines |= kDsr;
  if (mcr_ & kOut1) lines |= kRi;
  if (mcr_ & kOut2) lines |= kDcd;
  return lines;
}

// The deltas: any change of CTS, DSR and DCD, and the trailing edge of RI.
void Uart16550::note_modem_lines(u8 before) {
  const u8 now = modem_lines();
  u8 changed = before ^ now;
  if (now & kRi) changed &= static_cast<u8>(~kRi);
  msr_delta_ |= changed >> 4;
}

u8 Uart16550::read_interrupt_identification() {
  const u8 id = identification();
  if (id == kIdTransmitterEmpty) {
    thre_interrupt_ = false;
    update_interrupt();
  }
  return fifos() ? id | kIdFifos : id;
}

bool Uart16550::error_in_fifo() const {
  if (!fifos()) return false;
  if (line_errors_ & kCharacterErrors) return true;
  for (unsigned i = 0; i < count_; ++i)
    if (fifo_errors_[(first_ + i) % kFifo]) return true;
  return false;
}

u8 Uart16550::read_line_status() {
  u8 value = kTransmitterIdle | line_errors_;
  if (count_) value |= kDataReady;
  if (error_in_fifo()) value |= kErrorInFifo;
  if (line_errors_) {
    line_errors_ = 0;
    update_interrupt();
  }
  return value;
}

u8 Uart16550::read_modem_status() {
  const u8 value = modem_lines() | msr_delta_;
  msr_delta_ = 0;
  update_interrupt();
  return value;
}

}  // namespace penumbra
