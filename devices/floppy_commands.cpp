// The command set of the 82077AA apart from the commands that move sectors.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "devices/floppy_82077.h"
#include "devices/floppy_status.h"

namespace penumbra {

namespace {

// Faster than any drive, slow enough for a guest to see a drive busy and to leave the code that started it.
constexpr Ticks kStepTime = microseconds(60);
constexpr Ticks kSettleTime = microseconds(100);
constexpr int kRecalibrateSteps = 79;  // step pulses of one RECALIBRATE (datasheet 5.2.2)

// The opcode without the flags that its command may carry: MT, MFM and SK of the sector commands.
u8 opcode_of(u8 byte) {
  switch (byte & 0x1F) {
    case 0x02: return (byte & 0x80) ? 0xFF : 0x02;
    case 0x05:
    case 0x06:
    case 0x09:
    case 0x0C:
    case 0x11:
    case 0x16:
    case 0x19:
    case 0x1D: return byte & 0x1F;
    case 0x0A:
    case 0x0D: return (byte & 0xA0) ? 0xFF : byte & 0x1F;
    default: return byte;
  }
}

}  // namespace

unsigned Floppy82077::command_length(u8 byte) {
  switch (opcode_of(byte)) {
    case 0x02:
    case 0x05:
    case 0x06:
    case 0x09:
    case 0x0C:
    case 0x11:
    case 0x16:
    case 0x19:
    case 0x1D: return 9;
    case 0x0D: return 6;
    case 0x13: return 4;
    case 0x03:
    case 0x0F:
    case 0x8F:
    case 0xCF: return 3;
    case 0x04:
    case 0x07:
    case 0x0A:
    case 0x12: return 2;
    default: return 1;
  }
}

void Floppy82077::execute() {
  switch (opcode_of(command_[0])) {
    case 0x02: return begin_work(Work::read_track);
    case 0x03: return specify();
    case 0x04: return sense_drive();
    case 0x05:
    case 0x09: return begin_work(Work::write);
    case 0x06: return begin_work(Work::read);
    case 0x07: return recalibrate();
    case 0x08: return sense_interrupt();
    case 0x0A: return begin_work(Work::read_id);
    case 0x0C: return begin_work(Work::read_deleted);
    case 0x0D: return begin_work(Work::format);
    case 0x0E: return dump_registers();
    case 0x0F: return seek(0);
    case 0x10: return begin_result({0x90}, false);  // VERSION: an enhanced controller
    case 0x11: return begin_work(Work::scan_equal);
    case 0x12:  // PERPENDICULAR MODE: the drive bits change only if OW says so
      perpendicular_ =
          static_cast<u8>(command_[1] & 0x80 ? command_[1] & 0x3F : (perpendicular_ & 0x3C) | (command_[1] & 3));
      return back_to_command();
    case 0x13: return configure();
    case 0x14:
    case 0x94:  // LOCK
      lock_ = command_[0] & 0x80;
      return begin_result({static_cast<u8>(lock_ ? 0x10 : 0)}, false);
    case 0x16: return begin_work(Work::verify);
    case 0x19: return begin_work(Work::scan_low);
    case 0x1D: return begin_work(Work::scan_high);
    case 0x8F: return seek(-1);
    case 0xCF: return seek(+1);
    // PART ID (18h) came with the 82078; here it is as invalid as any other.
    default: return begin_result({fdc::kInvalid}, false);
  }
}

void Floppy82077::specify() {
  specify_ = {command_[1], command_[2]};
  back_to_command();
}

void Floppy82077::configure() {
  configure_ = {static_cast<u8>(command_[2] & 0x7F), command_[3]};
  back_to_command();
}

void Floppy82077::sense_drive() {
  u8 st3 = static_cast<u8>(fdc::kAlwaysOne | (command_[1] & 7));
  if (const FloppyDrive* drive = drive_of(unit())) {
    if (drive->write_protected()) st3 |= fdc::kWriteProtected;
    if (drive->at_track_0()) st3 |= fdc::kTrack0;
  }
  begin_result({st3}, false);
}

void Floppy82077::sense_interrupt() {
  const auto waiting = std::find_if(pending_.begin(), pending_.end(), [](u8 st0) { return st0 != 0; });
  if (waiting == pending_.end()) return begin_result({fdc::kInvalid}, false);
  const u8 st0 = std::exchange(*waiting, u8{0});
  const u8 pcn = pcn_[st0 & 3];
  if (std::all_of(pending_.begin(), pending_.end(), [](u8 other) { return other == 0; })) reset_pending_ = false;
  set_interrupt(false);
  begin_result({st0, pcn}, false);
}

void Floppy82077::recalibrate() {
  const unsigned number = unit();
  FloppyDrive* drive = drive_of(number);
  u8 st0 = static_cast<u8>(fdc::kSeekEnd | number);
  // A drive that is absent, or further in than the step pulses reach, does not report track 0.
  const int steps = drive ? std::min<int>(drive->cylinder(), kRecalibrateSteps) : kRecalibrateSteps;
  if (!drive || steps != drive->cylinder()) st0 |= fdc::kAbnormal | fdc::kEquipmentCheck;
  pcn_[number] = 0;
  start_seek(number, -steps, st0);
}

void Floppy82077::seek(int relative) {
  const unsigned number = unit();
  const u8 st0 = static_cast<u8>(fdc::kSeekEnd | (command_[1] & 7));
  const int steps = relative == 0 ? command_[2] - pcn_[number] : relative * command_[2];
  pcn_[number] = static_cast<u8>(pcn_[number] + steps);
  start_seek(number, steps, st0);
}

void Floppy82077::start_seek(unsigned number, int steps, u8 st0) {
  if (FloppyDrive* drive = drive_of(number)) drive->step(steps);
  // Software that did not ask for all four statuses of a reset has no use for the rest.
  if (std::exchange(reset_pending_, false)) {
    pending_ = {};
    set_interrupt(false);
  }
  seek_st0_[number] = st0;
  pending_[number] = 0;
  seeking_ |= static_cast<u8>(1u << number);
  seek_timers_[number].arm(clock_.now() + (kSettleTime.value + kStepTime.value * std::abs(steps)));
  back_to_command();
}

void Floppy82077::seek_over(unsigned number) {
  seeking_ &= static_cast<u8>(~(1u << number));
  pending_[number] = seek_st0_[number];
  set_interrupt(true);
}

void Floppy82077::dump_registers() {
  begin_result({pcn_[0], pcn_[1], pcn_[2], pcn_[3], specify_[0], specify_[1], last_eot_,
                static_cast<u8>((lock_ ? 0x80 : 0) | (perpendicular_ & 0x3F)), configure_[0], configure_[1]},
               false);
}

}  // namespace penumbra
