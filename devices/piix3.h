// The 82371SB (PIIX3) PCI-to-ISA bridge at 00:01.0: routes the four PCI interrupt wires to ISA interrupts. Its other
// registers are kept and read back. Source: 82371FB/82371SB (290550), section 2.2.
#pragma once

#include <functional>

#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/pci.h"

namespace penumbra {

class Piix3 final : public Device, public PciFunction {
 public:
  // Drives what the bridge adds to an ISA interrupt; the board ORs it with the ISA devices on the same line.
  using IrqSink = std::function<void(unsigned irq, bool level)>;

  Piix3(Trace& trace, IrqSink irq);

  // PIRQ# A..D (0..3), as the PCI bus drives them; true is asserted.
  void set_pirq(unsigned pirq, bool level);

  std::string_view name() const override { return "piix3"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  void config_written(u8 first, u8 last) override;
  void update();

  Trace& trace_;
  IrqSink irq_;
  u8 pirq_levels_ = 0;
  u16 irq_levels_ = 0;
};

}  // namespace penumbra
