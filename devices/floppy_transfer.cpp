// Commands that move sectors: finding them by their ID fields, DMA and programmed transfers, and how they end.
#include <algorithm>

#include "devices/floppy_82077.h"
#include "devices/floppy_status.h"

namespace penumbra {

namespace {

// A sector passes in 11 ms on a 1.44 MB disk. Nothing a guest can rely on needs it to take that long.
constexpr Ticks kSectorTime = microseconds(150);
// Until the controller has seen the index hole twice and gives up; 400 ms with a real disk.
constexpr Ticks kSearchTime = milliseconds(2);
constexpr Ticks kImpliedSeekTime = microseconds(300);

constexpr u8 kMultiTrack = 0x80;
constexpr u8 kSkip = 0x20;
constexpr u8 kSectorSizeCode = 2;  // 128 << 2 bytes
constexpr u8 kNormal = 0x00;

}  // namespace

void Floppy82077::begin_work(Work work) {
  work_ = work;
  phase_ = Phase::execution;
  moving_ = false;
  st1_ = st2_ = 0;
  sectors_done_ = 0;
  position_ = 0;
  head_ = (command_[1] >> 2) & 1;
  Ticks time = kSectorTime;
  if (work == Work::read_id) {
    c_ = h_ = r_ = n_ = 0;
  } else if (work == Work::format) {
    c_ = pcn_[unit()];
    h_ = head_;
    r_ = 1;
    n_ = command_[2];
    last_eot_ = command_[3];
  } else {
    c_ = command_[2];
    h_ = command_[3];
    r_ = command_[4];
    n_ = command_[5];
    last_eot_ = eot_ = command_[6];
    FloppyDrive* drive = drive_of(unit());
    if ((configure_[0] & fdc::kImpliedSeek) && c_ != pcn_[unit()]) {
      if (drive) drive->step(c_ - pcn_[unit()]);
      pcn_[unit()] = c_;
      time = time + kImpliedSeekTime.value;
    }
  }
  update_outputs();
  after(Step::sector, time);
}

// Looks for the sector under the head. On failure the command is on its way to its end.
bool Floppy82077::locate() {
  const auto give_up = [this](u8 st1, u8 st2) {
    st1_ |= st1;
    st2_ |= st2;
    after(Step::fail, kSearchTime);
    return false;
  };
  const FloppyDrive* drive = drive_of(unit());
  if (!drive || !drive->readable(head_, static_cast<DataRate>(dsr_ & fdc::kRateMask)))
    return give_up(fdc::kMissingAddressMark, 0);
  const bool writes = work_ == Work::write || work_ == Work::format;
  if (writes && drive->write_protected()) {
    fail(fdc::kNotWritable, 0);
    return false;
  }
  const u8 sectors = drive->geometry().sectors;
  switch (work_) {
    case Work::read_id:
    case Work::format: return true;
    case Work::read_track:
      // Takes the sectors as they come; that the ID differs is only noted.
      if (sectors_done_ >= sectors) return give_up(fdc::kNoData, 0);
      if (c_ != drive->disk_cylinder() || h_ != head_ || n_ != kSectorSizeCode) st1_ |= fdc::kNoData;
      return true;
    default: break;
  }
  if (c_ != drive->disk_cylinder()) return give_up(fdc::kNoData, fdc::kWrongCylinder);
  if (h_ != head_ || n_ != kSectorSizeCode || r_ == 0 || r_ > sectors) return give_up(fdc::kNoData, 0);
  return true;
}

void Floppy82077::sector_due() {
  if (!locate()) return;
  last_activity_ = clock_.now();
  FloppyDrive& drive = *drive_of(unit());
  if (work_ == Work::read_id) return read_id();
  position_ = 0;
  wanted_ = work_ == Work::format ? 4 : kSectorBytes;
  if (work_ != Work::write && work_ != Work::format) {
    const unsigned sector = work_ == Work::read_track ? sectors_done_ + 1u : r_;
    // A scan reads its sector when it compares: the buffer is for the host's bytes.
    if (!scanning() && !drive.read(head_, sector, buffer_)) return fail(fdc::kDataError, fdc::kDataErrorInData);
  }
  if (work_ == Work::verify) return sector_done(false);
  if (work_ == Work::read_deleted) {
    // Every sector of an image has a normal data mark (datasheet table 5-7).
    st2_ |= fdc::kControlMark;
    if (command_[0] & kSkip) return sector_done(false);
  }
  moving_ = true;
  update_outputs();
  if (no_dma()) return set_interrupt(true);
  move_bytes();
}

void Floppy82077::move_bytes() {
  if (!(dor_ & fdc::kGate)) return;
  const std::span<u8> rest = std::span(buffer_).first(wanted_).subspan(position_);
  const std::size_t count = to_host() ? dma_.to_memory(rest) : dma_.from_memory(rest);
  position_ = static_cast<u16>(position_ + std::min(count, rest.size()));
  const bool terminal_count = count != 0 && dma_.terminal_count();
  // Otherwise DREQ stays up until the guest lets the channel run.
  if (terminal_count || position_ == wanted_) moved(terminal_count);
}

void Floppy82077::take_cpu_byte() {
  ++position_;
  // One request for each byte, or for as many as the FIFO's threshold lets gather.
  const unsigned burst = configure_[0] & fdc::kNoFifo ? 1 : (configure_[0] & fdc::kThreshold) + 1u;
  if (position_ < wanted_) {
    if (position_ % burst != 0) return;
    set_interrupt(false);
    return set_interrupt(true);
  }
  set_interrupt(false);
  moved(false);
}

void Floppy82077::moved(bool terminal_count) {
  moving_ = false;
  update_outputs();
  if (work_ == Work::format) return format_sector(terminal_count);
  if (scanning()) return scan_done(terminal_count);
  if (work_ == Work::write) {
    // A sector cut short by TC is filled with zeros (datasheet 5.1.4).
    std::fill(buffer_.begin() + position_, buffer_.end(), u8{0});
    if (!locate()) return;
    if (!drive_of(unit())->write(head_, r_, buffer_)) return fail(fdc::kDataError, fdc::kDataErrorInData);
  }
  sector_done(terminal_count);
}

// The ID that the result shows after a sector (datasheet table 5-5): the next one.
void Floppy82077::next_sector_id() {
  if (r_ != eot_) {
    ++r_;
    return;
  }
  r_ = 1;
  if (!(command_[0] & kMultiTrack)) {
    ++c_;
    return;
  }
  if (h_ & 1) ++c_;
  h_ ^= 1;
}

void Floppy82077::sector_done(bool terminal_count) {
  ++sectors_done_;
  const bool multi_track = (command_[0] & kMultiTrack) && work_ != Work::read_track;
  const bool at_end = work_ == Work::read_track ? sectors_done_ >= eot_ : r_ == eot_;
  const bool marked = work_ == Work::read_deleted && !(command_[0] & kSkip);
  const bool counted = work_ == Work::verify && (command_[1] & 0x80) && sectors_done_ == command_[8];
  const u8 head_before = head_;
  if (work_ == Work::read_track)
    ++r_;
  else
    next_sector_id();
  if (terminal_count || marked || counted) return finish(kNormal);
  if (at_end) {
    if (!multi_track || head_before == 1) {
      if (work_ == Work::verify && !(command_[1] & 0x80)) return finish(kNormal);
      if (scanning()) return finish(kNormal);
      return fail(fdc::kEndOfCylinder, 0);
    }
    head_ = 1;
  }
  after(Step::sector, kSectorTime);
}

void Floppy82077::read_id() {
  const FloppyDrive& drive = *drive_of(unit());
  rotation_ = static_cast<u8>(rotation_ % drive.geometry().sectors + 1);
  c_ = drive.disk_cylinder();
  h_ = head_;
  r_ = rotation_;
  n_ = kSectorSizeCode;
  finish(kNormal);
}

void Floppy82077::format_sector(bool terminal_count) {
  // Four bytes for each sector: C, H, R, N. An image has room only for the IDs of its own format.
  const u8 sectors = command_[3];
  if (position_ == wanted_) {
    FloppyDrive* drive = drive_of(unit());
    if (!drive || !drive->readable(head_, static_cast<DataRate>(dsr_ & fdc::kRateMask)))
      return fail(fdc::kMissingAddressMark, 0);
    const u8 sector = buffer_[2];
    const bool fits = sector >= 1 && sector <= drive->geometry().sectors && buffer_[3] == kSectorSizeCode &&
                      command_[2] == kSectorSizeCode && sectors_done_ < drive->geometry().sectors;
    if (!fits) return fail(fdc::kNoData, 0);
    std::array<u8, kSectorBytes> filler;
    filler.fill(command_[5]);
    if (!drive->write(head_, sector, filler)) return fail(fdc::kDataError, fdc::kDataErrorInData);
    ++sectors_done_;
    r_ = sector;
  }
  if (sectors_done_ >= sectors || terminal_count) return finish(kNormal);
  after(Step::sector, microseconds(20));
}

// True where the disk's sector stands to the host's bytes as the command asks; FFh matches all (datasheet 5.1.7).
bool Floppy82077::scan_hit() {
  std::array<u8, kSectorBytes> sector;
  if (!drive_of(unit())->read(head_, r_, sector)) return false;
  for (std::size_t i = 0; i < position_; ++i) {
    if (sector[i] == buffer_[i] || sector[i] == 0xFF || buffer_[i] == 0xFF) continue;
    return work_ == Work::scan_low ? sector[i] < buffer_[i] : work_ == Work::scan_high && sector[i] > buffer_[i];
  }
  st2_ |= fdc::kScanHit;
  return true;
}

void Floppy82077::scan_done(bool terminal_count) {
  if (!locate()) return;
  st2_ &= static_cast<u8>(~(fdc::kScanHit | fdc::kScanNotSatisfied));
  if (scan_hit()) {
    ++sectors_done_;
    next_sector_id();
    return finish(kNormal);
  }
  st2_ |= fdc::kScanNotSatisfied;
  // STP: every sector, or every second one.
  if (command_[8] == 2 && r_ != eot_ && r_ + 1 != eot_) ++r_;
  sector_done(terminal_count);
}

void Floppy82077::fail(u8 st1, u8 st2) {
  st1_ |= st1;
  st2_ |= st2;
  finish(fdc::kAbnormal);
}

void Floppy82077::finish(u8 st0_code) {
  const u8 st0 = static_cast<u8>(st0_code | (head_ ? fdc::kHead : 0) | unit());
  if (st0_code != kNormal) trace_.line(Channel::floppy, "fails: {:02x} {:02x} {:02x}", st0, st1_, st2_);
  step_ = Step::nothing;
  timer_.cancel();
  begin_result({st0, st1_, st2_, c_, h_, r_, n_}, true);
}

}  // namespace penumbra
