// The host's own CPU as the oracle for user-mode instructions: 32-bit code run in compatibility mode inside of this
// 64-bit process. x86-64 Linux only.
#pragma once

#include <memory>
#include <string>

#include "conformance/subject.h"

namespace penumbra::conformance {

struct HostAbilities {
  bool local_segments = false;  // modify_ldt works, 16-bit segments too
  bool fs = false;              // FS can be loaded and the thread pointer restored
};

// One at a time in a process: it owns fixed addresses below 4 GiB and the handlers of the fault signals.
class HostCpu : public Subject {
 public:
  // Throws HostError if the host refuses, or is no x86-64 Linux.
  static std::unique_ptr<HostCpu> create();
  virtual const HostAbilities& abilities() const = 0;
};

}  // namespace penumbra::conformance
