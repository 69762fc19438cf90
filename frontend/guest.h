// The machine as the front end drives it. Everything in this folder talks to this interface, so that it can be tested
// with a guest made of a few lines; the real one (machine_guest.h) hands each call on to Machine.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/types.h"
#include "core/debug/event_count.h"
#include "core/machine/machine.h"
#include "core/platform/character_port.h"
#include "core/platform/display.h"
#include "core/platform/input.h"
#include "frontend/debug_target.h"

namespace penumbra {

class Guest {
 public:
  virtual ~Guest() = default;

  // As Machine::run_for.
  virtual std::optional<Stop> run_for(Ticks host_time, int wake_file, Ticks idle_time,
                                      const std::function<void()>& before_sleep) = 0;
  virtual void reset() = 0;
  virtual void power_button() = 0;

  virtual Display& display() = 0;
  virtual KeyboardPort& keyboard() = 0;
  virtual MousePort& mouse() = 0;
  virtual CharacterPort& serial(unsigned index) = 0;
  virtual CharacterPort& parallel() = 0;
  virtual CharacterPort& debug_console() = 0;

  virtual void change_floppy(unsigned drive, const DriveConfig& medium) = 0;
  virtual void change_cdrom(unsigned drive, const DriveConfig& medium) = 0;

  virtual Ticks now() = 0;  // guest time
  // Executed since power-on; none where the engine does not count them.
  virtual std::optional<u64> instructions() = 0;
  // The engine's work; may be empty.
  virtual std::vector<EventCount> engine_counts() = 0;
  virtual u64 state_hash() = 0;  // of CPU, memory and devices
  virtual double busy_fraction() = 0;
  virtual bool disk_active() = 0;

  // Null where the CPU offers no debugging.
  virtual DebugTarget* debug_target() = 0;
};

}  // namespace penumbra
