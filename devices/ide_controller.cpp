// Configuration space, port windows and the wiring of drives.
#include "devices/ide_controller.h"

#include "core/base/bits.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "devices/ata_drive.h"
#include "devices/atapi_drive.h"

namespace penumbra {

namespace {

constexpr PciIdentity kIdentity{.vendor = 0x8086, .device = 0x7010, .class_code = 0x010180};

struct Ports {
  u16 command;
  u16 control;
};
constexpr std::array<Ports, 2> kPorts{{{0x1F0, 0x3F6}, {0x170, 0x376}}};

constexpr unsigned kDecodeEnable = 15;  // of IDETIM

}  // namespace

IdeController::IdeController(IrqLine& irq14, IrqLine& irq15, GuestMemory& memory, Clock& clock, Trace& trace)
    : PciFunction(kIdentity),
      clock_(clock),
      trace_(trace),
      primary_(kPorts[0].command, kPorts[0].control, irq14, memory, clock, trace, [this] { return bus_master(); }),
      secondary_(kPorts[1].command, kPorts[1].control, irq15, memory, clock, trace, [this] { return bus_master(); }) {
  declare(kCommand, Width::word, 0, kIoEnable | kMasterEnable);
  // After reset the datasheet has the channels off; here they are on, so that firmware without PCI finds them.
  declare(kTiming, Width::word, 0x8000, 0xFFFF);
  declare(kTiming + 2, Width::word, 0x8000, 0xFFFF);
  declare(kTiming + 4, Width::byte, 0, 0xFF);  // SIDETIM
  declare_io_bar(kBusMasterBar, 16, *this, Width::dword);
  for (unsigned i = 0; i < 2; ++i)
    windows_of_[i] = {declare_io_window(8, *channels_[i], Width::dword), declare_io_window(1, *channels_[i])};
}

IdeController::~IdeController() = default;

void IdeController::attach_disk(unsigned index, std::unique_ptr<BlockDevice> medium) {
  CHECK_THAT(index < 4 && medium, "drive {}", index);
  channels_[index / 2]->attach(index % 2,
                               std::make_unique<AtaDrive>(clock_, trace_, index % 2, index, std::move(medium)));
}

void IdeController::attach_cdrom(unsigned index, std::unique_ptr<BlockDevice> medium) {
  CHECK_THAT(index < 4, "drive {}", index);
  channels_[index / 2]->attach(index % 2,
                               std::make_unique<AtapiDrive>(clock_, trace_, index % 2, index, std::move(medium)));
}

bool IdeController::is_cdrom(unsigned index) const {
  return index < 4 && dynamic_cast<AtapiDrive*>(channels_[index / 2]->device(index % 2));
}

void IdeController::change_medium(unsigned index, std::unique_ptr<BlockDevice> medium) {
  if (!is_cdrom(index)) throw ConfigError(fmt::format("IDE drive {} is not a CD drive", index));
  static_cast<AtapiDrive*>(channels_[index / 2]->device(index % 2))->change_medium(std::move(medium));
}

Ticks IdeController::last_activity() const { return std::max(primary_.last_activity(), secondary_.last_activity()); }

void IdeController::reset(Reset kind) {
  reset_pci();
  for (IdeChannel* channel : channels_) channel->reset(kind);
  place_ports();
}

void IdeController::place_ports() {
  for (unsigned i = 0; i < 2; ++i) {
    const bool on = bit(config_byte(static_cast<u8>(kTiming + 2 * i + 1)), kDecodeEnable - 8);
    place_window(windows_of_[i][0], on ? std::optional<u32>(kPorts[i].command) : std::nullopt);
    place_window(windows_of_[i][1], on ? std::optional<u32>(kPorts[i].control) : std::nullopt);
  }
}

void IdeController::config_written(u8 first, u8 last) {
  if (first <= kTiming + 3 && last >= kTiming) place_ports();
  if (first <= kCommand && last >= kCommand)
    for (IdeChannel* channel : channels_) channel->bus_master().wake();
}

u32 IdeController::port_in(u16 port, Width width) {
  const unsigned offset = (port - window_base(kBusMasterBar)) & 15;
  return channels_[offset / 8]->bus_master().in(offset % 8, width);
}

void IdeController::port_out(u16 port, Width width, u32 value) {
  const unsigned offset = (port - window_base(kBusMasterBar)) & 15;
  channels_[offset / 8]->bus_master().out(offset % 8, width, value);
}

void IdeController::visit(State& state) {
  StateSection section(state, "piix3-ide");
  visit_pci(state);
  for (IdeChannel* channel : channels_) channel->visit(state);
}

}  // namespace penumbra
