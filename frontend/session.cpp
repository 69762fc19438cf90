// The loop: serve, run a slice, look at why it ended.
#include "frontend/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "core/base/error.h"

namespace penumbra {

int Session::run() {
  while (!ending_) slice();
  return finish();
}

void Session::slice() {
  serve();
  if (ending_) return;
  wait_or_run();
  for (const auto& line : lines_) line->pump();
  if (!ending_) check_script(false);
  if (!ending_) check_time();
}

void Session::serve() {
  answer_signals();
  for (const auto& line : lines_) line->pump();
  if (monitor_channel_) {
    u8 buffer[1024];
    const std::size_t count = monitor_channel_->read(buffer);
    for (std::size_t i = 0; i < count && !ending_; ++i) monitor_editor_->key(static_cast<char>(buffer[i]));
    if (monitor_channel_->nobody_listens()) monitor_output_.clear();
    if (!monitor_output_.empty())
      monitor_output_.erase(
          0, monitor_channel_->write({reinterpret_cast<const u8*>(monitor_output_.data()), monitor_output_.size()}));
  }
  if (gdb_) gdb_->pump();
  typed_->poll(guest_.now());
  serve_window();
}

void Session::serve_window() {
  const bool sampled = statistics_.sample();
  if (!window_) return;
  window_->poll();
  if (sampled && (notice_samples_ == 0 || --notice_samples_ == 0)) window_->status(statistics_.brief());
  // Every second slice: 50 pictures a second.
  if (++slices_ % 2 == 0 && guest_.display().render(picture_)) window_->show(picture_);
}

void Session::answer_signals() {
  const Signals::Pending pending = signals_.take();
  if (pending.resumed)
    for (const auto& line : lines_) line->resumed();
  if (pending.screenshot)
    try_and_say([this] {
      const std::string path = settings_.screenshot.empty() ? "penumbra.png" : settings_.screenshot;
      screenshot(path);
      return fmt::format("screenshot written to {}", path);
    });
  if (pending.end != 0) end(ExitCode::signal, fmt::format("ended by {}", strsignal(pending.end)));
}

void Session::wait_or_run() {
  std::vector<Interest> interests{{signals_.file(), true, false}};
  for (const auto& line : lines_) line->interests(interests);
  if (monitor_channel_) monitor_channel_->interests(interests, true, !monitor_output_.empty());
  if (gdb_) gdb_->interests(interests);
  events_.set(interests);
  if (gdb_ && gdb_->halted()) {
    events_.wait(kSlice);
    return;
  }
  // A prompt, or what a shell echoes, ends no line.
  const auto send = [this] {
    for (const auto& line : lines_) line->send();
  };
  if (const std::optional<Stop> stop = guest_.run_for(kSlice, events_.file(), idle_slice(), send)) guest_stopped(*stop);
}

// A window shows pictures, and typing is paced by guest time.
Ticks Session::idle_slice() const {
  const bool typing = !typed_->done() || (script_ && !script_->done());
  const bool full = std::ranges::any_of(lines_, [](const auto& line) { return line->guest_is_full(); });
  return window_ || typing || full ? kSlice : kIdleSlice;
}

void Session::guest_stopped(const Stop& stop) {
  // What the guest said last may be what was waited for.
  for (const auto& line : lines_) line->pump();
  const auto because = [&](std::string_view what) {
    return stop.detail.empty() ? std::string(what) : fmt::format("{}: {}", what, stop.detail);
  };
  // A bug of ours comes before what the script has to say.
  if (stop.reason == StopReason::engines_differ) end(ExitCode::internal_error, because("internal error"));
  if (stop.reason != StopReason::breakpoint) check_script(true);
  if (ending_) return;
  switch (stop.reason) {
    case StopReason::powered_off: end(ExitCode::ok); break;
    case StopReason::reset: end(ExitCode::guest_reset, because("the guest reset itself")); break;
    case StopReason::triple_fault: end(ExitCode::triple_fault, because("triple fault")); break;
    case StopReason::engines_differ: break;
    case StopReason::debug_exit: end(debug_exit_code(stop.value), ""); break;
    case StopReason::breakpoint:
      if (gdb_) gdb_->stopped(stop);
      break;
  }
}

void Session::check_script(bool last_chance) {
  if (!script_) return;
  const std::string awaited(script_->awaited());
  script_->poll(guest_.now());
  if (script_->done() && script_->ends_with_expect()) {
    end(ExitCode::ok);
  } else if (last_chance && script_->expects_left()) {
    end(ExitCode::expectation, fmt::format("expectation not met: '{}' (the guest ended before)", script_->awaited()));
  } else if (awaited != script_->awaited()) {
    progress_->clear();
  }
}

void Session::check_time() {
  const double seconds = statistics_.host_seconds();
  const std::string awaited(script_ ? script_->awaited() : "");
  progress_->show(awaited.empty() ? "running" : fmt::format("waiting for '{}'", awaited), seconds);
  if (!settings_.timeout_seconds || seconds < *settings_.timeout_seconds) return;
  end(ExitCode::time_limit, fmt::format("time limit of {} s reached{}", *settings_.timeout_seconds,
                                        awaited.empty() ? "" : fmt::format(" while waiting for '{}'", awaited)));
}

void Session::end(int code, std::string message) {
  if (!ending_) ending_ = Ending{code, std::move(message)};
}

void Session::command(WindowCommand command) {
  switch (command) {
    case WindowCommand::reset: guest_.reset(); break;
    case WindowCommand::power: guest_.power_button(); break;
    case WindowCommand::quit: end(ExitCode::ok); break;
    case WindowCommand::next_medium: try_and_say([this] { return media_.next(); }); break;
    case WindowCommand::screenshot:
      try_and_say([this] {
        const std::time_t now = std::time(nullptr);
        char stamp[32];
        std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", std::localtime(&now));
        const std::string path = fmt::format("penumbra-{}.png", stamp);
        screenshot(path);
        return fmt::format("screenshot written to {}", path);
      });
      break;
    case WindowCommand::free_mouse:
    case WindowCommand::full_screen: break;  // the window's own
  }
}

void Session::dropped(const std::string& path) {
  try_and_say([&] { return media_.drop(path); });
}

// What a person asked for while the guest runs: a failure is told, and the guest goes on.
void Session::try_and_say(const std::function<std::string()>& action) {
  std::string result;
  try {
    result = action();
  } catch (const ConfigError& error) {
    result = error.what();
  } catch (const HostError& error) {
    result = error.what();
  }
  say(result);
  if (window_) window_->status(result);
  notice_samples_ = 8;  // four seconds
}

void Session::say(const std::string& text) {
  progress_->clear();
  fmt::print(stderr, "penumbra: {}\n", text);
}

}  // namespace penumbra
