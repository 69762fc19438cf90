// The two 8237A DMA controllers of a PC/AT with their page registers (Intel 8237A datasheet; 82371SB 2.5.1).
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "core/base/bits.h"
#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/dma.h"
#include "core/platform/port_bus.h"
#include "mmu/guest_memory.h"

namespace penumbra {

// Controller 1 at 00h-0Fh moves bytes on channels 0-3 inside 64 KiB pages; controller 2 at C0h-DFh moves words on
// channels 5-7 inside 128 KiB pages; channel 4 is the cascade. A transfer takes no guest time: the device paces it.
// Cascade, priority, timing and polarity bits are kept but have no effect.
class Dma8237 final : public Device, PortHandler {
 public:
  // `post` hears what is written to port 80h, which lies among the page registers.
  Dma8237(PortBus& ports, GuestMemory& memory, Trace& trace, std::function<void(u8)> post = {});
  ~Dma8237() override;

  // The device's end of channel 0-3 or 5-7.
  DmaChannel& channel(unsigned number);

  std::string_view name() const override { return "dma8237"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  class Line;

  struct Channel {
    u16 base_address = 0;
    u16 base_count = 0;
    u16 current_address = 0;
    u16 current_count = 0;
    u8 mode = 0;
  };
  struct Controller {
    std::array<Channel, 4> channels;
    u8 command = 0;
    u8 request = 0;  // software requests
    u8 dreq = 0;     // the devices' request lines
    u8 mask = 0x0F;
    u8 terminal_count = 0;  // status bits 0-3
    u8 temporary = 0;
    bool high_byte = false;  // the first/last flip-flop
  };
  // Where one run of cycles takes its bytes from and puts them; null where there are none.
  struct Data {
    const u8* from_device = nullptr;
    u8* to_device = nullptr;
  };

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  u8 read_register(Controller& controller, unsigned index);
  void write_register(Controller& controller, unsigned index, u8 value);
  void write_counter(Controller& controller, unsigned index, u8 value);
  void master_clear(Controller& controller);
  void software_request(Controller& controller, unsigned number);
  void memory_to_memory(Controller& controller);

  Controller& controller_of(unsigned number) { return controllers_[number >> 2]; }
  bool ready(unsigned number) const;
  DmaTransfer transfer(unsigned number) const;
  PhysAddr address(unsigned number) const;
  // Moves up to `bytes` bytes, at most to terminal count, and answers how many; `ended` says whether it got there.
  std::size_t run(unsigned number, Data data, std::size_t bytes, bool& ended);
  // Steps address and count after `units` units, which must not pass terminal count. True if they reached it.
  bool advance(unsigned number, u32 units);

  GuestMemory& memory_;
  Trace& trace_;
  std::function<void(u8)> post_;
  std::array<Controller, 2> controllers_;
  std::array<u8, 16> pages_{};  // 80h-8Fh
  std::array<std::unique_ptr<Line>, 8> lines_;
};

}  // namespace penumbra
