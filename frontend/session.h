// One run from power-on to its exit code: the loop that gives the guest its slices and serves everything around it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/escape.h"
#include "frontend/event_set.h"
#include "frontend/exit_code.h"
#include "frontend/gdb_stub.h"
#include "frontend/guest.h"
#include "frontend/line_editor.h"
#include "frontend/media.h"
#include "frontend/monitor.h"
#include "frontend/port_line.h"
#include "frontend/progress.h"
#include "frontend/run_settings.h"
#include "frontend/script.h"
#include "frontend/signals.h"
#include "frontend/statistics.h"
#include "frontend/window.h"

namespace penumbra {

class Session final : WindowListener {
 public:
  // Opens a window for these ports, or answers null for none.
  using OpenWindow = std::function<std::unique_ptr<Window>(const WindowSetup&)>;

  // Opens everything the settings name. Throws HostError and ConfigError.
  Session(const RunSettings& settings, Guest& guest, const OpenWindow& open_window);
  ~Session();

  // Runs to the end and answers the process's exit code. May throw HostError for what is written at the end.
  int run();

 private:
  static constexpr Ticks kSlice = milliseconds(10);
  // An idle guest's, where nothing has to be looked at meanwhile: what arrives from the host ends it.
  static constexpr Ticks kIdleSlice = milliseconds(200);

  struct Ending {
    int code;
    std::string message;  // empty: nothing to say
  };

  void open_lines();
  void open_monitor();
  void open_gdb();
  void join_escape(PortLine& line);
  void start_script();
  PortLine& line(unsigned index) { return *lines_[index]; }

  void slice();
  void serve();
  void serve_window();
  void answer_signals();
  void wait_or_run();
  Ticks idle_slice() const;
  void guest_stopped(const Stop& stop);
  void check_script(bool last_chance);
  void check_time();
  void end(ExitCode code, std::string message = {}) { end(static_cast<int>(code), std::move(message)); }
  void end(int code, std::string message);

  int finish();
  void write_results();
  void explain_unmet();
  void screenshot(const std::string& path);
  void say(const std::string& text);

  void command(WindowCommand command) override;
  void dropped(const std::string& path) override;
  void try_and_say(const std::function<std::string()>& action);

  const RunSettings& settings_;
  Guest& guest_;
  Signals signals_;
  EventSet events_;
  Media media_;
  Statistics statistics_;
  std::vector<std::unique_ptr<PortLine>> lines_;  // COM1, COM2, parallel, debug console
  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<HostChannel> monitor_channel_;
  std::unique_ptr<LineEditor> monitor_editor_;
  std::string monitor_output_;
  std::unique_ptr<EscapeFilter> escape_;
  std::unique_ptr<LineEditor> escape_editor_;
  std::unique_ptr<Script> script_;
  std::unique_ptr<Script> typed_;  // by the monitor
  std::unique_ptr<GdbStub> gdb_;
  std::unique_ptr<Window> window_;
  std::unique_ptr<Progress> progress_;
  Picture picture_;
  unsigned slices_ = 0;
  unsigned notice_samples_ = 0;  // how long the title still shows what happened instead of the speed
  std::optional<Ending> ending_;
};

}  // namespace penumbra
