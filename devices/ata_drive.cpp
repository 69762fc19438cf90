// Decoding of ATA commands, and the ones that move no sectors.
#include "devices/ata_drive.h"

#include <bit>

namespace penumbra {

AtaDrive::AtaDrive(Clock& clock, Trace& trace, unsigned unit, unsigned serial, std::unique_ptr<BlockDevice> medium)
    : IdeDevice(clock, trace, unit), medium_(std::move(medium)), serial_(serial), geometry_(geometry_of(*medium_)) {
  hardware_reset(Reset::power_on);
}

void AtaDrive::command(u8 value) {
  if (busy()) return;
  clear_interrupt();
  stop_transfer();
  command_ = value;
  regs_.error = 0;
  trace_.line(Channel::ide, "drive {} command {:02x} count {:02x} lba {:02x}{:02x}{:02x} device {:02x}", unit_, value,
              regs_.sector_count.current, regs_.lba_high.current, regs_.lba_mid.current, regs_.lba_low.current,
              regs_.device);
  go_busy(Step::execute, kCommandTime);
}

void AtaDrive::execute() {
  using enum Addressing;
  const bool wakes = (command_ & 0xF0) != 0xE0 || command_ == 0xE1 || command_ == 0xE3 || command_ == 0xE7 ||
                     command_ == 0xEA || command_ == 0xE4 || command_ == 0xE8;
  if (wakes) power_ = Power::active;
  switch (command_) {
    case 0x20:
    case 0x21: return transfer(Phase::data_in, short_addressing(), 1);
    case 0x24: return transfer(Phase::data_in, lba48, 1);
    case 0x25: return transfer(Phase::dma_in, lba48, kDmaChunk);
    case 0x29: return multiple(Phase::data_in, lba48);
    case 0x30:
    case 0x31:
    case 0x3C: return transfer(Phase::data_out, short_addressing(), 1);
    case 0x34: return transfer(Phase::data_out, lba48, 1);
    case 0x35: return transfer(Phase::dma_out, lba48, kDmaChunk);
    case 0x39: return multiple(Phase::data_out, lba48);
    case 0xC4: return multiple(Phase::data_in, short_addressing());
    case 0xC5: return multiple(Phase::data_out, short_addressing());
    case 0xC8:
    case 0xC9: return transfer(Phase::dma_in, short_addressing(), kDmaChunk);
    case 0xCA:
    case 0xCB: return transfer(Phase::dma_out, short_addressing(), kDmaChunk);
    case 0x40:
    case 0x41: return verify(short_addressing());
    case 0x42: return verify(lba48);
    case 0x27: return native_max(lba48);
    case 0xF8: return native_max(lba28);
    case 0x70: return addressed_sector(short_addressing()) ? good() : fail(ata::kIdNotFound);
    case 0x91: return initialize_parameters();
    case 0xC6: return set_multiple();
    case 0xE4: return buffer_read();
    case 0xE8: return buffer_write();
    case 0xE7:
    case 0xEA: return flush();
    case 0xEC: return identify();
    case 0xEF: return set_features();
    // Power management (ATA-6 6.9), also under its first numbers. A sleeping drive wakes at the next command here.
    case 0xE0:
    case 0x94:
    case 0xE2:
    case 0x96:
    case 0xE6:
    case 0x99: power_ = Power::standby; return good();
    case 0xE1:
    case 0x95:
    case 0xE3:
    case 0x97: power_ = Power::active; return good();
    case 0xE5:
    case 0x98: regs_.sector_count.put(power_ == Power::standby ? 0x00 : 0xFF); return good();
    default: break;
  }
  // RECALIBRATE carried a step rate once (ATA-1 9.14).
  if ((command_ & 0xF0) == 0x10) {
    regs_.lba_mid.put(0);
    regs_.lba_high.put(0);
    return good();
  }
  fail(ata::kAborted);
}

void AtaDrive::put_signature() {
  // ATA-6 9.12.
  regs_.sector_count.put(1);
  regs_.lba_low.put(1);
  regs_.lba_mid.put(0);
  regs_.lba_high.put(0);
  regs_.device = 0;
  regs_.error = ata::kDiagnosticPassed;
}

void AtaDrive::settings_reset(bool hardware) {
  power_ = Power::active;
  if (hardware) {
    keep_settings_ = false;
    pio_mode_ = 0;
    dma_mode_ = 0x22;
  }
  if (keep_settings_) return;
  current_ = geometry_;
  multiple_ = 0;
  write_cache_ = true;
  look_ahead_ = true;
}

void AtaDrive::flush() {
  // A failed flush has no sector to name; the data may be lost, which is a device fault.
  if (medium_->flush())
    good();
  else
    finish(kGood | ata::kDeviceFault | ata::kError, ata::kAborted);
}

void AtaDrive::initialize_parameters() {
  const auto wanted = translation(capacity(), (regs_.device & 0x0Fu) + 1, regs_.sector_count.current);
  if (!wanted) return fail(ata::kAborted);
  current_ = *wanted;
  good();
}

void AtaDrive::set_multiple() {
  const u8 count = regs_.sector_count.current;
  if (count > kMostMultiple || (count != 0 && !std::has_single_bit(count))) {
    multiple_ = 0;
    return fail(ata::kAborted);
  }
  multiple_ = count;
  good();
}

void AtaDrive::set_features() {
  // ATA-6 8.46, table 43.
  switch (regs_.features.current) {
    case 0x02: write_cache_ = true; return good();
    case 0x82: {
      write_cache_ = false;
      return flush();
    }
    case 0x03: return set_transfer_mode(regs_.sector_count.current);
    case 0x55: look_ahead_ = false; return good();
    case 0xAA: look_ahead_ = true; return good();
    case 0x66: keep_settings_ = true; return good();
    case 0xCC: keep_settings_ = false; return good();
    default: return fail(ata::kAborted);
  }
}

void AtaDrive::set_transfer_mode(u8 mode) {
  const u8 kind = mode & 0xF8;
  const u8 number = mode & 0x07;
  if (mode <= 0x01)
    pio_mode_ = 0;
  else if (kind == 0x08 && number <= 4)
    pio_mode_ = number;
  else if ((kind == 0x20 && number <= 2) || (kind == 0x40 && number <= 5))
    dma_mode_ = mode;
  else
    return fail(ata::kAborted);
  good();
}

void AtaDrive::native_max(Addressing addressing) {
  if (addressing == Addressing::lba28 && !(regs_.device & ata::kLbaMode)) return fail(ata::kAborted);
  u64 last = capacity() - 1;
  if (addressing == Addressing::lba28) last = std::min<u64>(last, 0x0FFF'FFFF);
  addressing_ = addressing;
  const TaskFile::Pair count = regs_.sector_count;
  show_address(last, 0);
  regs_.sector_count = count;
  good();
}

void AtaDrive::buffer_read() {
  transfer_ = Phase::idle;
  buffer_.assign(sector_buffer_.begin(), sector_buffer_.end());
  open_data(Phase::data_in);
  raise_interrupt();
}

void AtaDrive::buffer_write() {
  transfer_ = Phase::idle;
  buffer_.assign(ata::kSectorBytes, 0);
  open_data(Phase::data_out);
}

void AtaDrive::visit(State& state) {
  StateSection section(state, "ata-drive");
  visit_device(state);
  state.field("command", command_);
  state.field("transfer", transfer_);
  state.field("addressing", addressing_);
  state.field("sector", sector_);
  state.field("left", left_);
  state.field("block", block_);
  state.field("cylinders", current_.cylinders);
  state.field("heads", current_.heads);
  state.field("sectors", current_.sectors);
  state.field("multiple", multiple_);
  state.field("pio-mode", pio_mode_);
  state.field("dma-mode", dma_mode_);
  state.field("write-cache", write_cache_);
  state.field("look-ahead", look_ahead_);
  state.field("keep-settings", keep_settings_);
  state.field("power", power_);
  state.field("sector-buffer", sector_buffer_);
  if (!state.loading()) return;
  block_ = std::clamp<u32>(block_, 1, kDmaChunk);
  if (current_.heads == 0 || current_.sectors == 0) current_ = geometry_;
}

}  // namespace penumbra
