// Register access, drive selection, and who answers for a drive that is not there.
#include "devices/ide_channel.h"

#include <algorithm>

namespace penumbra {

namespace {

constexpr u8 kDisableInterrupt = 0x02;  // nIEN
constexpr u8 kSoftwareReset = 0x04;     // SRST
constexpr u8 kHighOrderByte = 0x80;     // HOB
constexpr u8 kExecuteDiagnostic = 0x90;

// An empty cable: lines pulled high, but DD7 pulled down, so that BSY reads 0 and probes give up at once (ATA-6 4.4).
constexpr u8 kFloating = 0x7F;

}  // namespace

IdeChannel::IdeChannel(u16 command_base, u16 control_port, IrqLine& irq, GuestMemory& memory, Clock& clock,
                       Trace& trace, BusMasterIde::Permission bus_master_permission)
    : command_base_(command_base),
      control_port_(control_port),
      irq_(irq),
      trace_(trace),
      bus_master_(
          memory, clock, trace, [this] { return selected(); }, std::move(bus_master_permission)) {}

void IdeChannel::attach(unsigned unit, std::unique_ptr<IdeDevice> device) {
  devices_[unit] = std::move(device);
  if (devices_[unit]) devices_[unit]->connect(*this);
}

Ticks IdeChannel::last_activity() const {
  Ticks latest{0};
  for (const auto& device : devices_)
    if (device) latest = std::max(latest, device->last_activity());
  return latest;
}

void IdeChannel::reset(Reset kind) {
  bus_master_.reset();
  device_ = control_ = 0;
  for (const auto& device : devices_)
    if (device) device->hardware_reset(kind);
  interrupt_changed();
}

void IdeChannel::interrupt_changed() {
  const IdeDevice* device = selected();
  const bool level = device && device->interrupt() && !(control_ & kDisableInterrupt);
  if (level == line_) return;
  line_ = level;
  if (level) bus_master_.note_interrupt();
  irq_.set(level);
}

u32 IdeChannel::port_in(u16 port, Width width) {
  if (port == control_port_) return read_status(true);
  const unsigned offset = port - command_base_;
  if (offset == kData) return read_data(width);
  u32 value = 0;
  for (unsigned i = 0; i < bytes_of(width); ++i)
    value |= u32{offset + i < 8 ? read_register(static_cast<Register>(offset + i)) : u8{0xFF}} << 8 * i;
  return value;
}

void IdeChannel::port_out(u16 port, Width width, u32 value) {
  if (port == control_port_) return write_control(static_cast<u8>(value));
  const unsigned offset = port - command_base_;
  if (offset == kData) return write_data(width, value);
  for (unsigned i = 0; i < bytes_of(width) && offset + i < 8; ++i)
    write_register(static_cast<Register>(offset + i), static_cast<u8>(value >> 8 * i));
}

u32 IdeChannel::read_data(Width width) {
  IdeDevice* device = selected();
  if (!device) return all_ones(width);
  // The cable is 16 bits wide: a byte access loses the upper half, a double word is two cycles.
  const u32 low = device->read_word();
  if (width != Width::dword) return low & all_ones(width);
  return low | u32{device->read_word()} << 16;
}

void IdeChannel::write_data(Width width, u32 value) {
  IdeDevice* device = selected();
  if (!device) return;
  device->write_word(static_cast<u16>(value));
  if (width == Width::dword) device->write_word(static_cast<u16>(value >> 16));
}

u8 IdeChannel::read_status(bool alternate) {
  if (IdeDevice* device = selected()) {
    const u8 status = device->registers().status;
    if (!alternate) device->clear_interrupt();
    return status;
  }
  return selected_unit() == 1 && devices_[0] ? 0 : kFloating;
}

u8 IdeChannel::read_register(Register reg) {
  if (reg == kStatus) return read_status(false);
  // A disk as device 0 shows its own registers for a device 1 that is not there; a packet device shows zeros, because
  // its signature would pass for a second one. Nobody answers for device 0.
  const IdeDevice* device = selected() ? selected() : selected_unit() == 1 ? devices_[0].get() : nullptr;
  if (!device) return kFloating;
  if (device != selected() && device->is_packet_device()) return 0;
  const TaskFile& regs = device->registers();
  const auto half = [this](const TaskFile::Pair& pair) {
    return control_ & kHighOrderByte ? pair.previous : pair.current;
  };
  switch (reg) {
    case kError: return regs.error;
    case kSectorCount: return half(regs.sector_count);
    case kLbaLow: return half(regs.lba_low);
    case kLbaMid: return half(regs.lba_mid);
    case kLbaHigh: return half(regs.lba_high);
    case kDevice: return static_cast<u8>((regs.device & ~ata::kDeviceSelect) | (device_ & ata::kDeviceSelect) | 0xA0);
    default: return kFloating;
  }
}

void IdeChannel::write_register(Register reg, u8 value) {
  control_ &= static_cast<u8>(~kHighOrderByte);
  if (reg == kStatus) return write_command(value);
  if (reg == kDevice) device_ = value;
  // Both drives take what is written, selected or not; a busy one is deaf.
  for (const auto& device : devices_) {
    if (!device || device->busy()) continue;
    TaskFile& regs = device->registers();
    switch (reg) {
      case kError: regs.features.push(value); break;
      case kSectorCount: regs.sector_count.push(value); break;
      case kLbaLow: regs.lba_low.push(value); break;
      case kLbaMid: regs.lba_mid.push(value); break;
      case kLbaHigh: regs.lba_high.push(value); break;
      case kDevice: regs.device = value; break;
      default: break;
    }
  }
  if (reg == kDevice) interrupt_changed();
}

void IdeChannel::write_command(u8 value) {
  if (control_ & kSoftwareReset) return;
  if (value != kExecuteDiagnostic) {
    if (IdeDevice* device = selected()) device->command(value);
    return;
  }
  // The diagnostic is for both drives whichever is selected, and leaves device 0 selected (ATA-6 8.9).
  if (IdeDevice* device = selected(); device && device->busy()) return;
  device_ = 0;
  for (const auto& device : devices_)
    if (device) device->diagnose();
}

void IdeChannel::write_control(u8 value) {
  const bool was_reset = control_ & kSoftwareReset;
  const bool is_reset = value & kSoftwareReset;
  control_ = value;
  if (is_reset && !was_reset) trace_.line(Channel::ide, "software reset of the channel at {:03x}", command_base_);
  for (const auto& device : devices_) {
    if (!device) continue;
    if (is_reset && !was_reset) device->hold_in_reset();
    if (!is_reset && was_reset) device->leave_reset();
  }
  if (is_reset) device_ = 0;
  interrupt_changed();
}

void IdeChannel::visit(State& state) {
  StateSection section(state, "ide-channel");
  state.field("device", device_);
  state.field("control", control_);
  state.field("line", line_);
  for (const auto& device : devices_)
    if (device) device->visit(state);
  bus_master_.visit(state);
}

}  // namespace penumbra
