// The signals a run answers, brought from handlers into its loop.
#pragma once

#include "frontend/file_descriptor.h"

namespace penumbra {

// While one exists (at most one does): SIGINT, SIGTERM and SIGHUP ask the run to end, and a second one ends it at once;
// SIGUSR1 asks for a screenshot; a stop and its end leave and enter raw mode; a crash leaves raw mode first.
class Signals {
 public:
  struct Pending {
    int end = 0;  // the signal's number
    bool screenshot = false;
    bool resumed = false;
  };

  Signals();  // throws HostError
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable when a signal has come.
  int file() const { return reader_.number(); }
  // What has come since the last call.
  Pending take();

 private:
  FileDescriptor reader_;
  FileDescriptor writer_;
};

}  // namespace penumbra
