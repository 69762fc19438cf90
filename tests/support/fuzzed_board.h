// The whole board with drives in memory and hand-cranked time, and one random access a step.
#pragma once

#include <cstdlib>

#include "core/machine/pc_board.h"
#include "tests/support/fake_medium.h"
#include "tests/support/fuzz_input.h"

namespace penumbra {

class CrankedClock final : public MachineClock {
 public:
  CrankedClock() : MachineClock(946684800) {}
  Ticks now() const override { return now_; }
  u64 random() override { return generator_.random(); }
  void resume() override {}
  void pause() override {}
  bool wait_until(Ticks, Ticks, int) override { return false; }
  void advance(Ticks by) {
    const Ticks to = now_ + by.value;
    while (next_deadline() <= to) {
      now_ = std::max(now_, next_deadline());
      run_due();
    }
    now_ = to;
  }

 private:
  Ticks now_{0};
  ManualClock generator_;
};

inline MachineConfig fuzzed_board_config() {
  MachineConfig config;
  config.memory_bytes = u64{4} << 20;
  return config;
}

struct FuzzedBoard {
  FuzzedBoard() : disk(600 * 512), disc(100 * 2048), diskette(1'474'560) {
    disc.read_only = true;
    board.ide.attach_disk(0, std::make_unique<FakeMedium>(disk));
    board.ide.attach_cdrom(2, std::make_unique<FakeMedium>(disc));
    board.floppy.change_medium(0, std::make_unique<FakeMedium>(diskette));
  }

  void begin() {
    board.reset(Reset::hard);
    const std::vector<u8> zeros(0x10000);
    board.memory.write(PhysAddr(0), zeros);
  }

  u16 port(FuzzInput& input) {
    constexpr u16 kRanges[] = {0x00,  0x10,  0x20,  0x40,  0x60,  0x70,  0x80,  0x90,   0xA0,  0xB0,  0xC0,
                               0xD0,  0xE8,  0xF0,  0x170, 0x1CE, 0x1F0, 0x270, 0x2F8,  0x370, 0x378, 0x3B0,
                               0x3C0, 0x3D0, 0x3F0, 0x3F8, 0x4D0, 0x510, 0xCF8, 0xC000, 0x600, 0xB000};
    const u8 choice = input.byte();
    if (choice >= 0xE0) return input.word();
    return static_cast<u16>(kRanges[choice % std::size(kRanges)] + (input.byte() & 15));
  }

  PhysAddr address(FuzzInput& input) {
    constexpr u64 kWindows[] = {0xA0000,     0xB8000,     0xFEC00000, 0xFEE00000, 0xE0000000, 0xFD000000,
                                0xFEBF0000,  0xC0000,     0xF0000,    0xFFFF0000, 0x0,        0x3FF000,
                                0x100000000, 0xFFFFFF000, 0xE1000000, 0xF0000000};
    const u8 choice = input.byte();
    if (choice >= 0xF0) return PhysAddr(u64{input.dword()} << (choice & 7));
    return PhysAddr(kWindows[choice % std::size(kWindows)] + (input.word() & 0x1FFF));
  }

  void pci_config(FuzzInput& input) {
    constexpr u8 kFunctions[] = {0x00, 0x08, 0x09, 0x0B, 0x10, 0x0A};
    constexpr u8 kOffsets[] = {0x04, 0x10, 0x14, 0x18, 0x20, 0x30, 0x40, 0x58,
                               0x59, 0x60, 0x72, 0x80, 0x90, 0xD0, 0x3C};
    const u8 offset = input.byte();
    const u32 at = offset & 0x80 ? offset & 0x7Fu : kOffsets[offset % std::size(kOffsets)];
    board.ports.out(0xCF8, Width::dword,
                    0x8000'0000 | kFunctions[input.byte() % std::size(kFunctions)] << 8 | (at & 0xFC));
    board.ports.out(static_cast<u16>(0xCFC + (at & 3)), input.width(), input.dword());
  }

  void step(FuzzInput& input) {
    switch (input.byte() % 16) {
      case 0:
      case 1:
      case 2: {
        const u16 to = port(input);
        board.ports.out(to, input.width(), input.dword());
        break;
      }
      case 3: {
        const u16 to = port(input);
        for (u8 n = input.byte() % 12; n > 0; --n) board.ports.out(to, Width::byte, input.byte());
        break;
      }
      case 4:
      case 5: {
        const u16 from = port(input);
        board.ports.in(from, input.width());
        break;
      }
      case 6: {
        const u16 from = port(input);
        const Width width = input.width();
        for (u32 n = input.byte() * 2u; n > 0; --n) board.ports.in(from, width);
        break;
      }
      case 7:
      case 8: board.memory.store<u32>(address(input), input.dword()); break;
      case 9: board.memory.load<u32>(address(input)); break;
      case 10: {
        std::vector<u8> bytes(input.word() & 0x3FFF);
        const PhysAddr at = address(input);
        if (input.byte() & 1)
          board.memory.read(at, bytes);
        else
          board.memory.write(at, bytes);
        break;
      }
      case 11: clock.advance(microseconds(input.word())); break;
      case 12: pci_config(input); break;
      case 13: {
        const u8 what = input.byte();
        if (what & 1) {
          board.vga.render(picture);
          board.vga.text();
        } else {
          board.cpu.run(1 + what);
        }
        break;
      }
      case 14: from_outside(input); break;
      case 15: {
        // Table and data for what masters the bus.
        const u32 at = input.word() & 0xFFF8;
        board.memory.store<u32>(PhysAddr(at), input.dword());
        board.memory.store<u32>(PhysAddr(at + 4), input.dword());
        break;
      }
    }
    if (board.requests.any()) board.reset(Reset::hard);
  }

  void from_outside(FuzzInput& input) {
    const u8 what = input.byte();
    switch (what % 6) {
      case 0: board.ide.change_medium(2, what & 0x80 ? nullptr : std::make_unique<FakeMedium>(disc)); break;
      case 1: board.floppy.change_medium(0, what & 0x80 ? nullptr : std::make_unique<FakeMedium>(diskette)); break;
      case 2: board.power.power_button(); break;
      case 3: board.cpu.reset(); break;
      case 4: clock.advance(milliseconds(input.byte())); break;
      case 5: save_and_load(); break;
    }
  }

  void save_and_load() {
    StateWriter before;
    board.visit(before);
    StateReader reader(before.bytes());
    board.visit(reader);
    StateWriter after;
    board.visit(after);
    if (after.bytes() != before.bytes()) std::abort();
  }

  FakeStore disk, disc, diskette;
  Trace trace;
  CrankedClock clock;
  PcBoard board{fuzzed_board_config(), *cpu_model_named("p4"), clock, trace};
  Picture picture;
};

}  // namespace penumbra
