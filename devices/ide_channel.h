// One IDE channel: the register blocks, the two drives on the cable, and their common interrupt line.
// Source: ATA/ATAPI-6 chapters 7 and 9, 9.16 for the answers when a drive is missing.
#pragma once

#include <array>
#include <memory>

#include "core/platform/irq.h"
#include "core/platform/port_bus.h"
#include "devices/bus_master_ide.h"
#include "devices/ide_device.h"

namespace penumbra {

class IdeChannel final : public PortHandler, IdeHost {
 public:
  // Command block at `command_base` and the seven ports after it, device control and alternate status at
  // `control_port`.
  IdeChannel(u16 command_base, u16 control_port, IrqLine& irq, GuestMemory& memory, Clock& clock, Trace& trace,
             BusMasterIde::Permission bus_master_permission);

  void attach(unsigned unit, std::unique_ptr<IdeDevice> device);
  IdeDevice* device(unsigned unit) const { return devices_[unit].get(); }
  BusMasterIde& bus_master() { return bus_master_; }
  Ticks last_activity() const;

  void reset(Reset kind);
  void visit(State& state);

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;

 private:
  enum Register : u8 { kData, kError, kSectorCount, kLbaLow, kLbaMid, kLbaHigh, kDevice, kStatus };

  void interrupt_changed() override;
  void dma_requested() override { bus_master_.wake(); }

  unsigned selected_unit() const { return device_ & ata::kDeviceSelect ? 1 : 0; }
  IdeDevice* selected() const { return devices_[selected_unit()].get(); }
  u8 read_status(bool alternate);
  u8 read_register(Register reg);
  void write_register(Register reg, u8 value);
  void write_command(u8 value);
  void write_control(u8 value);
  u32 read_data(Width width);
  void write_data(Width width, u32 value);

  u16 command_base_;
  u16 control_port_;
  IrqLine& irq_;
  Trace& trace_;
  std::array<std::unique_ptr<IdeDevice>, 2> devices_;
  BusMasterIde bus_master_;
  u8 device_ = 0;   // as written last: it selects even where no drive is
  u8 control_ = 0;  // Device Control
  bool line_ = false;
};

}  // namespace penumbra
