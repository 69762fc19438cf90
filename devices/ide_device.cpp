// Phases, resets and the data buffer of an IDE drive.
#include "devices/ide_device.h"

#include <algorithm>
#include <utility>

#include "core/base/bits.h"
#include "core/base/check.h"

namespace penumbra {

void TaskFile::visit(State& state) {
  StateSection section(state, "task-file");
  const auto pair = [&](std::string_view now, std::string_view before, Pair& value) {
    state.field(now, value.current);
    state.field(before, value.previous);
  };
  pair("features", "features-hob", features);
  pair("sector-count", "sector-count-hob", sector_count);
  pair("lba-low", "lba-low-hob", lba_low);
  pair("lba-mid", "lba-mid-hob", lba_mid);
  pair("lba-high", "lba-high-hob", lba_high);
  state.field("device", device);
  state.field("error", error);
  state.field("status", status);
}

IdeDevice::IdeDevice(Clock& clock, Trace& trace, unsigned unit)
    : clock_(clock), trace_(trace), unit_(unit), timer_(clock, [this] { busy_time_over(); }) {}

void IdeDevice::clear_interrupt() {
  if (!interrupt_) return;
  interrupt_ = false;
  if (host_) host_->interrupt_changed();
}

void IdeDevice::raise_interrupt() {
  interrupt_ = true;
  if (host_) host_->interrupt_changed();
}

void IdeDevice::go_busy(Step step, Ticks time) {
  phase_ = Phase::busy;
  step_ = step;
  regs_.status = ata::kBusy;
  timer_.arm(clock_.now() + time.value);
}

void IdeDevice::busy_time_over() {
  switch (std::exchange(step_, Step::nothing)) {
    case Step::nothing: return;
    case Step::execute: return execute();
    case Step::next_block: return next_block();
    case Step::reset_done: return finish_quietly(status_after_reset());
    case Step::diagnostic_done:
      finish_quietly(status_after_reset());
      if (unit_ == 0) raise_interrupt();
      return;
  }
}

void IdeDevice::open_data(Phase phase) {
  CHECK_THAT(!buffer_.empty() && buffer_.size() % 2 == 0 && buffer_.size() <= kMostBuffer, "{} bytes", buffer_.size());
  phase_ = phase;
  position_ = 0;
  last_activity_ = clock_.now();
  if (phase == Phase::dma_in || phase == Phase::dma_out) {
    regs_.status = ata::kBusy;
    if (host_) host_->dma_requested();
  } else {
    regs_.status = ata::kReady | ata::kSeekComplete | ata::kDataRequest;
  }
}

void IdeDevice::finish(u8 status, u8 error) {
  finish_quietly(status);
  regs_.error = error;
  if (status & ata::kError)
    trace_.line(Channel::ide, "drive {} fails: status {:02x} error {:02x}", unit_, status, error);
  raise_interrupt();
}

void IdeDevice::finish_quietly(u8 status) {
  stop_transfer();
  regs_.status = status;
}

void IdeDevice::stop_transfer() {
  timer_.cancel();
  step_ = Step::nothing;
  phase_ = Phase::idle;
  buffer_.clear();
  position_ = 0;
}

void IdeDevice::diagnose() {
  stop_transfer();
  clear_interrupt();
  put_signature();
  go_busy(Step::diagnostic_done, kResetTime);
}

void IdeDevice::hold_in_reset() {
  stop_transfer();
  clear_interrupt();
  phase_ = Phase::busy;
  regs_.status = ata::kBusy;
}

void IdeDevice::leave_reset() {
  settings_reset(false);
  put_signature();
  go_busy(Step::reset_done, kResetTime);
}

void IdeDevice::hardware_reset(Reset) {
  stop_transfer();
  clear_interrupt();
  regs_ = {};
  settings_reset(true);
  put_signature();
  regs_.status = status_after_reset();
}

u16 IdeDevice::read_word() {
  if (phase_ != Phase::data_in) return 0xFFFF;
  const u16 value = load<u16>(&buffer_[position_]);
  move(2);
  return value;
}

void IdeDevice::write_word(u16 value) {
  if (phase_ != Phase::data_out) return;
  store(&buffer_[position_], value);
  move(2);
}

std::span<const u8> IdeDevice::dma_output() const {
  if (phase_ != Phase::dma_in) return {};
  return std::span(buffer_).subspan(position_);
}

std::span<u8> IdeDevice::dma_input() {
  if (phase_ != Phase::dma_out) return {};
  return std::span(buffer_).subspan(position_);
}

void IdeDevice::dma_moved(std::size_t bytes) {
  if (wants_dma()) move(std::min(bytes, buffer_.size() - position_));
}

void IdeDevice::move(std::size_t bytes) {
  position_ += static_cast<u32>(bytes);
  if (position_ < buffer_.size()) return;
  last_activity_ = clock_.now();
  data_moved();
}

void IdeDevice::visit_device(State& state) {
  regs_.visit(state);
  state.field("phase", phase_);
  state.field("step", step_);
  state.field("buffer", buffer_, kMostBuffer);
  state.field("position", position_);
  state.field("interrupt", interrupt_);
  state.field("last-activity", last_activity_);
  timer_.visit(state, "timer");
  if (!state.loading()) return;
  // A damaged saved state must not open a data phase without data.
  const bool data = phase_ != Phase::idle && phase_ != Phase::busy;
  if (data && (position_ % 2 != 0 || buffer_.size() % 2 != 0 || position_ >= buffer_.size())) stop_transfer();
  if (phase_ > Phase::dma_out || step_ > Step::diagnostic_done) stop_transfer();
}

}  // namespace penumbra
