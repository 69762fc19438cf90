// An interrupt that waited behind another one, whose trap gate leaves IF set, was looked at only when the handler's
// blocks came to an end: as late as the end of the budget.
#include <doctest/doctest.h>

#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

struct Waiting final : InterruptSource {
  bool pending() const override { return next < 0x22; }
  unsigned char acknowledge() override { return next++; }
  u8 next = 0x20;
};

TEST_CASE("the second of two interrupts comes before the first one's handler has run") {
  BareCpu machine;
  Waiting waiting;
  Cpu cpu({machine.memory, machine.ports, waiting, machine.clock, nullptr, machine.trace}, machine.cpu.model());
  // A flat code segment, 08h, and trap gates to 3000h and 4000h.
  machine.memory.store<u64>(PhysAddr(0x1008), 0x00CF'9B00'0000'FFFF);
  machine.memory.store<u64>(PhysAddr(0x2000 + 8 * 0x20), 0x0000'8F00'0008'3000);
  machine.memory.store<u64>(PhysAddr(0x2000 + 8 * 0x21), 0x0000'8F00'0008'4000);
  for (u32 n = 0; n < 40; ++n) machine.load(0x3000 + n, {0x40});  // INC EAX
  machine.load(0x3028, {0xF4});                                   // HLT
  machine.load(0x4000, {0x8B, 0xD8, 0xF4});                       // MOV EBX, EAX; HLT
  for (Segment& s : cpu.segment) {
    s.selector = 0x10;
    s.access = 0x93;
    s.base = 0;
    s.limit = 0xFFFF'FFFF;
    s.big = s.granular = true;
  }
  cpu.segment[CS].selector = 8;
  cpu.segment[CS].access = 0x9B;
  cpu.gdtr = {0x1000, 0x17};
  cpu.idtr = {0x2000, 0x7FF};
  cpu.cr0 |= cr0::PE;
  cpu.gpr[EAX] = cpu.gpr[EBX] = 0;
  cpu.gpr[ESP] = 0x8000;
  cpu.eip = 0x5000;
  cpu.flags.load(cpu.flags.value() | eflags::IF);
  cpu.state_changed();
  CHECK(cpu.run(1000) == RunEnd::halted);
  CHECK(waiting.next == 0x22);
  CHECK(cpu.gpr[EBX] <= 1);
}

}  // namespace
}  // namespace penumbra
