// The table of packet commands, and those about the drive rather than the disc.
#include <algorithm>
#include <utility>

#include "core/base/bits.h"
#include "devices/atapi_drive.h"

namespace penumbra {

namespace {

enum Operation : u8 {
  kTestUnitReady = 0x00,
  kRequestSense = 0x03,
  kInquiry = 0x12,
  kModeSelect6 = 0x15,
  kModeSense6 = 0x1A,
  kStartStopUnit = 0x1B,
  kPreventAllow = 0x1E,
  kReadCapacity = 0x25,
  kRead10 = 0x28,
  kSeek = 0x2B,
  kVerify10 = 0x2F,
  kReadSubchannel = 0x42,
  kReadToc = 0x43,
  kReadHeader = 0x44,
  kPlayAudio10 = 0x45,
  kGetConfiguration = 0x46,
  kPlayAudioMsf = 0x47,
  kGetEventStatus = 0x4A,
  kPauseResume = 0x4B,
  kStopPlay = 0x4E,
  kReadDiscInformation = 0x51,
  kReadTrackInformation = 0x52,
  kModeSelect10 = 0x55,
  kModeSense10 = 0x5A,
  kPlayAudio12 = 0xA5,
  kSetReadAhead = 0xA7,
  kRead12 = 0xA8,
  kReadDvdStructure = 0xAD,
  kReadCdMsf = 0xB9,
  kSetCdSpeed = 0xBB,
  kMechanismStatus = 0xBD,
  kReadCd = 0xBE,
};

}  // namespace

bool AtapiDrive::passes_attention() const {
  // MMC-3 4.1.6: these are carried out and leave the attention pending.
  const u8 op = packet_[0];
  return op == kRequestSense || op == kInquiry || op == kGetConfiguration || op == kGetEventStatus;
}

bool AtapiDrive::require_medium() {
  if (loaded()) return true;
  fail({2, 0x3A, static_cast<u8>(tray_open_ ? 2 : 1)});
  return false;
}

bool AtapiDrive::require_range(u64 sector, u64 count) {
  if (sector < sectors() && count <= sectors() - sector) return true;
  fail({5, 0x21, 0});
  return false;
}

void AtapiDrive::dispatch() {
  switch (packet_[0]) {
    case kTestUnitReady:
      if (require_medium()) succeed();
      return;
    case kRequestSense: return request_sense();
    case kInquiry: return inquiry();
    case kModeSelect6: return ask_parameters(packet_[4]);
    case kModeSelect10: return ask_parameters(packet_16(7));
    case kModeSense6: return mode_sense(false);
    case kModeSense10: return mode_sense(true);
    case kStartStopUnit: return start_stop();
    case kPreventAllow: return prevent_allow();
    case kGetConfiguration: return get_configuration();
    case kGetEventStatus: return media_event_status();
    case kMechanismStatus: return mechanism_status();
    case kSetCdSpeed:
    case kSetReadAhead:
    case kStopPlay: return succeed();
    default: break;
  }
  switch (packet_[0]) {
    case kReadCapacity:
    case kRead10:
    case kRead12:
    case kSeek:
    case kVerify10:
    case kReadSubchannel:
    case kReadToc:
    case kReadHeader:
    case kReadDiscInformation:
    case kReadTrackInformation:
    case kReadDvdStructure:
    case kReadCd:
    case kReadCdMsf:
    case kPlayAudio10:
    case kPlayAudio12:
    case kPlayAudioMsf:
    case kPauseResume: break;
    default: return fail({5, 0x20, 0});
  }
  // All of these need a disc.
  if (!require_medium()) return;
  switch (packet_[0]) {
    case kReadCapacity: return read_capacity();
    case kRead10: return read_10_12(packet_16(7));
    case kRead12: return read_10_12(packet_32(6));
    case kSeek: return seek();
    case kVerify10:
      if (packet_16(7) == 0 || require_range(packet_32(2), packet_16(7))) succeed();
      return;
    case kReadSubchannel: return read_subchannel();
    case kReadToc: return read_toc();
    case kReadHeader: return read_header();
    case kReadDiscInformation: return read_disc_information();
    case kReadTrackInformation: return read_track_information();
    case kReadDvdStructure: return read_dvd_structure();
    case kReadCd: return read_cd(packet_32(2), packet_24(6));
    case kReadCdMsf: return read_cd_msf();
    case kPauseResume: return fail({5, 0x2C, 0});  // nothing is playing
    default: return fail({5, 0x64, 0});            // no audio track to play
  }
}

void AtapiDrive::request_sense() {
  Sense sense = std::exchange(sense_, {});
  // With nothing else to tell, a pending unit attention is told and done with.
  if (sense.key == 0 && std::exchange(reset_attention_, false))
    sense = {6, 0x29, 0};
  else if (sense.key == 0 && std::exchange(medium_attention_, false))
    sense = {6, 0x28, 0};
  std::vector<u8> bytes(18);
  bytes[0] = 0x70;  // current error, fixed format
  bytes[2] = sense.key;
  bytes[7] = 10;  // bytes after this one
  bytes[12] = sense.code;
  bytes[13] = sense.qualifier;
  reply(std::move(bytes), packet_[4]);
}

void AtapiDrive::inquiry() {
  const bool vital_product_data = packet_[1] & 1;
  if (vital_product_data || packet_[2] != 0) return illegal_field();
  std::vector<u8> bytes(36, ' ');
  const auto text = [&bytes](std::size_t at, std::string_view content) {
    std::copy(content.begin(), content.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  };
  bytes[0] = 0x05;  // CD-ROM
  bytes[1] = 0x80;  // removable
  bytes[2] = 0x00;
  bytes[3] = 0x21;  // ATAPI version 2, response format 1 (SFF-8020i 10.8.1.1)
  bytes[4] = 31;    // bytes after this one
  bytes[5] = bytes[6] = bytes[7] = 0;
  text(8, "PENUMBRA");
  text(16, "CD-ROM");
  text(32, "1.0");
  reply(std::move(bytes), packet_16(3));
}

void AtapiDrive::start_stop() {
  const bool start = packet_[4] & 1;
  const bool load_eject = packet_[4] & 2;
  const bool power_condition = packet_[4] & 0xF0;
  if (!load_eject || power_condition) {
    if (start && !power_condition && !require_medium()) return;
    return succeed();
  }
  if (!start) {
    if (locked_) return fail({5, 0x53, 2});
    if (loaded()) media_event_ = MediaEvent::removal;
    tray_open_ = true;
    return succeed();
  }
  if (std::exchange(tray_open_, false) && medium_) {
    medium_attention_ = true;
    media_event_ = MediaEvent::new_media;
  }
  succeed();
}

void AtapiDrive::prevent_allow() {
  locked_ = packet_[4] & 1;
  succeed();
}

void AtapiDrive::seek() {
  if (!require_range(packet_32(2), 1)) return;
  next_sector_ = packet_32(2);
  succeed();
}

void AtapiDrive::read_10_12(u32 count) {
  const u32 sector = packet_32(2);
  if (count == 0) return succeed();
  if (require_range(sector, count)) read_sectors(sector, count);
}

void AtapiDrive::read_cd(u32 sector, u32 count) {
  // Only what an image holds can be read: the 2,048 bytes of user data of mode 1 sectors (MMC-3 6.15).
  const u8 expected_type = bits(packet_[1], 4, 2);
  const u8 wanted = packet_[9] & 0xF8;
  const bool subchannel = packet_[10] & 7;
  constexpr u8 kUserData = 0x10;
  if (count == 0) return succeed();
  if (!require_range(sector, count)) return;
  if (expected_type != 0 && expected_type != 2) return fail({5, 0x64, 0});
  if (subchannel || (wanted != 0 && wanted != kUserData)) return illegal_field();
  if (wanted == 0) return succeed();
  read_sectors(sector, count);
}

void AtapiDrive::read_cd_msf() {
  const auto lba = [this](std::size_t at) {
    return (i64{packet_[at]} * 60 + packet_[at + 1]) * 75 + packet_[at + 2] - 150;
  };
  const i64 first = lba(3);
  const i64 end = lba(6);
  if (first < 0 || end < first) return fail({5, 0x21, 0});
  read_cd(static_cast<u32>(first), static_cast<u32>(end - first));
}

void AtapiDrive::mechanism_status() {
  std::vector<u8> bytes(8);
  bytes[1] = tray_open_ ? 0x10 : 0;
  reply(std::move(bytes), packet_16(8));
}

void AtapiDrive::media_event_status() {
  const bool polled = packet_[1] & 1;
  if (!polled) return illegal_field();  // MMC-3 6.6: asynchronous notification needs command queuing
  constexpr u8 kMediaClass = 4;
  const bool media = packet_[4] & (1 << kMediaClass);
  std::vector<u8> bytes(media ? 8 : 4);
  bytes[1] = media ? 6 : 2;  // bytes after the length
  bytes[2] = media ? kMediaClass : 0x80;
  bytes[3] = 1 << kMediaClass;  // the classes there are
  const std::size_t allocation = packet_16(7);
  if (media) {
    bytes[4] = number(media_event_);
    bytes[5] = static_cast<u8>((tray_open_ ? 1 : 0) | (loaded() ? 2 : 0));
    if (allocation > 4) media_event_ = MediaEvent::none;
  }
  reply(std::move(bytes), allocation);
}

}  // namespace penumbra
