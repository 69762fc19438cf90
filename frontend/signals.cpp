// Handlers and the pipe that wakes the loop. What handlers touch is file-wide: they get no context.
#include "frontend/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/base/error.h"
#include "frontend/terminal.h"

namespace penumbra {

namespace {

volatile std::sig_atomic_t end_signal = 0;
volatile std::sig_atomic_t screenshot_wanted = 0;
volatile std::sig_atomic_t resumed = 0;
volatile std::sig_atomic_t wake_pipe = -1;

constexpr int kAsked[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCONT, SIGTSTP};
constexpr int kFatal[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT};

// Ends the process the way the signal would have without us.
void die_of(int number) {
  RawTerminal::restore();
  std::signal(number, SIG_DFL);
  raise(number);
}

void on_fatal(int number) { die_of(number); }

void on_signal(int number) {
  const int saved_errno = errno;
  switch (number) {
    case SIGUSR1: screenshot_wanted = 1; break;
    case SIGCONT: resumed = 1; break;
    case SIGTSTP:
      RawTerminal::restore();
      raise(SIGSTOP);
      break;
    default:
      // A second request finds a loop that did not answer the first.
      if (end_signal != 0) die_of(number);
      end_signal = number;
  }
  [[maybe_unused]] const ssize_t count = write(wake_pipe, "", 1);  // a full pipe has woken the loop already
  errno = saved_errno;
}

void install(int number, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags | SA_ONSTACK;  // emitted code has a small stack of its own
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

Signals::Signals() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) throw host_error("pipe");
  reader_ = FileDescriptor(ends[0]);
  writer_ = FileDescriptor(ends[1]);
  wake_pipe = ends[1];
  end_signal = 0;
  screenshot_wanted = 0;
  resumed = 0;
  for (const int number : kAsked) install(number, on_signal, SA_RESTART);
  for (const int number : kFatal) install(number, on_fatal, SA_NODEFER);
  std::signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
  for (const int number : kAsked) std::signal(number, SIG_DFL);
  for (const int number : kFatal) std::signal(number, SIG_DFL);
  wake_pipe = -1;
}

Signals::Pending Signals::take() {
  char buffer[64];
  while (read(reader_.number(), buffer, sizeof buffer) > 0) {
  }
  Pending pending{.end = end_signal, .screenshot = screenshot_wanted != 0, .resumed = resumed != 0};
  screenshot_wanted = 0;
  resumed = 0;
  return pending;
}

}  // namespace penumbra
