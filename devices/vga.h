// The display adapter: a VGA with Bochs VBE on PCI, as QEMU's "standard VGA" (1234:1111) presents itself: frame buffer
// in BAR 0, registers in BAR 2.
#pragma once

#include <optional>
#include <vector>

#include "core/base/log.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/display.h"
#include "core/platform/pci.h"
#include "core/platform/port_bus.h"
#include "devices/vga_memory.h"
#include "devices/vga_palette.h"
#include "devices/vga_registers.h"
#include "devices/vga_render.h"
#include "devices/vga_timing.h"
#include "devices/vga_vbe.h"
#include "mmu/guest_memory.h"

namespace penumbra {

class Vga final : public Device, public Display, public PciFunction, PortHandler, MmioHandler {
 public:
  static constexpr u32 kFrameBufferBar = 0;
  static constexpr u32 kRegisterBar = 2;

  // Claims the VGA's and the DISPI's ports and A0000h-BFFFFh. `option_rom` is what the expansion ROM BAR shows: a VGA
  // BIOS, or nothing for an adapter without one.
  Vga(PortBus& ports, GuestMemory& memory, Clock& clock, Trace& trace, std::vector<u8> option_rom = {});

  std::string_view name() const override { return "vga"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

  bool render(Picture& picture) override;
  std::vector<std::string> text() const override;

 private:
  // BAR 2: 400h-41Fh are ports 3C0h-3DFh, 500h-515h the DISPI registers, 600h-607h QEMU's extension.
  class RegisterBar final : public MmioHandler {
   public:
    explicit RegisterBar(Vga& vga) : vga_(vga) {}
    u32 mmio_read(PhysAddr address, Width width) override;
    void mmio_write(PhysAddr address, Width width, u32 value) override;

   private:
    Vga& vga_;
  };

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  u8 read_port(u16 port);
  void write_port(u16 port, u8 value);
  // CRTC and status ports answer at 3Bxh or at 3Dxh.
  bool answers(u16 port) const;
  u8 input_status_1();

  u16 dispi_in(u16 port, Width width) const;
  void dispi_out(u16 port, Width width, u16 value);
  void write_dispi(u16 index, u16 value);

  u32 mmio_read(PhysAddr address, Width width) override;
  void mmio_write(PhysAddr address, Width width, u32 value) override;
  // Where in the planes' window an address from A0000h on lies, if it is mapped.
  std::optional<u32> window_offset(u64 address) const;
  bool linear_window() const { return dispi_.enabled() && !dispi_.planar(); }

  // What follows from registers elsewhere, after these may have changed.
  void dispi_changed();
  void note_blanking();
  VgaFrame frame() const;

  Clock& clock_;
  Trace& trace_;
  std::vector<u8> option_rom_;
  VgaRegisters registers_;
  VgaPalette palette_;
  VgaMemory memory_{registers_};
  VbeDispi dispi_{VgaMemory::kBytes};
  VgaRenderer renderer_{registers_, palette_, memory_, dispi_};
  RegisterBar register_bar_{*this};
  // Registers are often blanked for an instant while they are loaded; a person would not see it.
  bool blanked_ = false;
  Ticks blanked_since_{0};
};

}  // namespace penumbra
