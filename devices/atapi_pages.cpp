// How the CD drive describes itself: IDENTIFY PACKET DEVICE, mode pages, features and profiles.
#include <algorithm>

#include "devices/atapi_drive.h"
#include "devices/identify_block.h"

namespace penumbra {

namespace {

constexpr u16 kKilobytesPerSecond = 4234;  // 24 times a music CD

enum : u8 { kErrorRecovery = 0x01, kCdParameters = 0x0D, kAudioControl = 0x0E, kCapabilities = 0x2A, kAllPages = 0x3F };
constexpr std::array<u8, 4> kPages{kErrorRecovery, kCdParameters, kAudioControl, kCapabilities};

}  // namespace

void AtapiDrive::identify() {
  IdentifyBlock id;
  id.word[0] = 0x85C0;  // ATAPI, CD-ROM, removable, packet within 50 us, of 12 bytes
  id.text(10, 10, fmt::format("PNB{:05}", serial_ + 1));
  id.text(23, 4, "1.0");
  id.text(27, 20, "PENUMBRA CD-ROM");
  id.word[49] = 0x0F00;  // IORDY can be switched off, LBA, DMA
  id.word[50] = 0x4000;
  id.word[51] = 0x0200;
  id.word[52] = 0x0200;
  id.word[53] = 0x0006;  // words 64-70 and 88 are valid
  id.dma_modes(dma_mode_);
  id.word[80] = 0x007C;
  id.word[82] = 0x4218;  // NOP, DEVICE RESET, PACKET, power management
  id.word[83] = 0x4000;
  id.word[84] = 0x4000;
  id.word[85] = 0x4218;
  id.word[87] = 0x4000;
  id.seal();
  stage_ = Stage::identify;
  buffer_ = id.bytes();
  open_data(Phase::data_in);
  raise_interrupt();
}

bool AtapiDrive::append_mode_page(std::vector<u8>& to, u8 page, bool changeable) const {
  const std::size_t at = to.size();
  const auto begin = [&](u8 length) {
    to.resize(at + 2 + length);
    to[at] = page;
    to[at + 1] = length;
  };
  const auto put = [&](std::size_t offset, u16 value) {
    to[at + offset] = static_cast<u8>(value >> 8);
    to[at + offset + 1] = static_cast<u8>(value);
  };
  switch (page) {
    case kErrorRecovery:
      begin(6);
      if (!changeable) to[at + 3] = 5;  // retries
      return true;
    case kCdParameters:
      begin(6);
      if (changeable) return true;
      to[at + 3] = 0x0D;  // inactivity timer
      put(4, 60);         // seconds in a minute, frames in a second
      put(6, 75);
      return true;
    case kAudioControl:
      begin(14);
      to[at + 2] = changeable ? 0 : 0x04;  // IMMED
      for (std::size_t port = 0; port < 2; ++port) {
        if (!changeable) to[at + 8 + 2 * port] = static_cast<u8>(1 + port);
        to[at + 9 + 2 * port] = changeable ? 0xFF : volume_[port];
      }
      return true;
    case kCapabilities:
      begin(18);
      if (changeable) return true;
      to[at + 2] = 0x0B;                                          // reads CD-R, CD-RW, DVD-ROM
      to[at + 4] = 0x70;                                          // mode 2 forms 1 and 2, multisession
      to[at + 6] = static_cast<u8>(0x29 | (locked_ ? 0x02 : 0));  // a tray that ejects and can be locked
      put(8, kKilobytesPerSecond);
      put(10, 256);  // volume levels
      put(12, 512);  // buffer, KiB
      put(14, kKilobytesPerSecond);
      return true;
    default: return false;
  }
}

void AtapiDrive::mode_sense(bool ten) {
  enum : u8 { kCurrent, kChangeable, kDefault, kSaved };
  const u8 control = packet_[2] >> 6;
  const u8 page = packet_[2] & 0x3F;
  if (control == kSaved) return fail({5, 0x39, 0});
  const std::size_t header = ten ? 8 : 4;
  std::vector<u8> bytes(header);
  for (const u8 known : kPages)
    if (page == known || page == kAllPages) append_mode_page(bytes, known, control == kChangeable);
  if (bytes.size() == header) return illegal_field();
  // Medium types of SFF-8020i table 37: door open, no disc, data disc.
  const u8 type = tray_open_ ? 0x71 : !medium_ ? 0x70 : 0x01;
  if (ten) {
    bytes[0] = static_cast<u8>((bytes.size() - 2) >> 8);
    bytes[1] = static_cast<u8>(bytes.size() - 2);
    bytes[2] = type;
  } else {
    bytes[0] = static_cast<u8>(bytes.size() - 1);
    bytes[1] = type;
  }
  reply(std::move(bytes), ten ? packet_16(7) : packet_[4]);
}

void AtapiDrive::mode_select() {
  constexpr u8 kModeSelect10 = 0x55;
  const bool ten = packet_[0] == kModeSelect10;
  const std::size_t header = ten ? 8 : 4;
  const std::size_t announced = std::min<std::size_t>(ten ? packet_16(7) : packet_[4], buffer_.size());
  if (announced < header) return announced == 0 ? succeed() : fail({5, 0x1A, 0});
  const std::size_t descriptors = ten ? std::size_t{buffer_[6]} << 8 | buffer_[7] : buffer_[3];
  for (std::size_t at = header + descriptors; at + 2 <= announced;) {
    const u8 page = buffer_[at] & 0x3F;
    const std::size_t length = std::size_t{2} + buffer_[at + 1];
    if (at + length > announced) return fail({5, 0x1A, 0});
    if (std::find(kPages.begin(), kPages.end(), page) == kPages.end() || page == kCapabilities)
      return fail({5, 0x26, 0});
    if (page == kAudioControl && length >= 12) {
      volume_[0] = buffer_[at + 9];
      volume_[1] = buffer_[at + 11];
    }
    at += length;
  }
  succeed();
}

void AtapiDrive::get_configuration() {
  enum : u8 { kAll, kOnlyCurrent, kOne };
  constexpr u16 kCdRom = 0x0008;
  constexpr u16 kDvdRom = 0x0010;
  const u8 request = packet_[1] & 3;
  const u16 start = packet_16(2);
  const bool cd = loaded() && !is_dvd();
  const bool dvd = loaded() && is_dvd();
  if (request > kOne) return illegal_field();

  std::vector<u8> bytes(8);
  const u16 profile = cd ? kCdRom : dvd ? kDvdRom : u16{0};
  bytes[7] = static_cast<u8>(profile);
  const auto feature = [&](u16 code, bool persistent, bool current, std::initializer_list<u8> data) {
    if (code < start || (request == kOne && code != start) || (request == kOnlyCurrent && !current)) return;
    bytes.push_back(static_cast<u8>(code >> 8));
    bytes.push_back(static_cast<u8>(code));
    bytes.push_back(static_cast<u8>((persistent ? 2 : 0) | (current ? 1 : 0)));
    bytes.push_back(static_cast<u8>(data.size()));
    bytes.insert(bytes.end(), data);
  };
  const auto flag = [](bool on) { return static_cast<u8>(on); };
  // MMC-3 5.3: profile list, core (over ATAPI), morphing, removable medium (a tray that locks and ejects), random
  // readable (blocks of 2,048 bytes, one at a time, with the error recovery page), CD read, DVD read, power management.
  feature(0x0000, true, true, {0, kDvdRom, flag(dvd), 0, 0, kCdRom, flag(cd), 0});
  feature(0x0001, true, true, {0, 0, 0, 2});
  feature(0x0002, true, true, {0, 0, 0, 0});
  feature(0x0003, true, true, {0x29, 0, 0, 0});
  feature(0x0010, false, loaded(), {0, 0, 8, 0, 0, 1, 1, 0});
  feature(0x001E, false, cd, {0, 0, 0, 0});
  feature(0x001F, false, dvd, {});
  feature(0x0100, true, true, {});
  const u32 length = static_cast<u32>(bytes.size() - 4);
  bytes[2] = static_cast<u8>(length >> 8);
  bytes[3] = static_cast<u8>(length);
  reply(std::move(bytes), packet_16(7));
}

}  // namespace penumbra
