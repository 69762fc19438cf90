// ATA commands that move sectors: addresses, DRQ blocks, DMA chunks, and where a failure is reported.
#include <algorithm>

#include "devices/ata_drive.h"

namespace penumbra {

std::optional<u64> AtaDrive::addressed_sector(Addressing addressing) const {
  const auto low_24 = [this](auto half) {
    return u64{half(regs_.lba_low)} | u64{half(regs_.lba_mid)} << 8 | u64{half(regs_.lba_high)} << 16;
  };
  const u64 low = low_24([](const TaskFile::Pair& pair) { return pair.current; });
  switch (addressing) {
    case Addressing::lba48: return low | low_24([](const TaskFile::Pair& pair) { return pair.previous; }) << 24;
    case Addressing::lba28: return low | u64{regs_.device & 0x0Fu} << 24;
    case Addressing::chs: break;
  }
  const u32 cylinder = regs_.lba_mid.current | u32{regs_.lba_high.current} << 8;
  const u32 head = regs_.device & 0x0F;
  const u32 number = regs_.lba_low.current;  // the first sector of a track is 1
  if (cylinder >= current_.cylinders || head >= current_.heads || number == 0 || number > current_.sectors) return {};
  return (u64{cylinder} * current_.heads + head) * current_.sectors + number - 1;
}

u32 AtaDrive::addressed_count(Addressing addressing) const {
  // Zero is the count that needs one more bit.
  if (addressing != Addressing::lba48) return regs_.sector_count.current ? regs_.sector_count.current : 256;
  const u32 count = regs_.sector_count.current | u32{regs_.sector_count.previous} << 8;
  return count ? count : 65536;
}

void AtaDrive::show_address(u64 sector, u32 left) {
  const auto pair = [](u64 number, unsigned low, unsigned high) {
    TaskFile::Pair p;
    p.current = static_cast<u8>(number >> low);
    p.previous = static_cast<u8>(number >> high);
    return p;
  };
  regs_.sector_count.put(static_cast<u16>(left));
  switch (addressing_) {
    case Addressing::lba48:
      regs_.lba_low = pair(sector, 0, 24);
      regs_.lba_mid = pair(sector, 8, 32);
      regs_.lba_high = pair(sector, 16, 40);
      return;
    case Addressing::lba28:
      regs_.lba_low.current = static_cast<u8>(sector);
      regs_.lba_mid.current = static_cast<u8>(sector >> 8);
      regs_.lba_high.current = static_cast<u8>(sector >> 16);
      regs_.device = static_cast<u8>((regs_.device & 0xF0) | ((sector >> 24) & 0x0F));
      return;
    case Addressing::chs: {
      const u64 track = sector / current_.sectors;
      const u64 cylinder = track / current_.heads;
      regs_.lba_low.current = static_cast<u8>(sector % current_.sectors + 1);
      regs_.lba_mid.current = static_cast<u8>(cylinder);
      regs_.lba_high.current = static_cast<u8>(cylinder >> 8);
      regs_.device = static_cast<u8>((regs_.device & 0xF0) | (track % current_.heads));
    }
  }
}

void AtaDrive::fail_at(u64 sector, u8 error, u8 extra_status) {
  show_address(sector, left_);
  finish(kGood | ata::kError | extra_status, error);
}

void AtaDrive::multiple(Phase phase, Addressing addressing) {
  if (multiple_ == 0) return fail(ata::kAborted);
  transfer(phase, addressing, multiple_);
}

void AtaDrive::transfer(Phase phase, Addressing addressing, u32 block) {
  const bool writing = phase == Phase::data_out || phase == Phase::dma_out;
  if (writing && medium_->read_only()) return fail(ata::kAborted);
  const std::optional<u64> sector = addressed_sector(addressing);
  if (!sector) return fail(ata::kIdNotFound);
  addressing_ = addressing;
  transfer_ = phase;
  sector_ = *sector;
  left_ = addressed_count(addressing);
  block_ = block;
  if (writing)
    request_block();
  else
    read_block();
}

void AtaDrive::next_block() {
  switch (transfer_) {
    case Phase::data_in:
    case Phase::dma_in: return read_block();
    case Phase::data_out: return write_block();
    default: return fail(ata::kAborted);
  }
}

void AtaDrive::data_moved() {
  switch (transfer_) {
    case Phase::data_in:
      // PIO reads end without an interrupt: the last one announced the last block (ATA-6 9.5).
      return left_ ? go_busy(Step::next_block, kBlockTime) : end_transfer();
    case Phase::dma_in: return left_ ? read_block() : end_transfer();
    case Phase::data_out: return go_busy(Step::next_block, kBlockTime);
    case Phase::dma_out: return write_block();
    default: break;
  }
  if (phase_ == Phase::data_in) return finish_quietly(kGood);
  std::copy_n(buffer_.begin(), sector_buffer_.size(), sector_buffer_.begin());
  good();
}

void AtaDrive::read_block() {
  if (sector_ >= capacity()) return fail_at(sector_, ata::kIdNotFound);
  u32 count = static_cast<u32>(std::min<u64>({block_, left_, capacity() - sector_}));
  buffer_.resize(count * ata::kSectorBytes);
  if (!medium_->read(sector_ * ata::kSectorBytes, buffer_)) {
    // Find the sector that fails; those before it still reach the guest.
    u32 good_sectors = 0;
    while (good_sectors < count &&
           medium_->read((sector_ + good_sectors) * ata::kSectorBytes,
                         std::span(buffer_).subspan(good_sectors * ata::kSectorBytes, ata::kSectorBytes)))
      ++good_sectors;
    if (good_sectors == 0) return fail_at(sector_, ata::kUncorrectable);
    count = good_sectors;
    buffer_.resize(count * ata::kSectorBytes);
  }
  sector_ += count;
  left_ -= count;
  open_data(transfer_);
  if (transfer_ == Phase::data_in) raise_interrupt();
}

void AtaDrive::request_block() {
  if (sector_ >= capacity()) return fail_at(sector_, ata::kIdNotFound);
  const u32 count = static_cast<u32>(std::min<u64>({block_, left_, capacity() - sector_}));
  buffer_.assign(count * ata::kSectorBytes, 0);
  open_data(transfer_);
}

void AtaDrive::write_block() {
  const u32 count = static_cast<u32>(buffer_.size()) / ata::kSectorBytes;
  // The host has no room or no working disk: the drive reports a fault at the first sector of the block.
  if (count == 0 || count > left_ || !medium_->write(sector_ * ata::kSectorBytes, buffer_))
    return fail_at(sector_, ata::kAborted, ata::kDeviceFault);
  sector_ += count;
  left_ -= count;
  if (left_ == 0) {
    if (!write_cache_ && !medium_->flush()) return fail_at(sector_ - 1, ata::kAborted, ata::kDeviceFault);
    return end_transfer();
  }
  request_block();
  // The first block of a PIO write comes without an interrupt, the later ones with one (ATA-6 9.6).
  if (phase_ == Phase::data_out) raise_interrupt();
}

void AtaDrive::end_transfer() {
  show_address(sector_ - 1, 0);  // the last sector moved, as ATA-1 drives left it
  if (transfer_ == Phase::data_in)
    finish_quietly(kGood);
  else
    good();
}

void AtaDrive::verify(Addressing addressing) {
  const std::optional<u64> sector = addressed_sector(addressing);
  if (!sector) return fail(ata::kIdNotFound);
  addressing_ = addressing;
  sector_ = *sector;
  left_ = addressed_count(addressing);
  while (left_ != 0) {
    if (sector_ >= capacity()) return fail_at(sector_, ata::kIdNotFound);
    u32 count = static_cast<u32>(std::min<u64>({kDmaChunk, left_, capacity() - sector_}));
    buffer_.resize(count * ata::kSectorBytes);
    if (!medium_->read(sector_ * ata::kSectorBytes, buffer_)) {
      const auto one = std::span(buffer_).first(ata::kSectorBytes);
      while (count-- > 0 && medium_->read(sector_ * ata::kSectorBytes, one)) ++sector_, --left_;
      return fail_at(sector_, ata::kUncorrectable);
    }
    sector_ += count;
    left_ -= count;
  }
  show_address(sector_ - 1, 0);
  good();
}

}  // namespace penumbra
