// Fuzzes the display adapter: any sequence of port and window accesses, passing time, drawing and saving.
#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/vga.h"

namespace penumbra {
namespace {

class Input {
 public:
  explicit Input(std::span<const u8> bytes) : bytes_(bytes) {}
  bool empty() const { return at_ >= bytes_.size(); }
  u8 byte() { return empty() ? 0 : bytes_[at_++]; }
  u16 word() { return static_cast<u16>(byte() | byte() << 8); }
  u32 dword() { return word() | u32{word()} << 16; }
  Width width() {
    constexpr Width widths[] = {Width::byte, Width::word, Width::dword};
    return widths[byte() % 3];
  }

 private:
  std::span<const u8> bytes_;
  std::size_t at_ = 0;
};

// One adapter for all inputs, brought back to power-on for each: making 16 MiB anew would be most of the work.
struct Machine {
  Trace trace;
  PortBus ports{trace};
  GuestMemory memory{u64{2} << 20, trace};
  ManualClock clock;
  Vga vga{ports, memory, clock, trace};
  Picture picture;

  Machine() { memory.map_mmio(PhysAddr(0xFEBF0000), kPageSize, *vga.windows()[Vga::kRegisterBar].registers, "bar 2"); }

  u16 port(u8 choice) const { return static_cast<u16>(choice < 0xF0 ? 0x3B0 + choice % 0x30 : 0x1CE + (choice & 3)); }
  // An address in reach of an access, which never crosses a page.
  PhysAddr address(Input& input, Width width) const {
    const u32 offset = input.dword() & 0x1FFFF & ~(bytes_of(width) - 1);
    return PhysAddr(offset & 0x10000 && (offset & 0xF000) == 0xF000 ? 0xFEBF0000 + (offset & 0xFFF) : 0xA0000 + offset);
  }

  void step(Input& input) {
    switch (input.byte() % 10) {
      case 0:
      case 1: ports.out(port(input.byte()), input.width(), input.dword()); break;
      case 2: ports.in(port(input.byte()), input.width()); break;
      case 3: {
        // An indexed register whole.
        constexpr u16 index_ports[] = {0x3C4, 0x3CE, 0x3D4, 0x3B4};
        ports.out(index_ports[input.byte() & 3], Width::word, input.word());
        break;
      }
      case 4: {
        const Width width = input.width();
        const PhysAddr at = address(input, width);
        memory.access_write(at, width, input.dword());
        break;
      }
      case 5: {
        const Width width = input.width();
        memory.access_read(address(input, width), width);
        break;
      }
      case 6:
        ports.out(0x1CE, Width::word, input.byte() % 12);
        ports.out(0x1CF, Width::word, input.word());
        break;
      case 7: clock.advance(microseconds(input.word())); break;
      case 8:
        vga.render(picture);
        vga.text();
        break;
      case 9:
        ports.in(0x3DA, Width::byte);
        ports.out(0x3C0, Width::byte, input.byte());
        ports.out(0x3C0, Width::byte, input.byte());
        break;
    }
  }
};

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static penumbra::Machine machine;
  machine.vga.reset(penumbra::Reset::hard);
  penumbra::Input input({data, size});
  while (!input.empty()) machine.step(input);
  machine.vga.render(machine.picture);
  return 0;
}
