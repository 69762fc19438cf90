// An ATA hard disk (ATA/ATAPI-6): the command set over one block device.
#pragma once

#include <memory>
#include <optional>

#include "core/platform/block_device.h"
#include "devices/ata_geometry.h"
#include "devices/ide_device.h"

namespace penumbra {

class AtaDrive final : public IdeDevice {
 public:
  // `unit` 0 or 1: device 0 or 1 of its channel; `serial` tells disks of one machine apart.
  AtaDrive(Clock& clock, Trace& trace, unsigned unit, unsigned serial, std::unique_ptr<BlockDevice> medium);

  bool is_packet_device() const override { return false; }
  void command(u8 value) override;
  void visit(State& state) override;

  // Sectors of 512 bytes.
  u64 capacity() const { return medium_->bytes() / ata::kSectorBytes; }
  const AtaGeometry& geometry() const { return geometry_; }

 private:
  enum class Addressing : u8 { chs, lba28, lba48 };
  enum class Power : u8 { active, standby };

  static constexpr u32 kMostMultiple = 16;
  static constexpr u32 kDmaChunk = kMostBuffer / ata::kSectorBytes;

  void execute() override;
  void next_block() override;
  void data_moved() override;
  void put_signature() override;
  void settings_reset(bool hardware) override;
  u8 status_after_reset() const override { return kGood; }

  static constexpr u8 kGood = ata::kReady | ata::kSeekComplete;

  void good() { finish(kGood, 0); }
  void fail(u8 error) { finish(kGood | ata::kError, error); }

  // The commands that move sectors, in three steps: begin reads the task file, blocks move, end writes it back.
  void transfer(Phase phase, Addressing addressing, u32 block);
  void multiple(Phase phase, Addressing addressing);
  void read_block();
  void request_block();
  void write_block();
  void end_transfer();
  void verify(Addressing addressing);
  void fail_at(u64 sector, u8 error, u8 extra_status = 0);

  // Where the task file points, or nothing for a CHS address outside of the translation.
  std::optional<u64> addressed_sector(Addressing addressing) const;
  u32 addressed_count(Addressing addressing) const;
  Addressing short_addressing() const { return regs_.device & ata::kLbaMode ? Addressing::lba28 : Addressing::chs; }
  // Writes an address (and what is left of the count) into the task file.
  void show_address(u64 sector, u32 left);
  void native_max(Addressing addressing);

  void flush();
  void identify();
  void initialize_parameters();
  void set_multiple();
  void set_features();
  void set_transfer_mode(u8 mode);
  void buffer_read();
  void buffer_write();

  std::unique_ptr<BlockDevice> medium_;
  unsigned serial_;
  AtaGeometry geometry_;  // the default translation
  AtaGeometry current_;   // as INITIALIZE DEVICE PARAMETERS set it

  u8 command_ = 0;
  Phase transfer_ = Phase::idle;  // the data phase of the command under way
  Addressing addressing_ = Addressing::chs;
  u64 sector_ = 0;   // of the current block
  u32 left_ = 0;     // sectors, from there
  u32 block_ = 1;    // sectors a DRQ block may have
  u8 multiple_ = 0;  // SET MULTIPLE; 0: not set
  u8 pio_mode_ = 0;
  u8 dma_mode_ = 0;  // as SET FEATURES gives it: 20h + multiword mode, 40h + Ultra DMA mode
  bool write_cache_ = true;
  bool look_ahead_ = true;
  bool keep_settings_ = false;  // SET FEATURES 66h: a software reset changes nothing
  Power power_ = Power::active;
  std::array<u8, ata::kSectorBytes> sector_buffer_{};  // of READ BUFFER and WRITE BUFFER
};

}  // namespace penumbra
