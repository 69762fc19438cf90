// One piece of memory, two mappings.
#include "translator/code_buffer.h"

#include <sys/mman.h>

#include <atomic>

#include "core/base/check.h"
#include "core/base/error.h"

namespace penumbra {

CodeBuffer::CodeBuffer(u64 bytes) : bytes_(bytes) {
  // Shared and anonymous, not a memfd: perf looks up names in its map for anonymous memory only.
  void* write = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  // From a length of 0 mremap makes a second mapping of the same pages.
  void* execute = write == MAP_FAILED ? MAP_FAILED : mremap(write, 0, bytes, MREMAP_MAYMOVE);
  const bool executable = execute != MAP_FAILED && mprotect(execute, bytes, PROT_READ | PROT_EXEC) == 0;
  const HostError error = host_error(fmt::format("code cache: mapping {} bytes", bytes));
  if (!executable) {
    if (execute != MAP_FAILED) munmap(execute, bytes);
    if (write != MAP_FAILED) munmap(write, bytes);
    throw error;
  }
  writable_ = static_cast<u8*>(write);
  executable_ = static_cast<u8*>(execute);
}

CodeBuffer::~CodeBuffer() {
  munmap(writable_, bytes_);
  munmap(executable_, bytes_);
}

void CodeBuffer::patch_jump(u64 place, u64 target) {
  CHECK_THAT(place + 4 <= bytes_ && target < bytes_, "{:x} -> {:x}", place, target);
  const i32 displacement = static_cast<i32>(static_cast<i64>(target) - static_cast<i64>(place + 4));
  __builtin_memcpy(writable_ + place, &displacement, 4);
  // The code is executed by this thread only, after a jump; the compiler must not move the store behind it.
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace penumbra
