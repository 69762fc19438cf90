// The host stack of guest calls, so that the host predicts returns. It holds nothing that matters: whatever leaves
// emitted code forgets it.
#pragma once

#include "core/base/types.h"

namespace penumbra {

class ReturnStack {
 public:
  // `stray`: the host address where a return goes that has no call. Throws HostError.
  explicit ReturnStack(u64 stray);
  ~ReturnStack();
  ReturnStack(const ReturnStack&) = delete;
  ReturnStack& operator=(const ReturnStack&) = delete;

  u64 top() const { return top_; }

 private:
  u8* bottom_;
  u64 top_;
};

}  // namespace penumbra
