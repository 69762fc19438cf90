// What the host refuses emitted code comes back to C++ as an exit of the block, with the guest's registers as they were
// before the instruction.
#pragma once

#include "translator/code_buffer.h"
#include "translator/context.h"
#include "translator/thunks.h"

namespace penumbra {

// While it lives, faults of emitted code of this buffer leave it with ExitReason::fault. Others go where they went
// before. All three outlive it.
class FaultRecovery {
 public:
  // Throws HostError where the host refuses the handlers, or where a process has too many machines.
  FaultRecovery(Context& context, const CodeBuffer& buffer, const Thunks& thunks);
  ~FaultRecovery();
  FaultRecovery(const FaultRecovery&) = delete;
  FaultRecovery& operator=(const FaultRecovery&) = delete;

  // Before emitted code is entered: whoever has taken the signals since then hands on to us no more.
  void claim();

  struct Place {
    Context* context;
    const CodeBuffer* buffer;
    u64 abandon;  // host address
  };

 private:
  Place place_;
  unsigned slot_;
};

}  // namespace penumbra
