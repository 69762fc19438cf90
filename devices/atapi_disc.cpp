// What a disc of one data track says about itself: capacity, table of contents, and their like.
#include <algorithm>

#include "core/base/bits.h"
#include "devices/atapi_drive.h"

namespace penumbra {

namespace {

constexpr u8 kDataTrack = 0x14;  // ADR 1, CONTROL 4: position, uninterrupted data
constexpr u8 kLeadOut = 0xAA;
constexpr u32 kPregap = 150;             // frames before sector 0
constexpr u32 kMostCdSectors = 405'000;  // 90 minutes; an image beyond that was made for a DVD
constexpr u8 kMsf = 0x02;                // byte 1: addresses in minutes, seconds, frames

void put_16(std::vector<u8>& bytes, std::size_t at, u32 value) {
  bytes[at] = static_cast<u8>(value >> 8);
  bytes[at + 1] = static_cast<u8>(value);
}

void put_32(std::vector<u8>& bytes, std::size_t at, u32 value) {
  put_16(bytes, at, value >> 16);
  put_16(bytes, at + 2, value);
}

void put_msf(std::vector<u8>& bytes, std::size_t at, u32 sector) {
  const u32 frame = sector + kPregap;
  bytes[at] = static_cast<u8>(std::min(frame / (75 * 60), 255u));
  bytes[at + 1] = static_cast<u8>(frame / 75 % 60);
  bytes[at + 2] = static_cast<u8>(frame % 75);
}

// A four-byte address in the form the command asked for.
void put_address(std::vector<u8>& bytes, std::size_t at, u32 sector, bool msf) {
  if (msf)
    put_msf(bytes, at + 1, sector);
  else
    put_32(bytes, at, sector);
}

}  // namespace

u32 AtapiDrive::sectors() const {
  if (!medium_) return 0;
  return static_cast<u32>(std::min<u64>((medium_->bytes() + kSectorBytes - 1) / kSectorBytes, 0x7FFF'FFFF));
}

bool AtapiDrive::is_dvd() const { return sectors() > kMostCdSectors; }

void AtapiDrive::read_capacity() {
  std::vector<u8> bytes(8);
  put_32(bytes, 0, sectors() - 1);
  put_32(bytes, 4, kSectorBytes);
  reply(std::move(bytes), 8);
}

void AtapiDrive::read_toc() {
  const bool msf = packet_[1] & kMsf;
  // SFF-8020i had the format in the last byte; MMC moved it to the third.
  const u8 format = packet_[2] & 0x0F ? packet_[2] & 0x0F : packet_[9] >> 6;
  const u8 start = packet_[6];
  std::vector<u8> bytes(4);
  bytes[2] = bytes[3] = 1;  // first and last track, or session
  const auto descriptor = [&](u8 track, u32 sector) {
    const std::size_t at = bytes.size();
    bytes.resize(at + 8);
    bytes[at + 1] = kDataTrack;
    bytes[at + 2] = track;
    put_address(bytes, at + 4, sector, msf);
  };
  const auto raw = [&](u8 point) -> std::size_t {
    const std::size_t at = bytes.size();
    bytes.resize(at + 11);
    bytes[at] = 1;  // session
    bytes[at + 1] = kDataTrack;
    bytes[at + 3] = point;
    return at + 8;  // PMIN, PSEC, PFRAME
  };
  switch (format) {
    case 0:  // tracks
      if (start > 1 && start != kLeadOut) return illegal_field();
      if (start <= 1) descriptor(1, 0);
      descriptor(kLeadOut, sectors());
      break;
    case 1:  // sessions: the first track of the last
      descriptor(1, 0);
      break;
    case 2:  // the Q channel of the lead-in
      if (start > 1) return illegal_field();
      bytes[raw(0xA0)] = 1;
      bytes[raw(0xA1)] = 1;
      put_msf(bytes, raw(0xA2), sectors());
      put_msf(bytes, raw(1), 0);
      break;
    default: return illegal_field();
  }
  put_16(bytes, 0, static_cast<u32>(bytes.size() - 2));
  reply(std::move(bytes), packet_16(7));
}

void AtapiDrive::read_subchannel() {
  const bool msf = packet_[1] & kMsf;
  const bool with_data = packet_[2] & 0x40;  // SubQ
  std::vector<u8> bytes(4);
  bytes[1] = 0x15;  // no audio status
  if (with_data) {
    const u8 format = packet_[3];
    switch (format) {
      case 1:  // current position
        bytes.resize(16);
        bytes[5] = kDataTrack;
        bytes[6] = bytes[7] = 1;  // track, index
        put_address(bytes, 8, next_sector_, msf);
        put_address(bytes, 12, next_sector_, msf);
        break;
      case 2:  // catalogue number
      case 3:  // recording code: neither is there
        bytes.resize(24);
        if (format == 3) bytes[5] = kDataTrack, bytes[6] = 1;
        break;
      default: return illegal_field();
    }
    bytes[4] = format;
    put_16(bytes, 2, static_cast<u32>(bytes.size() - 4));
  }
  reply(std::move(bytes), packet_16(7));
}

void AtapiDrive::read_header() {
  if (!require_range(packet_32(2), 1)) return;
  std::vector<u8> bytes(8);
  bytes[0] = 1;  // mode 1
  put_address(bytes, 4, packet_32(2), packet_[1] & kMsf);
  reply(std::move(bytes), packet_16(7));
}

void AtapiDrive::read_disc_information() {
  if (packet_[1] & 7) return illegal_field();
  std::vector<u8> bytes(34);
  put_16(bytes, 0, 32);
  bytes[2] = 0x0E;                                // last session complete, disc complete
  bytes[3] = bytes[4] = bytes[5] = bytes[6] = 1;  // first track, sessions, first and last track of the last
  bytes[7] = 0x20;                                // unrestricted use
  put_32(bytes, 16, 0xFFFF'FFFF);                 // no further lead-in or lead-out
  put_32(bytes, 20, 0xFFFF'FFFF);
  reply(std::move(bytes), packet_16(7));
}

void AtapiDrive::read_track_information() {
  enum : u8 { kByLba, kByTrack, kBySession };
  const u8 kind = packet_[1] & 3;
  const u32 address = packet_32(2);
  const bool there = kind == kByLba ? address < sectors() : address == 1;
  if (!there || kind > kBySession) return illegal_field();
  std::vector<u8> bytes(36);
  put_16(bytes, 0, 34);
  bytes[2] = bytes[3] = 1;  // track, session
  bytes[5] = 4;             // data, uninterrupted
  bytes[6] = 1;             // mode 1
  put_32(bytes, 24, sectors());
  reply(std::move(bytes), packet_16(7));
}

void AtapiDrive::read_dvd_structure() {
  if (!is_dvd()) return fail({5, 0x30, 2});
  constexpr u32 kFirstDataSector = 0x30000;
  std::vector<u8> bytes;
  switch (packet_[7]) {
    case 0:  // physical format: one embossed layer
      bytes.resize(4 + 2048);
      bytes[4] = 0x01;
      bytes[5] = 0x02;
      bytes[6] = 0x01;
      put_32(bytes, 8, kFirstDataSector);
      put_32(bytes, 12, kFirstDataSector + sectors() - 1);
      break;
    case 1:  // copyright: none
      bytes.resize(8);
      break;
    default: return illegal_field();
  }
  put_16(bytes, 0, static_cast<u32>(bytes.size() - 2));
  reply(std::move(bytes), packet_16(8));
}

}  // namespace penumbra
