// The PC's board: which devices there are and what each is wired to. The only place that knows all of them.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/log.h"
#include "core/cpu/cpu.h"
#include "core/machine/config.h"
#include "core/machine/irq_hub.h"
#include "core/machine/machine_clock.h"
#include "devices/debug_console.h"
#include "devices/debug_exit.h"
#include "devices/dma8237.h"
#include "devices/ferr_latch.h"
#include "devices/floppy_82077.h"
#include "devices/fw_cfg.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/ide_controller.h"
#include "devices/io_apic.h"
#include "devices/local_apic.h"
#include "devices/parallel.h"
#include "devices/pci_bus.h"
#include "devices/pic8259.h"
#include "devices/piix3.h"
#include "devices/piix4_pm.h"
#include "devices/pit8254.h"
#include "devices/post_ports.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/rtc.h"
#include "devices/uart16550.h"
#include "devices/vga.h"

namespace penumbra {

// What devices ask of the machine. Each is noted and carried out between instructions.
struct BoardRequests {
  bool reset_cpu = false;
  bool reset_board = false;
  bool power_off = false;
  std::optional<u32> debug_exit;

  bool any() const { return reset_cpu || reset_board || power_off || debug_exit; }
};

class PcBoard : ApicBasePort {
 public:
  // Throws ConfigError and HostError.
  PcBoard(const MachineConfig& config, const CpuModel& model, MachineClock& clock, Trace& trace);

  // Everything back to power-on or after a reset; RAM keeps its contents.
  void reset(Reset kind);
  void visit(State& state);

  // Devices are constructed in this order, each after what it is wired to.
  BoardRequests requests;
  GuestMemory memory;
  PortBus ports;

 private:
  // A line whose end is connected later.
  struct Wire final : IrqLine {
    void set(bool level) override {
      if (to) to->set(level);
    }
    IrqLine* to = nullptr;
  };

  Wire intr_;
  Wire ferr_;
  IrqHub irqs_;

 public:
  Pic8259Pair pic;
  LocalApic local_apic;
  Cpu cpu;
  IoApic io_apic;
  FerrLatch ferr_latch;
  PciBus pci;
  I440fx host_bridge;
  Piix3 isa_bridge;
  IdeController ide;
  Piix4Pm power;
  Vga vga;
  Pit8254 pit;
  Rtc rtc;
  PostPorts post_ports;
  Dma8237 dma;
  Floppy82077 floppy;
  Ps2Keyboard keyboard;
  Ps2Mouse mouse;
  I8042 keyboard_controller;
  Uart16550 com1;
  Uart16550 com2;
  ParallelPort lpt1;
  DebugConsole debug_console;
  std::unique_ptr<DebugExit> debug_exit;
  FwCfg fw_cfg;

 private:
  bool set_apic_base(u64 value) override { return local_apic.set_base_msr(value); }
  // Ends the run slice so that what a device has asked for is done before the next instruction.
  void ask(bool BoardRequests::*what);
  void drive_irq(unsigned irq, bool level);
  void drive_pirq(unsigned irq, bool level);
  void attach_drives(const MachineConfig& config);
  void fill_cmos(const MachineConfig& config);
  void map_firmware(const MachineConfig& config);

  std::array<IrqLine*, 16> pirq_drivers_;
  std::vector<Device*> devices_;
};

}  // namespace penumbra
