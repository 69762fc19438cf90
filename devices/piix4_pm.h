// The PIIX4's power management function at 00:01.3: ACPI's PM1 and GPE0 registers, the PM timer, the APM control port
// B2h, soft power-off, and an SMBus without devices on it. There is no SMM: what would raise an SMI does not.
// Source: 82371AB (290562), chapters 7 and 11; ACPI 1.0b section 4.7.
#pragma once

#include <functional>

#include "core/base/log.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "core/platform/pci.h"

namespace penumbra {

class Piix4Pm final : public Device, public PciFunction {
 public:
  static constexpr u32 kTimerHertz = 3'579'545;

  // `sci` is IRQ9, wired past the PIRQ router. `power_off` is called inside a port write: it notes the request.
  Piix4Pm(PortBus& ports, Clock& clock, IrqLine& sci, Trace& trace, std::function<void()> power_off);

  // A press of the ACPI power button: PWRBTN_STS, and the SCI if the guest wants it.
  void power_button();

  std::string_view name() const override { return "piix4-pm"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  // A range of ports whose accesses are bytes of the function's registers.
  struct Registers : PortHandler {
    Registers(Piix4Pm& pm, u32 (Piix4Pm::*read)(unsigned), void (Piix4Pm::*write)(unsigned, u8), u16 first, u16 size)
        : pm_(pm), read_(read), write_(write), first_(first), size_(size) {}
    u32 port_in(u16 port, Width width) override;
    void port_out(u16 port, Width width, u32 value) override;

    Piix4Pm& pm_;
    u32 (Piix4Pm::*read_)(unsigned dword);  // the dword at a multiple of 4
    void (Piix4Pm::*write_)(unsigned offset, u8 value);
    u16 first_;
    u16 size_;  // a power of two that `first_` is a multiple of, wherever the guest puts it
  };

  void config_written(u8 first, u8 last) override;
  u32 pm_read(unsigned dword);
  void pm_write(unsigned offset, u8 value);
  u32 gpe_read(unsigned dword) { return pm_read(dword + 0x0C); }
  void gpe_write(unsigned offset, u8 value) { pm_write(offset + 0x0C, value); }
  u32 hot_plug_read(unsigned) { return 0; }
  void hot_plug_write(unsigned, u8) {}
  u32 apm_read(unsigned) { return u32{apm_control_} | u32{apm_status_} << 8; }
  void apm_write(unsigned offset, u8 value);
  u32 smbus_read(unsigned dword);
  void smbus_write(unsigned offset, u8 value);

  void write_control(u8 high);
  u64 timer_ticks() const;
  void latch_timer_overflow();
  void rearm_timer();
  void update_sci();
  void place_windows();

  Clock& clock_;
  IrqLine& sci_;
  Trace& trace_;
  std::function<void()> power_off_;
  Registers pm_ports_, gpe_ports_, hot_plug_ports_, apm_ports_, smbus_ports_;
  unsigned pm_window_;
  unsigned smbus_window_;
  Timer overflow_;

  u16 status_ = 0;              // PMSTS
  u16 enable_ = 0;              // PMEN
  u16 control_ = 0;             // PMCNTRL
  u16 gpe_status_ = 0;          // GPSTS
  u16 gpe_enable_ = 0;          // GPEN
  u64 overflow_at_ = 0;         // the timer count whose reaching sets TMR_STS
  std::array<u8, 64> plain_{};  // registers that only remember
  u8 apm_control_ = 0;          // APMC
  u8 apm_status_ = 0;           // APMS
  std::array<u8, 16> smbus_{};
};

}  // namespace penumbra
