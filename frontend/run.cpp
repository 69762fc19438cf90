// Machine, trace, window and session, put together.
#include "frontend/run.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "core/base/error.h"
#include "core/machine/machine.h"
#include "frontend/machine_guest.h"
#include "frontend/session.h"

namespace penumbra {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

bool host_has_display() {
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return true;
  return false;
}

bool wants_window(const RunSettings& settings) {
  if (settings.display != DisplayKind::automatic) return settings.display == DisplayKind::sdl;
  if (host_has_display()) return true;
  if (settings.script.empty() && settings.serial.empty())
    fmt::print(stderr,
               "penumbra: no display found, so the guest runs unseen (--nographic puts its serial console here)\n");
  return false;
}

}  // namespace

int run(const RunSettings& settings) {
  std::unique_ptr<std::FILE, CloseFile> trace_file;
  if (!settings.trace_file.empty()) {
    trace_file.reset(std::fopen(settings.trace_file.c_str(), "w"));
    if (!trace_file) throw host_error(settings.trace_file);
  }
  Trace trace;
  std::FILE* sink = trace_file ? trace_file.get() : stderr;
  trace.send_to([sink](std::string_view line) { std::fwrite(line.data(), 1, line.size(), sink); });
  for (const Channel channel : settings.trace) trace.enable(channel);

  Machine machine(settings.machine, trace);
  MachineGuest guest(machine);
  Session session(settings, guest, wants_window(settings) ? Session::OpenWindow(open_sdl_window) : nullptr);
  return session.run();
}

}  // namespace penumbra
