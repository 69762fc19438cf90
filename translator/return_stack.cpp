// A mapping with a guard below.
#include "translator/return_stack.h"

#include <sys/mman.h>

#include "core/base/bits.h"
#include "core/base/error.h"

namespace penumbra {

namespace {

constexpr u64 kGuardBytes = 64 << 10;
constexpr u64 kStackBytes = 128 << 10;

}  // namespace

ReturnStack::ReturnStack(u64 stray) {
  void* at = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw host_error("stack of returns: mmap");
  bottom_ = static_cast<u8*>(at);
  if (mprotect(bottom_, kGuardBytes, PROT_NONE) != 0) throw host_error("stack of returns: mprotect");
  u8* last = bottom_ + kGuardBytes + kStackBytes - 16;
  store<u64>(last, stray);
  top_ = reinterpret_cast<u64>(last);
}

ReturnStack::~ReturnStack() { munmap(bottom_, kGuardBytes + kStackBytes); }

}  // namespace penumbra
