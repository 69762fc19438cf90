// One PC: CPU, memory, board and devices, run by its owner in slices.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/debug/event_count.h"
#include "core/machine/config.h"
#include "core/platform/character_port.h"
#include "core/platform/clock.h"
#include "core/platform/display.h"
#include "core/platform/input.h"

namespace penumbra {

class Cpu;
class GuestMemory;
class PcBoard;
class PortBus;

enum class StopReason : u8 {
  powered_off,     // ACPI S5 or APM off
  reset,           // a reset while no_reboot is set
  debug_exit,      // isa-debug-exit; `value` is what was written
  triple_fault,    // shutdown state with no_reboot; otherwise the machine resets as a PC does
  engines_differ,  // in lockstep: the interpreter and the translator disagree
  breakpoint,      // a debugger's breakpoint, watchpoint or single step; the CPU stands before the next instruction
};

struct Stop {
  StopReason reason;
  u32 value = 0;
  std::string detail;  // for people: what happened and where
};

class Machine {
 public:
  // Throws ConfigError for a bad configuration or image, HostError where the host refuses. Starts powered on, at reset.
  Machine(const MachineConfig& config, Trace& trace);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Runs the guest for about that much host time, or until it stops. Idle, it sleeps in here: for as long, but where
  // `idle_time` is more, so long altogether. `wake_file`, if not -1, ends call and sleep when it becomes readable.
  // `before_sleep` is called each time that the guest falls asleep.
  std::optional<Stop> run_for(Ticks host_time, int wake_file = -1, Ticks idle_time = Ticks(0),
                              const std::function<void()>& before_sleep = {});
  // Runs exactly so many instructions (debugger single step and --icount tests).
  std::optional<Stop> run_instructions(u64 count);

  void reset();         // the reset button
  void power_button();  // ACPI power button

  Cpu& cpu();
  GuestMemory& memory();
  PortBus& ports();
  Clock& clock();
  PcBoard& board();

  Display& display();
  KeyboardPort& keyboard();
  MousePort& mouse();
  CharacterPort& serial(unsigned index);  // 0..1: COM1, COM2
  CharacterPort& parallel();
  CharacterPort& debug_console();

  // Replaces the medium of a floppy (0..1) or an ATAPI drive (IDE index 0..3); an empty path ejects. Throws
  // ConfigError.
  void change_floppy(unsigned drive, const DriveConfig& medium);
  void change_cdrom(unsigned drive, const DriveConfig& medium);

  std::vector<EventCount> engine_counts() const;  // the engine's work, for --stats; none for the interpreter
  bool counts_instructions() const;               // emitted code does not
  u64 instructions() const;                       // executed since power-on; else a measure of time
  u64 state_hash();                               // of CPU, memory and every device
  double busy_fraction() const;                   // since power-on: guest CPU not halted
  bool disk_active() const;                       // within the last 100 ms

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penumbra
