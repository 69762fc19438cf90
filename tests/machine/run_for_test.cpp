// How long Machine::run_for keeps a busy and an idle guest.
#include <doctest/doctest.h>
#include <unistd.h>

#include "core/base/host_time.h"
#include "core/cpu/cpu.h"
#include "core/machine/machine.h"
#include "mmu/guest_memory.h"

namespace penumbra {
namespace {

// A machine that executes nothing but these bytes.
struct Running {
  explicit Running(std::initializer_list<u8> code) : machine(config(), trace) {
    constexpr u32 kCode = 0x7C00;
    machine.memory().write(PhysAddr(kCode), code);
    Cpu& cpu = machine.cpu();
    cpu.reset();
    cpu.segment[CS].selector = 0;
    cpu.segment[CS].base = 0;
    cpu.eip = kCode;
    cpu.state_changed();
  }
  static MachineConfig config() {
    MachineConfig config;
    config.memory_bytes = 8 << 20;
    return config;
  }
  // Host time that a call takes.
  i64 run(Ticks host_time, int wake_file, Ticks idle_time) {
    const i64 before = host_nanoseconds();
    CHECK(!machine.run_for(host_time, wake_file, idle_time, [this] { ++sleeps; }));
    return host_nanoseconds() - before;
  }
  Trace trace;
  Machine machine;
  unsigned sleeps = 0;
};

constexpr Ticks kNeverEnding = seconds(1000);

TEST_CASE("an idle guest sleeps for all of the idle time, a busy one runs for the other") {
  Running idle{0xFA, 0xF4};  // cli; hlt
  CHECK(idle.run(milliseconds(1), -1, milliseconds(30)) >= 30'000'000);
  CHECK(idle.sleeps > 0);
  Running busy{0xEB, 0xFE};  // jmp to itself
  CHECK(busy.run(milliseconds(1), -1, kNeverEnding) >= 1'000'000);
  CHECK(busy.sleeps == 0);
}

TEST_CASE("a readable wake file ends the sleep and the call") {
  Running idle{0xFA, 0xF4};
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], "x", 1) == 1);
  idle.run(milliseconds(1), ends[0], kNeverEnding);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace penumbra
