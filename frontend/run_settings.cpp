// What settings imply, and which do not go together.
#include "frontend/run_settings.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace penumbra {

namespace {

DriveConfig first_medium(const DriveOption& option, bool cdrom, bool read_only) {
  DriveConfig drive;
  if (!option.media.empty()) drive = option.media.front();
  drive.cdrom |= cdrom;
  drive.read_only |= read_only;
  return drive;
}

void place_drives(RunSettings& settings) {
  MachineConfig& machine = settings.machine;
  DriveOption& secondary_master = settings.disks[kCdromDrive];
  if (settings.cdrom.given && secondary_master.given)
    throw ConfigError("--cdrom and --hdc are the same drive (secondary master): give one of them");
  if (!secondary_master.given) {
    // An empty CD drive is there unless told otherwise, so that a medium can be put in later.
    secondary_master = settings.cdrom;
    secondary_master.given = true;
    for (DriveConfig& medium : secondary_master.media) medium.cdrom = true;
    if (secondary_master.media.empty()) secondary_master.media.push_back({.path = "", .cdrom = true});
  }
  settings.floppies[0].given = true;  // likewise drive A:

  for (std::size_t i = 0; i < settings.disks.size(); ++i)
    if (settings.disks[i].given && settings.disks[i].present)
      machine.ide[i] = first_medium(settings.disks[i], false, settings.read_only_images);
  for (std::size_t i = 0; i < settings.floppies.size(); ++i)
    if (settings.floppies[i].given && settings.floppies[i].present)
      machine.floppy[i] = first_medium(settings.floppies[i], false, settings.read_only_images);
}

void check_stdio(const RunSettings& settings) {
  std::string owner;
  const auto claim = [&](const std::string& who) {
    if (!owner.empty())
      throw ConfigError(fmt::format("{} and {} both want standard input and output: only one can have it", owner, who));
    owner = who;
  };
  for (std::size_t i = 0; i < settings.serial.size(); ++i)
    if (settings.serial[i].kind == ChannelKind::stdio) claim(fmt::format("--serial (COM{})", i + 1));
  if (settings.parallel && settings.parallel->kind == ChannelKind::stdio) claim("--parallel");
  if (settings.debugcon && settings.debugcon->kind == ChannelKind::stdio) claim("--debugcon");
  if (settings.monitor && settings.monitor->kind == ChannelKind::stdio) claim("--monitor");
  if (settings.gdb && settings.gdb->stdio) claim("--gdb");
}

}  // namespace

void complete(RunSettings& settings) {
  // Emitted code counts no instructions.
  if (!settings.engine_given)
    settings.machine.engine = settings.machine.icount ? EngineKind::interpreter : EngineKind::translator;
  if (settings.nographic) {
    if (settings.display == DisplayKind::sdl) throw ConfigError("--nographic and --display sdl contradict each other");
    settings.display = DisplayKind::none;
    if (settings.serial.empty()) settings.serial.push_back({.kind = ChannelKind::stdio, .path = "", .escape = true});
  }
  if (settings.machine.kernel.empty() && !settings.machine.initrd.empty())
    throw ConfigError("--initrd needs --kernel: there is no kernel to hand it to");
  if (settings.machine.kernel.empty() && !settings.machine.append.empty())
    throw ConfigError("--append needs --kernel: there is no kernel to hand it to");
  if (!settings.trace_file.empty() && settings.trace.empty())
    throw ConfigError("--trace-file needs --trace CHANNEL: nothing is traced");
  if (settings.machine.engine == EngineKind::interpreter) {
    if (!settings.machine.translator.listed.empty())
      throw ConfigError("--dump-translation needs --engine translator: nothing is translated");
    if (settings.machine.translator.perf_map)
      throw ConfigError("--perf-map needs --engine translator: nothing is translated");
  }
  place_drives(settings);
  check_stdio(settings);
}

}  // namespace penumbra
