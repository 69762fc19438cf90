// Opening what a run needs, and joining it together.
#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "frontend/session.h"

namespace penumbra {

namespace {

ChannelSpec serial_spec(const RunSettings& settings, std::size_t index) {
  return index < settings.serial.size() ? settings.serial[index] : ChannelSpec{};
}

// A progress line and a console on one terminal would write over each other.
bool uses_terminal(const RunSettings& settings) {
  for (const ChannelSpec& spec : settings.serial)
    if (spec.kind == ChannelKind::stdio) return true;
  for (const auto& spec : {settings.parallel, settings.debugcon, settings.monitor})
    if (spec && spec->kind == ChannelKind::stdio) return true;
  return settings.gdb && settings.gdb->stdio;
}

}  // namespace

Session::Session(const RunSettings& settings, Guest& guest, const OpenWindow& open_window)
    : settings_(settings), guest_(guest), media_(settings, guest), statistics_(guest) {
  if (open_window) window_ = open_window({guest.keyboard(), guest.mouse(), *this, settings.full_screen});
  progress_ = std::make_unique<Progress>(!window_ && isatty(STDERR_FILENO) && !uses_terminal(settings));
  monitor_ = std::make_unique<Monitor>(
      guest, media_,
      MonitorActions{.quit = [this] { end(ExitCode::ok); },
                     .type = [this](std::vector<ScriptStep> steps) { typed_->append(std::move(steps)); },
                     .screenshot = [this](const std::string& path) { screenshot(path); },
                     .statistics = [this] { return statistics_.full(); }});
  open_lines();
  open_monitor();
  start_script();
  open_gdb();
}

Session::~Session() = default;

void Session::open_lines() {
  const auto add = [&](std::string name, CharacterPort& port, const ChannelSpec& spec) {
    lines_.push_back(std::make_unique<PortLine>(name, port, open_channel(spec)));
    if (spec.kind == ChannelKind::stdio && spec.escape) join_escape(*lines_.back());
    if (spec.kind == ChannelKind::pty) say(fmt::format("{} is {}", name, lines_.back()->place()));
  };
  add("COM1", guest_.serial(0), serial_spec(settings_, 0));
  add("COM2", guest_.serial(1), serial_spec(settings_, 1));
  add("parallel", guest_.parallel(), settings_.parallel.value_or(ChannelSpec{}));
  add("debug console", guest_.debug_console(), settings_.debugcon.value_or(ChannelSpec{}));
}

void Session::join_escape(PortLine& line) {
  if (isatty(STDIN_FILENO)) say("this terminal is the guest's COM1; Ctrl-A x quits, Ctrl-A h helps");
  const auto print = [&line](std::string_view text) { line.print(text); };
  escape_editor_ = std::make_unique<LineEditor>(print, [this, print](const std::string& typed) {
    std::string answer;
    for (const char c : monitor_->execute(typed)) answer += c == '\n' ? std::string("\r\n") : std::string(1, c);
    print(answer);
    if (!ending_) print(Monitor::kPrompt);
  });
  escape_ = std::make_unique<EscapeFilter>(EscapeFilter::Actions{
      .quit = [this] { end(ExitCode::ok); },
      .help = [print] { print(escape_help()); },
      .switched =
          [print](bool monitor) { print(monitor ? fmt::format("\r\n{}", Monitor::kPrompt) : std::string("\r\n")); },
      .monitor_key = [this](char key) { escape_editor_->key(key); }});
  line.filter_input([this](std::span<const u8> input) { return escape_->filter(input); });
}

void Session::open_monitor() {
  if (!settings_.monitor) return;
  monitor_channel_ = open_channel(*settings_.monitor);
  if (!monitor_channel_) return;
  if (settings_.monitor->kind == ChannelKind::pty) say(fmt::format("monitor is {}", monitor_channel_->place()));
  // A script at the other end of a pipe or socket wants answers only; a terminal shows what is typed.
  const bool terminal = settings_.monitor->kind == ChannelKind::pty ||
                        (settings_.monitor->kind == ChannelKind::stdio && isatty(STDIN_FILENO));
  const auto print = [this](std::string_view text) {
    for (const char c : text) monitor_output_ += c == '\n' ? std::string("\r\n") : std::string(1, c);
  };
  monitor_editor_ = std::make_unique<LineEditor>(
      [this, terminal](std::string_view text) {
        if (terminal) monitor_output_ += text;
      },
      [this, print](const std::string& typed) {
        print(monitor_->execute(typed));
        print(Monitor::kPrompt);
      });
  print(Monitor::kPrompt);
}

void Session::start_script() {
  const Script::Ports ports{guest_.keyboard(),
                            guest_.display(),
                            {&line(0).log(), &line(1).log()},
                            [this](unsigned index, std::string_view bytes) { return line(index).type(bytes); }};
  typed_ = std::make_unique<Script>(std::vector<ScriptStep>{}, ports, TypeTarget::keyboard);
  if (settings_.script.empty()) return;
  // Typed text goes where a person's would.
  const TypeTarget first = settings_.nographic ? TypeTarget::com1 : TypeTarget::keyboard;
  script_ = std::make_unique<Script>(settings_.script, ports, first);
}

void Session::open_gdb() {
  if (!settings_.gdb) return;
  const GdbSpec& spec = *settings_.gdb;
  DebugTarget* target = guest_.debug_target();
  if (target == nullptr) throw ConfigError("--gdb: this CPU has no debugging");
  std::unique_ptr<HostChannel> channel;
  if (spec.stdio)
    channel = open_channel({.kind = ChannelKind::stdio});
  else
    channel = serve_channel(spec.unix_path.empty() ? SocketServer::at_port(spec.host, spec.port)
                                                   : SocketServer::at_path(spec.unix_path));
  if (!spec.stdio)
    say(fmt::format("{} at {} (gdb: target remote {})", spec.wait ? "waiting for gdb" : "gdb may connect",
                    channel->place(), spec.unix_path.empty() ? channel->place() : spec.unix_path));
  gdb_ = std::make_unique<GdbStub>(
      std::move(channel), *target,
      GdbStub::Actions{.reset = [this] { guest_.reset(); },
                       .kill = [this] { end(ExitCode::ok); },
                       .gone =
                           [this] {
                             if (settings_.gdb->stdio) end(ExitCode::ok);
                           },
                       .monitor = [this](std::string_view text) { return monitor_->execute(text); }},
      spec.wait);
}

}  // namespace penumbra
