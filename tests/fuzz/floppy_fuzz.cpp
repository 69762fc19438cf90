// Fuzzes the floppy controller: any order of register accesses, DMA programs, media changes, time and saved states.
// Whatever happens, a reset must make drive A readable again.
#include <cstdlib>

#include "tests/support/floppy_rig.h"
#include "tests/support/fuzz_input.h"

namespace penumbra {
namespace {

struct Machine : FloppyRig {
  Machine() : small(163'840 - 100), odd(777) { fdc.attach(1, nullptr); }

  std::unique_ptr<BlockDevice> disk(FakeStore& of) { return std::make_unique<FakeMedium>(of); }

  void begin() {
    store.bad_from = store.full_from = ~u64{0};
    store.read_only = false;
    dma.open = false;
    fdc.reset(Reset::hard);
    fdc.change_medium(0, disk(store));
    fdc.change_medium(1, nullptr);
  }

  void step(FuzzInput& input) {
    switch (input.byte() % 12) {
      case 0: ports.out(static_cast<u16>(0x3F0 + (input.byte() & 7)), input.width(), input.dword()); break;
      case 1: ports.in(static_cast<u16>(0x3F0 + (input.byte() & 7)), input.width()); break;
      case 2:  // the bytes of a command
        for (int n = input.byte() % 10; n > 0; --n) out(0x3F5, input.byte());
        break;
      case 3: {  // a command that could succeed
        constexpr u8 opcodes[] = {0xE6, 0xC5, 0x4C, 0x49, 0x42, 0x56, 0x51, 0x59, 0x5D};
        const u8 head = input.byte() & 1;
        const u8 drive = input.byte() & 1;
        const u8 cylinder = input.byte() % 3;
        send({opcodes[input.byte() % 9], static_cast<u8>(head << 2 | drive), cylinder, head,
              static_cast<u8>(input.byte() % 20), 2, static_cast<u8>(input.byte() % 22), 0x1B, input.byte()});
        break;
      }
      case 4: send({0x0F, static_cast<u8>(input.byte() & 7), input.byte()}); break;
      case 5: out(0x3F2, 0x0C | input.byte()); break;
      case 6: out(0x3F7, input.byte() & 3); break;
      case 7: clock.advance(microseconds(input.word())); break;
      case 8: dma.program(input.word() & 0x3FFF); break;
      case 9:
        for (int n = input.byte() * 3; n > 0; --n) in(0x3F5);
        break;
      case 10: misfortune(input.byte()); break;
      case 11: save_and_load(); break;
    }
  }

  void misfortune(u8 which) {
    switch (which % 7) {
      case 0: fdc.change_medium(which & 1, nullptr); break;
      case 1: fdc.change_medium(which & 1, disk(small)); break;
      case 2: fdc.change_medium(which & 1, disk(odd)); break;
      case 3: fdc.change_medium(0, disk(store)); break;
      case 4: store.read_only = !store.read_only; break;
      case 5: store.bad_from = which * 64, store.bad_to = store.bad_from + 512; break;
      case 6: store.full_from = which * 256; break;
    }
  }

  void save_and_load() {
    StateWriter before;
    fdc.visit(before);
    StateReader reader(before.bytes());
    fdc.visit(reader);
    StateWriter after;
    fdc.visit(after);
    if (after.bytes() != before.bytes()) std::abort();
  }

  void check_recovery() {
    begin();
    start();
    recalibrate(0);  // one is not enough from beyond cylinder 79
    if (read(0, 0, 1, 512) != std::vector<u8>{0x00, 0, 0, 0, 0, 2, 2}) std::abort();
  }

  FakeStore small, odd;
};

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static penumbra::Machine machine;
  machine.begin();
  penumbra::FuzzInput input({data, size});
  while (!input.empty()) machine.step(input);
  machine.check_recovery();
  return 0;
}
