// Raw mode. The saved settings are file-wide because a signal handler, which gets no context, must put them back.
#include "frontend/terminal.h"

#include <unistd.h>

#include <csignal>

namespace penumbra {

namespace {

termios saved;                             // NOLINT: see above
volatile std::sig_atomic_t raw_file = -1;  // the terminal that is raw, or -1

}  // namespace

RawTerminal::RawTerminal(int file, TerminalKeys keys) {
  if (!isatty(file) || tcgetattr(file, &saved) != 0) return;
  file_ = file;
  raw_ = saved;
  raw_.c_iflag &= static_cast<tcflag_t>(~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON));
  raw_.c_lflag &= static_cast<tcflag_t>(~(ECHO | ECHONL | ICANON | IEXTEN));
  if (keys == TerminalKeys::all_to_guest) raw_.c_lflag &= static_cast<tcflag_t>(~ISIG);
  // Output processing stays on: our own messages and guests that send bare line feeds both want it.
  raw_.c_cflag &= static_cast<tcflag_t>(~(CSIZE | PARENB));
  raw_.c_cflag |= CS8;
  raw_.c_cc[VMIN] = 1;
  raw_.c_cc[VTIME] = 0;
  renew();
}

RawTerminal::~RawTerminal() { restore(); }

void RawTerminal::renew() {
  if (file_ < 0) return;
  raw_file = file_;
  tcsetattr(file_, TCSANOW, &raw_);
}

void RawTerminal::restore() {
  if (raw_file < 0) return;
  tcsetattr(raw_file, TCSANOW, &saved);
  raw_file = -1;
}

}  // namespace penumbra
