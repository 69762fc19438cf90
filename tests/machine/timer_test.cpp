// A timer that the guest sets nearer than all others comes in time, not at the end of the slice that had begun.
#include <doctest/doctest.h>

#include "core/cpu/cpu.h"
#include "core/machine/machine.h"
#include "mmu/guest_memory.h"

namespace penumbra {
namespace {

TEST_CASE("the 8254 set to 100 clocks interrupts after 84 us") {
  for (const EngineKind engine : {EngineKind::interpreter, EngineKind::lockstep}) {
    MachineConfig config;
    config.memory_bytes = 8 << 20;
    config.icount = true;
    config.engine = engine;
    config.debug_exit_port = 0xF4;
    Trace trace;
    Machine machine(config, trace);
    // The firmware sets up the interrupt controllers.
    CHECK(!machine.run_for(milliseconds(30)));

    constexpr u32 kCode = 0x7C00, kHandler = 0x7D00;
    // cli; mov al, FEh; out 21h, al; mov al, 30h; out 43h, al; mov al, 100; out 40h, al; xor al, al; out 40h, al; sti;
    // jmp to itself
    const u8 code[] = {0xFA, 0xB0, 0xFE, 0xE6, 0x21, 0xB0, 0x30, 0xE6, 0x43, 0xB0,
                       100,  0xE6, 0x40, 0x30, 0xC0, 0xE6, 0x40, 0xFB, 0xEB, 0xFE};
    const u8 handler[] = {0xE6, 0xF4};                           // out F4h, al
    const u8 vector[] = {kHandler & 0xFF, kHandler >> 8, 0, 0};  // of IRQ 0, INT 8
    machine.memory().write(PhysAddr(kCode), code);
    machine.memory().write(PhysAddr(kHandler), handler);
    machine.memory().write(PhysAddr(8 * 4), vector);
    Cpu& cpu = machine.cpu();
    cpu.reset();
    cpu.segment[CS].selector = 0;
    cpu.segment[CS].base = 0;
    cpu.eip = kCode;
    cpu.gpr[ESP] = 0x7000;
    cpu.state_changed();

    CAPTURE(static_cast<int>(engine));
    const Ticks before = machine.clock().now();
    const std::optional<Stop> stop = machine.run_for(milliseconds(30));
    REQUIRE(stop);
    CAPTURE(stop->detail);
    CHECK(stop->reason == StopReason::debug_exit);
    const i64 after = machine.clock().now() - before;
    CHECK(after >= 100 * 838);
    CHECK(after < 100 * 838 + 10'000);
  }
}

}  // namespace
}  // namespace penumbra
