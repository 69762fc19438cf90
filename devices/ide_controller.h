// The PIIX3's IDE function (8086:7010, device 1 function 1): two channels at their compatible ports and a bus master.
// Source: Intel 82371SB (PIIX3) datasheet 2.3 and 2.7.
#pragma once

#include <memory>

#include "core/platform/block_device.h"
#include "core/platform/device.h"
#include "core/platform/pci.h"
#include "devices/ide_channel.h"

namespace penumbra {

class IdeController final : public Device, public PciFunction, PortHandler {
 public:
  IdeController(IrqLine& irq14, IrqLine& irq15, GuestMemory& memory, Clock& clock, Trace& trace);
  ~IdeController() override;

  // Drives by index: primary master and slave, secondary master and slave. Attached before the machine runs.
  void attach_disk(unsigned index, std::unique_ptr<BlockDevice> medium);
  // A CD drive; `medium` may be null.
  void attach_cdrom(unsigned index, std::unique_ptr<BlockDevice> medium);
  // Replaces what is in a CD drive, or with null takes it out, whether or not the guest has locked the door.
  // Throws ConfigError if the index is not a CD drive's.
  void change_medium(unsigned index, std::unique_ptr<BlockDevice> medium);
  bool is_cdrom(unsigned index) const;

  // When a drive moved data last.
  Ticks last_activity() const;

  std::string_view name() const override { return "piix3-ide"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  static constexpr u8 kTiming = 0x40;  // IDETIM, two bytes for each channel
  static constexpr unsigned kBusMasterBar = 4;

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  void config_written(u8 first, u8 last) override;
  // Puts each channel's ports where they belong, or nowhere if its decode bit is off.
  void place_ports();

  Clock& clock_;
  Trace& trace_;
  IdeChannel primary_;
  IdeChannel secondary_;
  std::array<IdeChannel*, 2> channels_{&primary_, &secondary_};
  std::array<std::array<unsigned, 2>, 2> windows_of_{};  // command and control block of each channel
};

}  // namespace penumbra
