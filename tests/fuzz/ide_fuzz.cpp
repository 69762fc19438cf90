// Fuzzes the IDE controller: any order of register accesses, data, DMA tables, media changes, time and saved states on
// a disk, a packet drive and an empty place. Whatever happens, a hardware reset must bring the disk back.
#include <cstdlib>

#include "tests/support/fuzz_input.h"
#include "tests/support/ide_rig.h"

namespace penumbra {
namespace {

constexpr u32 kDiskSectors = 600;

struct Machine : IdeRig {
  Machine() : disk(kDiskSectors * 512), disc(100 * 2048 + 77), other(9 * 2048) {
    ide.attach_disk(0, std::make_unique<FakeMedium>(disk));
    ide.attach_cdrom(1, std::make_unique<FakeMedium>(disc));
    ide.attach_cdrom(2, nullptr);
    disc.read_only = other.read_only = true;
  }

  void start() {
    base = 0x1F0;
    disk.bad_from = disk.full_from = disc.bad_from = ~u64{0};
    disk.flush_fails = false;
    ide.reset(Reset::hard);
    ide.change_medium(1, std::make_unique<FakeMedium>(disc));
    enable_bus_master();
  }

  u16 port(u8 choice) const {
    const u16 base = choice & 0x40 ? 0x170 : 0x1F0;
    if (choice & 0x80) return static_cast<u16>(kBusMaster + (choice & 15));
    return choice & 0x20 ? static_cast<u16>(base + 0x206) : static_cast<u16>(base + (choice & 7));
  }

  void step(FuzzInput& input) {
    switch (input.byte() % 16) {
      case 0:
      case 1:
      case 2: ports.out(port(input.byte()), input.width(), input.dword()); break;
      case 3: ports.in(port(input.byte()), input.width()); break;
      case 4: {  // a command with its registers
        base = input.byte() & 1 ? 0x170 : 0x1F0;
        task(input.byte(), input.byte(), input.byte(), input.byte(), input.byte(), input.byte());
        out(base + 7, input.byte());
        break;
      }
      case 5: {  // a packet
        task(static_cast<u8>(0xB0 | (input.byte() & 1) << 6), 0, 0, input.byte(), input.byte(), input.byte());
        out(base + 7, 0xA0);
        clock.advance(microseconds(20));
        for (int i = 0; i < 6; ++i) ports.out(base, Width::word, input.word());
        break;
      }
      case 6:
      case 7: clock.advance(microseconds(input.byte())); break;
      case 8:
      case 9:  // data both ways
        for (u32 n = input.byte() * 4u; n > 0; --n) ports.in(base, Width::dword);
        break;
      case 10:
        for (u32 n = input.byte() * 4u; n > 0; --n) ports.out(base, Width::dword, n * 0x01010101);
        break;
      case 11: describe(input.word() & 0xFFF8u, input.byte(), input.dword(), input.word(), input.byte() & 1); break;
      case 12: {
        const u16 half = input.byte() & 1 ? 8 : 0;
        ports.out(static_cast<u16>(kBusMaster + half + 4), Width::dword, input.dword());
        out(static_cast<u16>(kBusMaster + half), input.byte());
        break;
      }
      case 13: config(input.byte() & 0xFC, Width::dword, input.dword()); break;
      case 14: misfortune(input.byte()); break;
      case 15: save_and_load(); break;
    }
  }

  void misfortune(u8 which) {
    switch (which % 7) {
      case 0: ide.change_medium(1, nullptr); break;
      case 1: ide.change_medium(1, std::make_unique<FakeMedium>(other)); break;
      case 2: ide.change_medium(2, std::make_unique<FakeMedium>(disc)); break;
      case 3: disk.bad_from = which * 100, disk.bad_to = disk.bad_from + 512; break;
      case 4: disk.full_from = which * 64; break;
      case 5: disk.flush_fails = !disk.flush_fails; break;
      case 6: disc.bad_from = which * 2048, disc.bad_to = disc.bad_from + 1; break;
    }
  }

  void save_and_load() {
    StateWriter before;
    ide.visit(before);
    StateReader reader(before.bytes());
    ide.visit(reader);
    StateWriter after;
    ide.visit(after);
    if (after.bytes() != before.bytes()) std::abort();
  }

  void check_recovery() {
    start();
    base = 0x1F0;
    lba(7, 1, 0x20);
    if (alternate() != 0x58) std::abort();
    read_data();
    if (status() != 0x50) std::abort();
  }

  FakeStore disk, disc, other;
};

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One machine for all inputs: making it anew would be most of the work.
  static penumbra::Machine machine;
  machine.start();
  penumbra::FuzzInput input({data, size});
  while (!input.empty()) machine.step(input);
  machine.check_recovery();
  return 0;
}
