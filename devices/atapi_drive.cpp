// The PACKET protocol: command packet, DRQ blocks below the byte count limit, DMA, and the ending of commands.
#include "devices/atapi_drive.h"

#include <algorithm>
#include <utility>

namespace penumbra {

namespace {

// The Interrupt Reason register, which Sector Count is during PACKET (ATA-6 7.10).
constexpr u8 kCommandPhase = 0x01;  // C/D
constexpr u8 kToHost = 0x02;        // I/O

constexpr u8 kPacket = 0xA0;

}  // namespace

AtapiDrive::AtapiDrive(Clock& clock, Trace& trace, unsigned unit, unsigned serial, std::unique_ptr<BlockDevice> medium)
    : IdeDevice(clock, trace, unit), medium_(std::move(medium)), serial_(serial) {
  hardware_reset(Reset::power_on);
}

void AtapiDrive::change_medium(std::unique_ptr<BlockDevice> medium) {
  medium_ = std::move(medium);
  tray_open_ = false;
  medium_attention_ = medium_ != nullptr;
  media_event_ = medium_ ? MediaEvent::new_media : MediaEvent::removal;
  trace_.line(Channel::ide, "drive {} medium: {}", unit_, medium_ ? medium_->path() : "none");
}

void AtapiDrive::put_signature() {
  // ATA-6 9.12: the packet signature.
  regs_.sector_count.put(1);
  regs_.lba_low.put(1);
  regs_.lba_mid.put(0x14);
  regs_.lba_high.put(0xEB);
  regs_.device = 0;
  regs_.error = ata::kDiagnosticPassed;
}

void AtapiDrive::settings_reset(bool hardware) {
  stage_ = Stage::nothing;
  sectors_left_ = 0;
  staged_.clear();
  staged_position_ = 0;
  if (!hardware) return;
  sense_ = {};
  reset_attention_ = true;
  medium_attention_ = false;
  media_event_ = MediaEvent::none;
  locked_ = false;
  dma_mode_ = 0x22;
  volume_ = {0xFF, 0xFF, 0, 0};
}

void AtapiDrive::command(u8 value) {
  constexpr u8 kDeviceReset = 0x08;
  if (value == kDeviceReset) {
    // The one command a busy drive hears (ATA-6 8.7); it ends without an interrupt.
    clear_interrupt();
    stop_transfer();
    settings_reset(false);
    put_signature();
    return go_busy(Step::reset_done, kResetTime);
  }
  if (busy()) return;
  clear_interrupt();
  stop_transfer();
  command_ = value;
  stage_ = Stage::nothing;
  regs_.error = 0;
  if (value != kPacket) trace_.line(Channel::ide, "cd drive {} command {:02x}", unit_, value);
  go_busy(Step::execute, value == kPacket ? kBlockTime : kCommandTime);
}

void AtapiDrive::execute() {
  switch (command_) {
    case kPacket: return request_packet();
    case 0xA1: return identify();
    case 0xEF: return set_features();
    case 0xE5:
    case 0x98: regs_.sector_count.put(0xFF); return finish(kGood, 0);
    case 0xE0:
    case 0xE1:
    case 0xE2:
    case 0xE3:
    case 0xE6:
    case 0x94:
    case 0x95:
    case 0x96:
    case 0x97:
    case 0x99: return finish(kGood, 0);
    case 0x20:
    case 0x21:
    case 0xEC:
      // How a packet device tells software that takes it for a disk (ATA-6 8.15.5.2, 8.34).
      put_signature();
      return abort();
    default: return abort();
  }
}

void AtapiDrive::set_features() {
  constexpr u8 kSetTransferMode = 0x03;
  if (regs_.features.current != kSetTransferMode) return abort();
  const u8 mode = regs_.sector_count.current;
  const u8 kind = mode & 0xF8;
  const u8 number = mode & 0x07;
  const bool dma = (kind == 0x20 && number <= 2) || (kind == 0x40 && number <= 5);
  const bool pio = mode <= 1 || (kind == 0x08 && number <= 4);
  if (!dma && !pio) return abort();
  if (dma) dma_mode_ = mode;
  finish(kGood, 0);
}

void AtapiDrive::request_packet() {
  constexpr u8 kDma = 0x01;
  constexpr u8 kOverlap = 0x02;
  if (regs_.features.current & kOverlap) return abort();
  dma_ = regs_.features.current & kDma;
  // An odd limit counts for its even part; zero and FFFFh are taken for FFFEh, the largest there is.
  byte_limit_ = (regs_.lba_mid.current | u32{regs_.lba_high.current} << 8) & 0xFFFE;
  if (byte_limit_ == 0) byte_limit_ = 0xFFFE;
  stage_ = Stage::packet;
  regs_.sector_count.put(kCommandPhase);
  buffer_.assign(packet_.size(), 0);
  open_data(Phase::data_out);
}

void AtapiDrive::data_moved() {
  switch (stage_) {
    case Stage::packet:
      std::copy_n(buffer_.begin(), packet_.size(), packet_.begin());
      return go_busy(Step::next_block, kCommandTime);
    case Stage::reply:
      if (phase_ == Phase::dma_in) return continue_reply();
      return go_busy(Step::next_block, kBlockTime);
    case Stage::parameters: return go_busy(Step::next_block, kBlockTime);
    case Stage::identify:
    case Stage::nothing: return finish_quietly(kGood);
  }
}

void AtapiDrive::next_block() {
  switch (stage_) {
    case Stage::packet: return run_packet();
    case Stage::reply: return continue_reply();
    case Stage::parameters: return mode_select();
    default: return abort();
  }
}

void AtapiDrive::run_packet() {
  trace_.line(Channel::ide, "cd drive {} packet {:02x}", unit_, fmt::join(packet_, " "));
  stage_ = Stage::nothing;
  staged_.clear();
  staged_position_ = 0;
  sectors_left_ = 0;
  if (!passes_attention()) {
    if (std::exchange(reset_attention_, false)) return fail({6, 0x29, 0});
    if (std::exchange(medium_attention_, false)) return fail({6, 0x28, 0});
  }
  constexpr u8 kRequestSense = 0x03;
  if (packet_[0] != kRequestSense) sense_ = {};
  dispatch();
}

void AtapiDrive::succeed() {
  stage_ = Stage::nothing;
  regs_.sector_count.put(kCommandPhase | kToHost);
  finish(kGood, 0);
}

void AtapiDrive::fail(Sense sense) {
  sense_ = sense;
  stage_ = Stage::nothing;
  sectors_left_ = 0;
  trace_.line(Channel::ide, "cd drive {} sense {:x}/{:02x}/{:02x}", unit_, sense.key, sense.code, sense.qualifier);
  regs_.sector_count.put(kCommandPhase | kToHost);
  constexpr u8 kIllegalRequest = 5;
  const u8 aborted = sense.key == kIllegalRequest ? ata::kAborted : u8{0};
  finish(kGood | ata::kError, static_cast<u8>(sense.key << 4 | aborted));
}

void AtapiDrive::reply(std::vector<u8> bytes, std::size_t allocation) {
  bytes.resize(std::min(bytes.size(), allocation));
  if (bytes.empty()) return succeed();
  staged_ = std::move(bytes);
  stage_ = Stage::reply;
  continue_reply();
}

void AtapiDrive::read_sectors(u32 sector, u32 count) {
  next_sector_ = sector;
  sectors_left_ = count;
  stage_ = Stage::reply;
  continue_reply();
}

bool AtapiDrive::stage_sectors() {
  const u32 count = std::min(sectors_left_, kChunkSectors);
  staged_.assign(std::size_t{count} * kSectorBytes, 0);
  staged_position_ = 0;
  const u64 offset = u64{next_sector_} * kSectorBytes;
  const u64 inside = std::min<u64>(staged_.size(), medium_->bytes() - std::min(offset, medium_->bytes()));
  next_sector_ += count;
  sectors_left_ -= count;
  return medium_->read(offset, std::span(staged_).first(static_cast<std::size_t>(inside)));
}

void AtapiDrive::continue_reply() {
  if (staged_position_ >= staged_.size()) {
    if (sectors_left_ == 0) return succeed();
    // The disc may have been taken out under the command.
    if (!loaded()) return fail({2, 0x3A, static_cast<u8>(tray_open_ ? 2 : 1)});
    if (std::exchange(medium_attention_, false)) return fail({6, 0x28, 0});
    if (!stage_sectors()) return fail({3, 0x11, 0});
  }
  const std::size_t left = staged_.size() - staged_position_;
  const std::size_t count = dma_ ? left : std::min<std::size_t>(left, byte_limit_);
  const auto from = staged_.begin() + staged_position_;
  buffer_.assign(from, from + static_cast<std::ptrdiff_t>(count));
  if (count % 2) buffer_.push_back(0);
  staged_position_ += static_cast<u32>(count);
  regs_.sector_count.put(kToHost);
  if (dma_) return open_data(Phase::dma_in);
  regs_.lba_mid.current = static_cast<u8>(count);
  regs_.lba_high.current = static_cast<u8>(count >> 8);
  open_data(Phase::data_in);
  raise_interrupt();
}

void AtapiDrive::ask_parameters(std::size_t bytes) {
  // Parameter lists are short: one block holds them, whatever the guest announces beyond.
  const std::size_t count = std::min<std::size_t>({bytes, byte_limit_, 256});
  if (count == 0) return succeed();
  stage_ = Stage::parameters;
  buffer_.assign((count + 1) & ~std::size_t{1}, 0);
  regs_.sector_count.put(0);
  if (dma_) return open_data(Phase::dma_out);
  regs_.lba_mid.current = static_cast<u8>(count);
  regs_.lba_high.current = static_cast<u8>(count >> 8);
  open_data(Phase::data_out);
  raise_interrupt();
}

void AtapiDrive::visit(State& state) {
  StateSection section(state, "atapi-drive");
  visit_device(state);
  state.field("command", command_);
  state.field("stage", stage_);
  state.field("packet", packet_);
  state.field("dma", dma_);
  state.field("byte-limit", byte_limit_);
  state.field("staged", staged_, kMostBuffer);
  state.field("staged-position", staged_position_);
  state.field("next-sector", next_sector_);
  state.field("sectors-left", sectors_left_);
  state.field("dma-mode", dma_mode_);
  state.field("sense-key", sense_.key);
  state.field("sense-code", sense_.code);
  state.field("sense-qualifier", sense_.qualifier);
  state.field("reset-attention", reset_attention_);
  state.field("medium-attention", medium_attention_);
  state.field("media-event", media_event_);
  state.field("tray-open", tray_open_);
  state.field("locked", locked_);
  state.field("volume", volume_);
  if (!state.loading()) return;
  byte_limit_ = std::clamp<u32>(byte_limit_ & ~1u, 2, 0xFFFE);
  staged_position_ = std::min<u32>(staged_position_, static_cast<u32>(staged_.size()));
}

}  // namespace penumbra
