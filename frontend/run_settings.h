// One run as the command line and the machine file describe it: the machine, and what surrounds it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/machine/config.h"
#include "frontend/channel_spec.h"
#include "frontend/script.h"

namespace penumbra {

enum class DisplayKind : u8 { automatic, sdl, none };

struct GdbSpec {
  bool stdio = false;
  std::string unix_path{};
  std::string host = "127.0.0.1";
  u16 port = 0;      // 0: any free one
  bool wait = true;  // the guest starts stopped
};

// The drives as options name them; the media of a removable drive are a list to go through.
struct DriveOption {
  bool given = false;
  bool present = true;
  std::vector<DriveConfig> media;  // empty: no medium
};

struct RunSettings {
  MachineConfig machine;
  bool engine_given = false;
  std::array<DriveOption, 2> floppies;
  std::array<DriveOption, 4> disks;  // IDE, in the order of MachineConfig::ide
  DriveOption cdrom;
  bool read_only_images = false;

  DisplayKind display = DisplayKind::automatic;
  bool nographic = false;
  bool full_screen = false;
  std::vector<ChannelSpec> serial;
  std::optional<ChannelSpec> parallel;
  std::optional<ChannelSpec> debugcon;
  std::optional<ChannelSpec> monitor;

  std::vector<ScriptStep> script;
  std::optional<double> timeout_seconds;
  std::string screenshot;
  std::optional<std::string> screen_text;  // a file, or "-" for standard output

  std::vector<Channel> trace;
  std::string trace_file;  // empty: standard error
  std::optional<GdbSpec> gdb;
  bool stats = false;
};

// IDE index of --cdrom: secondary master, as with QEMU.
inline constexpr unsigned kCdromDrive = 2;

// Fills in what follows from other settings (drives into `machine`, --nographic) and throws ConfigError where they
// contradict each other.
void complete(RunSettings& settings);

}  // namespace penumbra
