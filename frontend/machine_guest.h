// The real machine as the front end's guest.
#pragma once

#include <memory>

#include "core/machine/machine.h"
#include "frontend/cpu_debug_target.h"
#include "frontend/guest.h"

namespace penumbra {

class MachineGuest final : public Guest {
 public:
  explicit MachineGuest(Machine& machine) : machine_(machine), debug_(machine.cpu()) {}

  std::optional<Stop> run_for(Ticks host_time, int wake_file, Ticks idle_time,
                              const std::function<void()>& before_sleep) override {
    // A halted CPU has nothing to step: it waits for its interrupt as ever, and the step is over when that has come.
    const bool stepping = debug_.step_wanted() && !debug_.halted();
    std::optional<Stop> stop =
        stepping ? machine_.run_instructions(1) : machine_.run_for(host_time, wake_file, idle_time, before_sleep);
    if (stop && stop->reason == StopReason::breakpoint) {
      debug_.step_done();
      debug_.note_hit();
    } else if (debug_.step_wanted() && (stepping || !debug_.halted())) {
      debug_.step_done();
      if (!stop) stop = Stop{StopReason::breakpoint, 0, ""};
    }
    return stop;
  }
  void reset() override { machine_.reset(); }
  void power_button() override { machine_.power_button(); }
  Display& display() override { return machine_.display(); }
  KeyboardPort& keyboard() override { return machine_.keyboard(); }
  MousePort& mouse() override { return machine_.mouse(); }
  CharacterPort& serial(unsigned index) override { return machine_.serial(index); }
  CharacterPort& parallel() override { return machine_.parallel(); }
  CharacterPort& debug_console() override { return machine_.debug_console(); }
  void change_floppy(unsigned drive, const DriveConfig& medium) override { machine_.change_floppy(drive, medium); }
  void change_cdrom(unsigned drive, const DriveConfig& medium) override { machine_.change_cdrom(drive, medium); }
  Ticks now() override { return machine_.clock().now(); }
  std::optional<u64> instructions() override {
    return machine_.counts_instructions() ? std::optional(machine_.instructions()) : std::nullopt;
  }
  std::vector<EventCount> engine_counts() override { return machine_.engine_counts(); }
  u64 state_hash() override { return machine_.state_hash(); }
  double busy_fraction() override { return machine_.busy_fraction(); }
  bool disk_active() override { return machine_.disk_active(); }
  DebugTarget* debug_target() override { return &debug_; }

 private:
  Machine& machine_;
  CpuDebugTarget debug_;
};

}  // namespace penumbra
