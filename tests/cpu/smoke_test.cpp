// The processor alone: a few instructions from reset, in real and protected mode.
#include <doctest/doctest.h>

#include "core/cpu/cpu.h"
#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

TEST_CASE("reset state and a real-mode loop") {
  BareCpu bare;
  // mov cx,5; xor ax,ax; add ax,cx; loop -4; hlt
  bare.load(0x1000, {0xB9, 5, 0, 0x31, 0xC0, 0x01, 0xC8, 0xE2, 0xFC, 0xF4});
  bare.start_real(0x1000);
  CHECK(bare.cpu.run(100) == RunEnd::halted);
  CHECK((bare.cpu.gpr[EAX] & 0xFFFF) == 15);
  CHECK(bare.cpu.instructions() == 2 + 10 + 1);
}

TEST_CASE("budgets are exact") {
  BareCpu bare;
  std::vector<u8> code(100, 0x40);  // inc ax
  bare.load(0x1000, code);
  bare.start_real(0x1000);
  for (unsigned n = 1; n <= 50; ++n) {
    CHECK(bare.cpu.run(1) == RunEnd::budget);
    CHECK(bare.cpu.gpr[EAX] == n);
  }
  CHECK(bare.cpu.run(37) == RunEnd::budget);
  CHECK(bare.cpu.gpr[EAX] == 87);
}

TEST_CASE("who asks for the processor's end in an instruction executed by itself is heard once") {
  struct Owner final : PortHandler {
    u32 port_in(u16, Width) override { return 0; }
    void port_out(u16, Width, u32) override { cpu->stop_for_owner(); }
    Cpu* cpu = nullptr;
  } owner;
  BareCpu bare;
  owner.cpu = &bare.cpu;
  bare.ports.claim({0xF4, 0xF4}, owner);
  bare.load(0x1000, {0xE6, 0xF4, 0x40, 0x40});  // out F4h, al; inc ax; inc ax
  bare.start_real(0x1000);
  Block* known = nullptr;
  CHECK(bare.cpu.run_one(known) == RunEnd::attention);
  CHECK(bare.cpu.run(2) == RunEnd::budget);
  CHECK(bare.cpu.gpr[EAX] == 2);
}

TEST_CASE("code that changes the next instruction of its own block sees the change") {
  BareCpu bare;
  // mov byte [0x1007],0x43 (inc bx); nop; nop; inc ax -> inc bx; hlt
  bare.load(0x1000, {0xC6, 0x06, 0x07, 0x10, 0x43, 0x90, 0x90, 0x40, 0xF4});
  bare.start_real(0x1000);
  CHECK(bare.cpu.run(100) == RunEnd::halted);
  CHECK(bare.cpu.gpr[EAX] == 0);
  CHECK(bare.cpu.gpr[EBX] == 1);
}

}  // namespace
}  // namespace penumbra
