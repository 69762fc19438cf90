// Bus master registers and the descriptor walk.
#include "devices/bus_master_ide.h"

#include <algorithm>

#include "core/base/bits.h"

namespace penumbra {

namespace {

// From DMARQ or the start bit to the end of a transfer. A guest sets its flags between the two writes that start one,
// so it must not be over at once; longer would only cost the guest time.
constexpr Ticks kTransferTime = microseconds(6);

constexpr u32 kMostMoves = 4096;
constexpr u32 kMostBytes = 2 << 20;

}  // namespace

BusMasterIde::BusMasterIde(GuestMemory& memory, Clock& clock, Trace& trace, Requester requester, Permission permission)
    : memory_(memory),
      trace_(trace),
      clock_(clock),
      requester_(std::move(requester)),
      permission_(std::move(permission)),
      timer_(clock, [this] { run(); }) {}

void BusMasterIde::reset() {
  timer_.cancel();
  command_ = status_ = 0;
  table_ = descriptor_ = 0;
  region_ = {};
}

u32 BusMasterIde::in(unsigned offset, Width width) const {
  std::array<u8, 8> registers{};
  registers[0] = command_;
  registers[2] = status_;
  store(&registers[4], table_);
  u32 value = 0;
  for (unsigned i = 0; i < bytes_of(width) && offset + i < 8; ++i) value |= u32{registers[offset + i]} << 8 * i;
  return value;
}

void BusMasterIde::out(unsigned offset, Width width, u32 value) {
  for (unsigned i = 0; i < bytes_of(width); ++i, ++offset) {
    const u8 byte = static_cast<u8>(value >> 8 * i);
    if (offset == 0) write_command(byte);
    if (offset == 2) write_status(byte);
    if (offset >= 4 && offset < 8) {
      const unsigned shift = 8 * (offset - 4);
      table_ = ((table_ & ~(0xFFu << shift)) | u32{byte} << shift) & ~3u;
    }
  }
}

void BusMasterIde::write_command(u8 value) {
  const bool started = (value & kStart) && !(command_ & kStart);
  const bool stopped = !(value & kStart) && (command_ & kStart);
  command_ = value & (kStart | kToMemory);
  if (stopped) {
    status_ &= static_cast<u8>(~kActive);
    timer_.cancel();
  }
  if (!started) return;
  trace_.line(Channel::ide, "bus master starts at table {:08x}, {} memory", table_,
              command_ & kToMemory ? "to" : "from");
  status_ |= kActive;
  descriptor_ = table_;
  region_ = {0, 0, false};
  wake();
}

void BusMasterIde::write_status(u8 value) {
  status_ = static_cast<u8>((status_ & ~kDriveCapable) | (value & kDriveCapable));
  status_ &= static_cast<u8>(~(value & (kError | kInterrupt)));
}

void BusMasterIde::wake() {
  const IdeDevice* drive = requester_();
  if ((status_ & kActive) && drive && drive->wants_dma() && permission_() && !timer_.armed())
    timer_.arm(clock_.now() + kTransferTime.value);
}

void BusMasterIde::run() {
  IdeDevice* drive = requester_();
  if (!drive || !permission_()) return;
  // A guest may describe gigabytes two bytes at a time: it gets a turn of its own now and then.
  u32 descriptors = 0;
  u32 bytes = 0;
  while ((status_ & kActive) && drive->wants_dma()) {
    const u32 moved = move(*drive);
    if (moved == 0) break;
    bytes += moved;
    if (++descriptors < kMostMoves && bytes < kMostBytes) continue;
    return timer_.arm(clock_.now() + kTransferTime.value);
  }
  timer_.cancel();
}

u32 BusMasterIde::move(IdeDevice& drive) {
  const std::span<const u8> output = drive.dma_output();
  const std::span<u8> input = drive.dma_input();
  const bool to_memory = command_ & kToMemory;
  const std::size_t wanted = to_memory ? output.size() : input.size();
  if (wanted == 0) return 0;
  if (region_.left == 0) {
    // The table ended before the drive did: the engine stops and the drive waits (PIIX3 2.7.2, table of endings).
    if (region_.last) {
      status_ &= static_cast<u8>(~kActive);
      return 0;
    }
    next_region();
  }
  const u32 count = static_cast<u32>(std::min<std::size_t>(wanted, region_.left));
  if (to_memory)
    memory_.write(PhysAddr(region_.address), output.first(count));
  else
    memory_.read(PhysAddr(region_.address), input.first(count));
  region_.address += count;
  region_.left -= count;
  if (region_.left == 0 && region_.last) status_ &= static_cast<u8>(~kActive);
  drive.dma_moved(count);
  return count;
}

void BusMasterIde::next_region() {
  // A descriptor: address, byte count (0 is 64 KiB), end of table in bit 31. The table stays inside its 64 KiB.
  const u32 address = memory_.load<u32>(PhysAddr(descriptor_));
  const u32 control = memory_.load<u32>(PhysAddr(u64{descriptor_} + 4));
  descriptor_ = (descriptor_ & 0xFFFF'0000) | ((descriptor_ + 8) & 0xFFFF);
  region_.address = address & ~1u;
  region_.left = control & 0xFFFE ? control & 0xFFFE : 0x1'0000;
  region_.last = bit(control, 31);
}

void BusMasterIde::visit(State& state) {
  StateSection section(state, "bus-master");
  state.field("bmicx", command_);
  state.field("bmisx", status_);
  state.field("bmidtpx", table_);
  state.field("descriptor", descriptor_);
  state.field("address", region_.address);
  state.field("left", region_.left);
  state.field("last", region_.last);
  timer_.visit(state, "timer");
  if (!state.loading()) return;
  table_ &= ~3u;
  region_.left = std::min(region_.left, 0x1'0000u) & ~1u;
}

}  // namespace penumbra
