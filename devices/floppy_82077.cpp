// Registers, the three phases of a command, resets, and the interrupt and DMA request outputs.
#include "devices/floppy_82077.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "devices/floppy_status.h"

namespace penumbra {

namespace {

constexpr u16 kDor = 0x3F2;
constexpr u16 kTdr = 0x3F3;
constexpr u16 kMsrDsr = 0x3F4;
constexpr u16 kFifo = 0x3F5;
constexpr u16 kDirCcr = 0x3F7;

constexpr Ticks kResetTime = microseconds(60);
constexpr u8 kRateAfterReset = static_cast<u8>(DataRate::k250);  // datasheet table 2-2

}  // namespace

Floppy82077::Floppy82077(PortBus& ports, IrqLine& irq, DmaChannel& dma, Clock& clock, Trace& trace)
    : irq_(irq),
      dma_(dma),
      clock_(clock),
      trace_(trace),
      timer_(clock, [this] { step_over(); }),
      seek_timers_{Timer(clock, [this] { seek_over(0); }), Timer(clock, [this] { seek_over(1); }),
                   Timer(clock, [this] { seek_over(2); }), Timer(clock, [this] { seek_over(3); })} {
  ports.claim({0x3F0, 0x3F5}, *this);
  ports.claim({kDirCcr, kDirCcr}, *this);
  // Bytes that wait for the guest to program the channel go on when it has.
  dma_.when_ready([this] { resume(); });
}

void Floppy82077::resume() {
  if (phase_ == Phase::execution && moving_ && !no_dma() && step_ == Step::nothing) after(Step::move, microseconds(1));
}

void Floppy82077::change_medium(unsigned drive, std::unique_ptr<BlockDevice> medium) {
  if (!drive_of(drive)) throw ConfigError(fmt::format("there is no floppy drive {}", drive));
  trace_.line(Channel::floppy, "drive {} medium: {}", drive, medium ? medium->path() : "none");
  drives_[drive].change_medium(std::move(medium));
}

void Floppy82077::reset(Reset) {
  enter_reset();
  dor_ = tdr_ = 0;
  dsr_ = kRateAfterReset;
  specify_ = {};
  configure_ = {fdc::kNoFifo, 0};
  perpendicular_ = 0;
  lock_ = false;
  last_eot_ = 0;
  rotation_ = 0;
  update_outputs();
}

void Floppy82077::enter_reset() {
  timer_.cancel();
  for (Timer& timer : seek_timers_) timer.cancel();
  step_ = Step::nothing;
  phase_ = Phase::in_reset;
  work_ = Work::none;
  moving_ = false;
  command_count_ = result_count_ = result_position_ = 0;
  pending_ = {};
  reset_pending_ = false;
  seeking_ = 0;
  interrupt_ = false;
  // The parameters that LOCK protects (datasheet 5.2.12). Cylinder numbers stay, as the heads do.
  if (!lock_) configure_ = {fdc::kNoFifo, 0};
  update_outputs();
}

void Floppy82077::leave_reset() { after(Step::reset_over, kResetTime); }

void Floppy82077::after(Step step, Ticks time) {
  step_ = step;
  timer_.arm(clock_.now() + time.value);
}

void Floppy82077::step_over() {
  switch (std::exchange(step_, Step::nothing)) {
    case Step::nothing: return;
    case Step::reset_over:
      back_to_command();
      if (configure_[0] & fdc::kNoPolling) return;
      // Polling finds that all four drives have become ready.
      for (unsigned i = 0; i < kUnits; ++i) pending_[i] = static_cast<u8>(fdc::kReadyChanged | i);
      reset_pending_ = true;
      return set_interrupt(true);
    case Step::sector: return sector_due();
    case Step::move: return move_bytes();
    case Step::fail: return finish(fdc::kAbnormal);
  }
}

void Floppy82077::set_interrupt(bool level) {
  interrupt_ = level;
  update_outputs();
}

void Floppy82077::update_outputs() {
  const bool gate = dor_ & fdc::kGate;
  irq_.set(interrupt_ && gate);
  dma_.request(phase_ == Phase::execution && moving_ && !no_dma() && gate);
}

void Floppy82077::back_to_command() {
  phase_ = Phase::command;
  work_ = Work::none;
  moving_ = false;
  command_count_ = 0;
  // Seeks that ended meanwhile still have their interrupts to give; a reset gave its only one.
  const bool seek_ended = std::any_of(pending_.begin(), pending_.end(), [](u8 st0) { return st0 != 0; });
  if (seek_ended && !reset_pending_) interrupt_ = true;
  update_outputs();
}

void Floppy82077::begin_result(std::initializer_list<u8> bytes, bool interrupt) {
  phase_ = Phase::result;
  work_ = Work::none;
  moving_ = false;
  std::copy(bytes.begin(), bytes.end(), result_.begin());
  result_count_ = static_cast<u8>(bytes.size());
  result_position_ = 0;
  result_interrupts_ = interrupt;
  if (interrupt) interrupt_ = true;
  update_outputs();
}

u8 Floppy82077::main_status() const {
  switch (phase_) {
    case Phase::in_reset: return 0;
    case Phase::command:
      return static_cast<u8>(fdc::kRequestForMaster | (command_count_ ? fdc::kCommandBusy : 0) | seeking_);
    case Phase::execution:
      if (!data_phase_by_cpu()) return static_cast<u8>(fdc::kCommandBusy | seeking_);
      return static_cast<u8>(fdc::kRequestForMaster | fdc::kNonDma | fdc::kCommandBusy |
                             (to_host() ? fdc::kToHost : 0) | seeking_);
    case Phase::result: return static_cast<u8>(fdc::kRequestForMaster | fdc::kToHost | fdc::kCommandBusy | seeking_);
  }
  return 0;
}

u32 Floppy82077::port_in(u16 port, Width) {
  switch (port) {
    case kDor: return dor_;
    case kTdr: return 0xFCu | tdr_;  // bits 7-2 float
    case kMsrDsr: return main_status();
    case kFifo: return read_fifo();
    case kDirCcr: {
      // DSKCHG of the selected drive; the other bits belong to the hard disk controller, or to nobody.
      const FloppyDrive* selected = drive_of(dor_ & 3);
      return selected && selected->changed() ? 0x80 : 0x00;
    }
    default: return 0xFF;  // SRA and SRB exist in PS/2 mode only
  }
}

void Floppy82077::port_out(u16 port, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  switch (port) {
    case kDor: return write_dor(byte);
    case kTdr: tdr_ = byte & 3; return;
    case kMsrDsr: return write_dsr(byte);
    case kFifo: return write_fifo(byte);
    case kDirCcr: dsr_ = static_cast<u8>((dsr_ & ~fdc::kRateMask) | (byte & fdc::kRateMask)); return;
    default: return;
  }
}

void Floppy82077::write_dor(u8 value) {
  const bool was_running = dor_ & fdc::kNotReset;
  const bool runs = value & fdc::kNotReset;
  dor_ = value;
  trace_.line(Channel::floppy, "DOR {:02x}", value);
  if (was_running && !runs) enter_reset();
  if (!was_running && runs) leave_reset();
  update_outputs();
  resume();
}

void Floppy82077::write_dsr(u8 value) {
  dsr_ = value & static_cast<u8>(~fdc::kSoftwareReset);
  if (!(value & fdc::kSoftwareReset)) return;
  // This reset ends by itself, unless DOR holds another.
  enter_reset();
  if (dor_ & fdc::kNotReset) leave_reset();
}

u8 Floppy82077::read_fifo() {
  if (data_phase_by_cpu() && to_host()) {
    const u8 value = buffer_[position_];
    take_cpu_byte();
    return value;
  }
  if (phase_ != Phase::result) return 0xFF;
  // The first byte of the result takes its interrupt back.
  if (std::exchange(result_interrupts_, false)) set_interrupt(false);
  const u8 value = result_[result_position_++];
  if (result_position_ >= result_count_) back_to_command();
  return value;
}

void Floppy82077::write_fifo(u8 value) {
  if (data_phase_by_cpu() && !to_host()) {
    buffer_[position_] = value;
    return take_cpu_byte();
  }
  if (phase_ != Phase::command) return;
  command_[command_count_++] = value;
  if (command_count_ < command_length(command_[0])) return;
  trace_.line(Channel::floppy, "command {:02x}", fmt::join(command_.begin(), command_.begin() + command_count_, " "));
  execute();
}

void Floppy82077::visit(State& state) {
  StateSection section(state, "floppy-82077");
  for (FloppyDrive& drive : drives_) drive.visit(state);
  state.field("dor", dor_);
  state.field("tdr", tdr_);
  state.field("dsr", dsr_);
  state.field("interrupt", interrupt_);
  state.field("phase", phase_);
  state.field("step", step_);
  state.field("command", command_);
  state.field("command-count", command_count_);
  state.field("result", result_);
  state.field("result-count", result_count_);
  state.field("result-position", result_position_);
  state.field("result-interrupts", result_interrupts_);
  state.field("specify", specify_);
  state.field("configure", configure_);
  state.field("perpendicular", perpendicular_);
  state.field("lock", lock_);
  state.field("last-eot", last_eot_);
  state.field("pcn", pcn_);
  state.field("pending", pending_);
  state.field("reset-pending", reset_pending_);
  state.field("seeking", seeking_);
  state.field("seek-st0", seek_st0_);
  state.field("work", work_);
  state.field("moving", moving_);
  state.field("head", head_);
  state.field("c", c_);
  state.field("h", h_);
  state.field("r", r_);
  state.field("n", n_);
  state.field("eot", eot_);
  state.field("sectors-done", sectors_done_);
  state.field("st1", st1_);
  state.field("st2", st2_);
  state.field("rotation", rotation_);
  state.field("buffer", buffer_);
  state.field("position", position_);
  state.field("wanted", wanted_);
  state.field("last-activity", last_activity_);
  timer_.visit(state, "timer");
  for (Timer& timer : seek_timers_) timer.visit(state, "seek-timer");
  if (!state.loading()) return;
  // A damaged saved state must not lead outside of the buffers.
  const bool sound = phase_ <= Phase::result && step_ <= Step::fail && work_ <= Work::read_id &&
                     command_count_ < command_.size() + 1 && result_count_ <= result_.size() &&
                     (phase_ != Phase::result || result_position_ < result_count_) && wanted_ <= kSectorBytes &&
                     (!moving_ || position_ < wanted_) &&
                     (phase_ != Phase::command || command_count_ < command_.size());
  if (!sound) enter_reset();
  head_ &= 1;
}

}  // namespace penumbra
