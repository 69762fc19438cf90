// An ATAPI CD-ROM drive: the PACKET protocol of ATA/ATAPI-6 and the command set of SFF-8020i and MMC-3, for discs of
// one data track.
#pragma once

#include <array>
#include <memory>

#include "core/platform/block_device.h"
#include "devices/ide_device.h"

namespace penumbra {

// What a failed command leaves for REQUEST SENSE.
struct Sense {
  u8 key = 0;
  u8 code = 0;       // ASC
  u8 qualifier = 0;  // ASCQ
};

class AtapiDrive final : public IdeDevice {
 public:
  static constexpr u32 kSectorBytes = 2048;

  // `medium` may be null. An image that ends within a sector is padded with zeros.
  AtapiDrive(Clock& clock, Trace& trace, unsigned unit, unsigned serial, std::unique_ptr<BlockDevice> medium);

  // Takes the disc out, though the door be locked, and puts `medium` in; null leaves the drive empty. The guest learns
  // of it through a unit attention and a media event.
  void change_medium(std::unique_ptr<BlockDevice> medium);

  bool is_packet_device() const override { return true; }
  void command(u8 value) override;
  void visit(State& state) override;

 private:
  // What the data port or DMA moves.
  enum class Stage : u8 { nothing, packet, reply, parameters, identify };
  enum class MediaEvent : u8 { none = 0, eject_request = 1, new_media = 2, removal = 3 };

  static constexpr u8 kGood = ata::kReady | ata::kSeekComplete;
  static constexpr u32 kChunkSectors = 31;  // below 64 KiB, so that one DRQ block can hold it

  void execute() override;
  void next_block() override;
  void data_moved() override;
  void put_signature() override;
  void settings_reset(bool hardware) override;
  u8 status_after_reset() const override { return 0; }  // DRDY comes with the first command (ATA-6 9.12)

  // --- the PACKET protocol: atapi_drive.cpp ---
  void abort() { finish(kGood | ata::kError, ata::kAborted); }
  void set_features();
  void request_packet();
  void run_packet();
  void succeed();
  void fail(Sense sense);
  void illegal_field() { fail({5, 0x24, 0}); }
  // Sends these bytes, at most `allocation` of them, and ends the command.
  void reply(std::vector<u8> bytes, std::size_t allocation);
  void read_sectors(u32 sector, u32 count);
  void ask_parameters(std::size_t bytes);
  void continue_reply();
  bool stage_sectors();

  // --- commands: atapi_commands.cpp ---
  void dispatch();
  bool passes_attention() const;
  bool require_medium();
  bool require_range(u64 sector, u64 count);
  void request_sense();
  void inquiry();
  void start_stop();
  void prevent_allow();
  void seek();
  void read_10_12(u32 count);
  void read_cd(u32 sector, u32 count);
  void read_cd_msf();
  void mechanism_status();
  void media_event_status();

  // --- what the disc says about itself: atapi_disc.cpp ---
  u32 sectors() const;
  bool loaded() const { return medium_ && !tray_open_; }
  bool is_dvd() const;
  void read_capacity();
  void read_toc();
  void read_subchannel();
  void read_header();
  void read_disc_information();
  void read_track_information();
  void read_dvd_structure();

  // --- pages: atapi_pages.cpp ---
  void identify();
  void mode_sense(bool ten);
  void mode_select();
  void get_configuration();
  bool append_mode_page(std::vector<u8>& to, u8 page, bool changeable) const;

  u16 packet_16(std::size_t at) const { return static_cast<u16>(packet_[at] << 8 | packet_[at + 1]); }
  u32 packet_24(std::size_t at) const { return u32{packet_[at]} << 16 | packet_16(at + 1); }
  u32 packet_32(std::size_t at) const { return u32{packet_16(at)} << 16 | packet_16(at + 2); }

  std::unique_ptr<BlockDevice> medium_;
  unsigned serial_;

  u8 command_ = 0;
  Stage stage_ = Stage::nothing;
  std::array<u8, 12> packet_{};
  bool dma_ = false;
  u32 byte_limit_ = 0xFFFE;  // of a DRQ block; even and not 0
  std::vector<u8> staged_;   // data of the command, not yet in `buffer_`
  u32 staged_position_ = 0;
  u32 next_sector_ = 0;  // to be staged
  u32 sectors_left_ = 0;

  u8 dma_mode_ = 0x22;
  Sense sense_;
  bool reset_attention_ = true;    // 29h: power on or reset
  bool medium_attention_ = false;  // 28h: the disc may have changed
  MediaEvent media_event_ = MediaEvent::none;
  bool tray_open_ = false;
  bool locked_ = false;
  std::array<u8, 4> volume_{0xFF, 0xFF, 0, 0};  // port 0 and 1, as MODE SELECT left them
};

}  // namespace penumbra
