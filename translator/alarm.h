// Calls emitted code back to C++ after a time.
#pragma once

#include "core/base/types.h"
#include "translator/code_buffer.h"
#include "translator/context.h"
#include "translator/thunks.h"

namespace penumbra {

// Emitted code polls: in every loop it reads what the poll register points at. The alarm is a signal to the thread that
// runs it, whose handler makes the register, and Context::poll, what cannot be read.
class Alarm {
 public:
  // All three outlive it.
  Alarm(Context& context, const CodeBuffer& buffer, const Thunks& thunks);

  // While it lives, the alarm goes off in this thread once so many nanoseconds of host time have passed.
  class Set {
   public:
    // Throws HostError.
    Set(Alarm& alarm, i64 nanoseconds);
    ~Set();
    Set(const Set&) = delete;
    Set& operator=(const Set&) = delete;
  };
  bool gone_off() const { return __atomic_load_n(&context_.poll, __ATOMIC_RELAXED) == kStop; }

  // For the signal's handler: the thread was interrupted at this host address. Whether the poll register is to be kStop
  // there.
  bool go_off(u64 code);

 private:
  Context& context_;
  const CodeBuffer& buffer_;
  const Thunks& thunks_;
};

}  // namespace penumbra
