// The terminal in raw mode, and its way back: at the end of the run, at a fatal signal, and around a stop (Ctrl-Z from
// elsewhere).
#pragma once

#include <termios.h>

#include "core/base/types.h"

namespace penumbra {

enum class TerminalKeys : u8 {
  all_to_guest,   // Ctrl-C, Ctrl-Z and Ctrl-\ are the guest's
  signals_to_us,  // they keep their meaning
};

// At most one exists at a time: a process has one controlling terminal.
class RawTerminal {
 public:
  // Does nothing if `file` is no terminal.
  RawTerminal(int file, TerminalKeys keys);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  // Enters raw mode again after the process was stopped.
  void renew();

  // Puts the terminal back; may be called from a signal handler, and without a RawTerminal.
  static void restore();

 private:
  int file_ = -1;
  termios raw_{};
};

}  // namespace penumbra
