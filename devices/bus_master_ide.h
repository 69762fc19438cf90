// One channel of the PIIX3's bus master: three registers and the engine that walks a physical region descriptor table.
// Source: Intel 82371SB (PIIX3) datasheet 2.7; SFF-8038i "Programming Interface for Bus Master IDE Controller" 1.0.
#pragma once

#include <array>
#include <functional>

#include "core/base/log.h"
#include "core/base/state.h"
#include "core/platform/clock.h"
#include "core/platform/port_bus.h"
#include "devices/ide_device.h"
#include "mmu/guest_memory.h"

namespace penumbra {

class BusMasterIde {
 public:
  // The drive whose DMARQ the channel's DMACK# would answer, or null.
  using Requester = std::function<IdeDevice*()>;
  // False while the PCI command register forbids bus master cycles.
  using Permission = std::function<bool()>;

  BusMasterIde(GuestMemory& memory, Clock& clock, Trace& trace, Requester requester, Permission permission);

  // Offset 0-7 in the channel's half of the block; never crosses it.
  u32 in(unsigned offset, Width width) const;
  void out(unsigned offset, Width width, u32 value);

  // A drive has raised DMARQ, or bus mastering was enabled: the transfer starts a moment later.
  void wake();
  // The channel's interrupt line went up.
  void note_interrupt() { status_ |= kInterrupt; }
  void reset();
  void visit(State& state);

 private:
  // BMICX and BMISX.
  static constexpr u8 kStart = 0x01;
  static constexpr u8 kToMemory = 0x08;
  static constexpr u8 kActive = 0x01;
  static constexpr u8 kError = 0x02;
  static constexpr u8 kInterrupt = 0x04;
  static constexpr u8 kDriveCapable = 0x60;

  // A region of memory, as a descriptor gives it, and what is left of it.
  struct Region {
    u32 address = 0;
    u32 left = 0;
    bool last = true;
  };

  void write_command(u8 value);
  void write_status(u8 value);
  void run();
  void next_region();
  // Moves what drive and region both have and answers how much: 0 when the table has ended, or when the drive wants
  // nothing in the programmed direction.
  u32 move(IdeDevice& drive);

  GuestMemory& memory_;
  Trace& trace_;
  Clock& clock_;
  Requester requester_;
  Permission permission_;
  Timer timer_;

  u8 command_ = 0;
  u8 status_ = 0;
  u32 table_ = 0;       // BMIDTPX
  u32 descriptor_ = 0;  // the next one to be fetched
  Region region_;
};

}  // namespace penumbra
