// The 82441FX host bridge (PMC) at 00:00.0: of its many registers, those with an effect here are the programmable
// attribute map, which puts RAM over the ROMs below 1 MiB, and the DRAM row boundaries, which tell how much RAM there
// is. Source: Intel 440FX PCIset, 82441FX (290549), section 3.2.
#pragma once

#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/pci.h"

namespace penumbra {

class GuestMemory;

class I440fx final : public Device, public PciFunction {
 public:
  I440fx(GuestMemory& memory, Trace& trace);

  std::string_view name() const override { return "i440fx"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  void config_written(u8 first, u8 last) override;
  void apply_pam();
  void lock_smram();

  GuestMemory& memory_;
  Trace& trace_;
  std::array<u8, 7> applied_pam_{};
};

}  // namespace penumbra
